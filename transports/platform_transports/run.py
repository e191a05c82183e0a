"""One run of an operation, as both drivers have it: where it is, since when, and who is told. It decides nothing.

Rule 1: what `step` returned is stored in one assignment, before it is performed: from there on its action is in flight.
Rule 2: the progress of a send is forgotten only after `step` has returned: an answer that was lost between the transport and
        `step` still counts as "maybe sent".
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar, assert_never

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.config import ClientConfig, user_agent
from platform_core.errors import Failure, PlatformClientError
from platform_core.machine import Decision, Operation
from platform_core.messages import OutgoingRequest
from platform_core.outcomes import Abandoned, Authorized, NotAuthorized, Outcome

from .budget import BudgetHolder
from .contract import Clock, Progress, SyncClock
from .tokens import Denied, Granted

T = TypeVar("T")
Observer: TypeAlias = Callable[[Decision], None]
"""Called with each decision before its action is performed."""

CLOSED_MESSAGE = "the client was closed while the call was under way"


class Run(Generic[T]):
    """Where the run is: an operation, and the action that it waits for."""

    def __init__(
        self,
        operation: Operation[T],
        clock: Clock | SyncClock,
        config: ClientConfig,
        transport_name: str,
        observers: Sequence[Observer],
    ) -> None:
        self._clock = clock
        self.limits = config.settings.limits
        self._config = config
        self._user_agent = user_agent(transport_name, f"{sys.version_info.major}.{sys.version_info.minor}")
        self._observers = list(observers)
        self._current: tuple[Operation[T], Action[T] | None] = operation, None
        self._at = 0.0
        self.epoch = clock.now()
        self.progress = Progress()

    @property
    def action(self) -> Action[T] | None:
        """What is in flight, or the end."""
        return self._current[1]

    @property
    def ended(self) -> bool:
        """Whether the last action was an end."""
        return isinstance(self.action, (Done, Raise, Gone))

    def now(self) -> float:
        """The time on the operation's own clock."""
        self._at = self._clock.now() - self.epoch
        return self._at

    def outgoing(self, send: Send) -> OutgoingRequest:
        """The request as the transport gets it."""
        return self._config.outgoing(send.request, self._user_agent)

    def authorization(self, answer: Granted | Denied) -> Authorized | NotAuthorized:
        """The token store's answer, as an outcome."""
        at = self.now()
        return Authorized(at) if isinstance(answer, Granted) else NotAuthorized(at, answer.reason, answer.permanent)

    def abandoned(self, *, final: bool) -> Abandoned:
        """The caller went away, now."""
        return Abandoned(self.now(), self.progress.sent, final)

    def step(self, outcome: Outcome) -> Action[T]:
        """Report an outcome, tell the observers, and answer what to perform next."""
        before = self._current[0]
        self._current = after, action = before.step(outcome)
        self.progress = Progress()
        if self._observers:
            self._notify(Decision(before.seed, before, outcome, after, action))
        return action

    def drop(self) -> None:
        """End the run without sending, where nothing can be awaited any more."""
        if not self.ended:
            self.step(Abandoned(self._at, self.progress.sent, final=True))

    def tell(self, interruption: BaseException) -> None:
        """Add what became of the run to what interrupted it: a courtesy, since not every note survives its way up."""
        if isinstance(self.action, Gone):
            interruption.add_note(str(self.action.report))

    def result(self, budget: BudgetHolder) -> T:
        """What the run ended in; raises its error. What ended well pays back to the budget."""
        match self.action:
            case Done(value):
                budget.reward()
                return value
            case Raise(failure):
                raise failure.exception()
            case Gone(report):
                raise Failure(PlatformClientError, f"{CLOSED_MESSAGE}: {report}", handle=report.handle).exception()
            case Send() | Sleep() | Authorize() | None:
                raise AssertionError("the run has not ended")
            case _:
                assert_never(self.action)

    def _notify(self, decision: Decision) -> None:
        for observer in tuple(self._observers):
            try:
                observer(decision)
            except Exception as error:  # noqa: BLE001 -- an observer must not decide what becomes of a run
                self._observers.remove(observer)
                message = f"an observer failed and is not called again in this run: {type(error).__name__}: {error}"
                warnings.warn(message, RuntimeWarning, stacklevel=2)
