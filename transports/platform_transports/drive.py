"""The drivers: perform what an operation asks for, report what came of it. One loop for tasks, one for threads, and no policy.

Whatever interrupts a loop is reported as `Abandoned`; the loop goes on until the run is `Gone`, and the interrupt is raised
again. The second interrupt is final. In a thread an interrupt may come between any two bytecodes, in a task at any `await`.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar, assert_never

import anyio

from platform_core.actions import Authorize, Send, Sleep
from platform_core.config import ClientConfig
from platform_core.machine import Operation
from platform_core.outcomes import Failed, FailureCause, Outcome, Received, Refused, Started, Woke

from .budget import BudgetHolder
from .clock import EventLoopClock, MonotonicClock
from .contract import AsyncTransport, Clock, CountsRuns, SyncClock, SyncTransport, TransportError
from .run import Observer, Run
from .tokens import AsyncTokens, SyncTokens

T = TypeVar("T")


class AsyncRuns:
    """The runs of one client that are alive, so that closing the client ends them."""

    def __init__(self) -> None:
        self.closed = False
        self._scopes: set[anyio.CancelScope] = set()

    def close(self) -> None:
        """End every run at once; each raises an error that carries its handle."""
        self.closed = True
        for scope in tuple(self._scopes):
            scope.cancel()

    @contextmanager
    def alive(self) -> Iterator[anyio.CancelScope]:
        """A run is alive inside it; it is left early where the client is closed."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)


async def run_async(
    operation: Operation[T],
    *,
    transport: AsyncTransport,
    config: ClientConfig,
    tokens: AsyncTokens,
    clock: Clock | None = None,
    budget: BudgetHolder | None = None,
    observers: Sequence[Observer] = (),
    runs: AsyncRuns | None = None,
) -> T:
    """Run an operation to its end on asyncio or trio. Raises `PlatformClientError`; a cancellation is raised again.

    A cancelled run may send for a few seconds more, shielded, and tells observers what became of it.
    """
    clock = EventLoopClock() if clock is None else clock
    budget = BudgetHolder() if budget is None else budget
    run = Run(operation, clock, config, transport.name, observers)
    performer = _AsyncPerformer(run, transport, tokens, clock, budget)
    with _alive(clock):
        try:
            with (AsyncRuns() if runs is None else runs).alive() as scope:
                await performer.to_the_end(Started(0.0))
        except GeneratorExit:
            run.drop()
            raise
        except BaseException as interruption:
            with anyio.CancelScope(shield=True):
                await performer.leave()
            run.tell(interruption)
            raise
        if scope.cancelled_caught:
            run.drop()
    return run.result(budget)


class _AsyncPerformer:
    """Performs the actions of one run in a task."""

    def __init__(self, run: Run[T], transport: AsyncTransport, tokens: AsyncTokens, clock: Clock, budget: BudgetHolder) -> None:
        self._run = run
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._budget = budget

    async def to_the_end(self, outcome: Outcome) -> None:
        """The loop: report, and perform what is answered, until it is an end."""
        action = self._run.step(outcome)
        while isinstance(action, (Send, Sleep, Authorize)):
            action = self._run.step(await self._perform(action))

    async def leave(self) -> None:
        """The same after an interruption; another one is final."""
        final = False
        while not self._run.ended:
            try:
                await self.to_the_end(self._run.abandoned(final=final))
            except BaseException:  # noqa: BLE001 -- the first interruption is the one that is raised again
                final = True

    async def _perform(self, action: Send | Sleep | Authorize) -> Outcome:
        run = self._run
        match action:
            case Send():
                held = self._tokens.current()
                if held is None:
                    return Failed(run.now(), FailureCause.NO_TOKEN, "no")
                generation, credentials = held
                deadline = run.epoch + action.deadline
                try:
                    response = await self._transport.send(run.outgoing(action), credentials, deadline, run.limits, run.progress)
                except TransportError as error:
                    return Failed(run.now(), error.kind, error.sent, error.reused)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not self._budget.pay(cost):
                    return Refused(run.now())
                await self._clock.sleep_until(run.epoch + until)
                return Woke(run.now())
            case Authorize(rejected, deadline):
                return run.authorization(await self._tokens.refresh(rejected, run.epoch + deadline, self._clock))
            case _:
                assert_never(action)


def run_sync(
    operation: Operation[T],
    *,
    transport: SyncTransport,
    config: ClientConfig,
    tokens: SyncTokens,
    clock: SyncClock | None = None,
    budget: BudgetHolder | None = None,
    observers: Sequence[Observer] = (),
    closed: threading.Event | None = None,
) -> T:
    """Run an operation to its end in this thread. Raises `PlatformClientError`; a KeyboardInterrupt is raised again.

    An interrupted run may send for a few seconds more, and tells observers what became of it.
    """
    closed = threading.Event() if closed is None else closed
    clock = MonotonicClock(closed) if clock is None else clock
    budget = BudgetHolder() if budget is None else budget
    run = Run(operation, clock, config, transport.name, observers)
    performer = _SyncPerformer(run, transport, tokens, clock, budget, closed)
    outcome: Outcome = Started(0.0)
    interruption: BaseException | None = None
    with _alive(clock):
        while not run.ended:
            try:
                while True:
                    action = run.step(outcome)
                    if not isinstance(action, (Send, Sleep, Authorize)):
                        break
                    outcome = performer.perform(action)
            except BaseException as error:  # noqa: BLE001 -- raised again below, once the run is gone
                outcome = run.abandoned(final=interruption is not None)
                interruption = interruption or error
    if interruption is not None:
        run.tell(interruption)
        raise interruption
    return run.result(budget)


class _SyncPerformer:
    """Performs the actions of one run in a thread."""

    def __init__(
        self, run: Run[T], transport: SyncTransport, tokens: SyncTokens, clock: SyncClock, budget: BudgetHolder, closed: threading.Event
    ) -> None:
        self._run = run
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._budget = budget
        self._closed = closed

    def perform(self, action: Send | Sleep | Authorize) -> Outcome:
        """What came of the action."""
        run = self._run
        if self._closed.is_set():
            return run.abandoned(final=True)
        match action:
            case Send():
                held = self._tokens.current()
                if held is None:
                    return Failed(run.now(), FailureCause.NO_TOKEN, "no")
                generation, credentials = held
                deadline = run.epoch + action.deadline
                try:
                    response = self._transport.send(run.outgoing(action), credentials, deadline, run.limits, run.progress)
                except TransportError as error:
                    return Failed(run.now(), error.kind, error.sent, error.reused)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not self._budget.pay(cost):
                    return Refused(run.now())
                self._clock.sleep_until(run.epoch + until)
                return Woke(run.now())
            case Authorize(rejected, deadline):
                return run.authorization(self._tokens.refresh(rejected, run.epoch + deadline, self._clock))
            case _:
                assert_never(action)


def _alive(clock: Clock | SyncClock) -> AbstractContextManager[None]:
    return clock.run() if isinstance(clock, CountsRuns) else nullcontext()
