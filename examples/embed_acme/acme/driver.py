"""Acme's driver: performs what the core answers, and tells it what came of that. It decides nothing either.

Rule 1: what `step` returned is stored in one assignment, before it is performed.
Rule 2: whatever interrupts it is told to the core, which says how to leave; only then it is raised again.
"""

import time
from typing import Any, TypeVar, assert_never, cast

from platform_core import (
    Abandoned,
    Action,
    Authorize,
    ClientConfig,
    Done,
    Failed,
    Gone,
    NotAuthorized,
    Operation,
    Outcome,
    Raise,
    Received,
    Refused,
    RetryBudget,
    Send,
    Sleep,
    Started,
    Token,
    Woke,
)

from .errors import AcmeError, renamed
from .transport import NotAnswered, Transport

T = TypeVar("T")
AGENT = "acme-sdk/1.0"


class Driver:
    """Runs operations in the thread that calls, one at a time."""

    def __init__(self, config: ClientConfig, token: Token) -> None:
        self._config = config
        self._token = token
        self._transport = Transport(config.settings.limits)
        self._budget = RetryBudget()

    def run(self, operation: Operation[T]) -> T:
        """What the operation ends in. Raises `AcmeError`, or again whatever interrupted it."""
        epoch = time.monotonic()
        now: tuple[Operation[T], Action[T] | None] = operation, None
        outcome: Outcome = Started(0.0)
        interruptions: list[BaseException] = []
        while not isinstance(now[1], Done | Raise | Gone):
            try:
                now = now[0].step(outcome)
                if isinstance(now[1], Send | Sleep | Authorize):
                    self._transport.sent = "no"
                    outcome = self._perform(now[1], epoch)
            except BaseException as error:
                if len(interruptions) > 1:
                    raise
                outcome = Abandoned(time.monotonic() - epoch, self._transport.sent, final=bool(interruptions))
                interruptions.append(error)
        if interruptions:
            raise interruptions[0]
        return cast("T", self._end(now[1]))

    def _perform(self, action: Send | Sleep | Authorize, epoch: float) -> Outcome:
        match action:
            case Send(request, deadline):
                try:
                    outgoing = self._config.outgoing(request, AGENT)
                    response = self._transport.send(outgoing, self._token.header, epoch + deadline)
                except NotAnswered as error:
                    return Failed(time.monotonic() - epoch, error.cause, self._transport.sent)
                return Received(time.monotonic() - epoch, response, generation=0)
            case Sleep(until, cost):
                budget = self._budget.withdraw(cost)
                if budget is None:
                    return Refused(time.monotonic() - epoch)
                self._budget = budget
                time.sleep(max(until - (time.monotonic() - epoch), 0.0))
                return Woke(time.monotonic() - epoch)
            case Authorize():
                return NotAuthorized(time.monotonic() - epoch, "an Acme key is not renewed", permanent=True)
            case _:
                assert_never(action)

    def _end(self, action: Done[Any] | Raise | Gone) -> object:
        match action:
            case Done(value):
                self._budget = self._budget.deposit()
                return value
            case Raise(failure):
                raise renamed(failure)
            case Gone(report):
                raise AcmeError(str(report), None)
            case _:
                assert_never(action)
