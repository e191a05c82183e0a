"""The drivers: perform what an operation asks for, report what came of it. One loop for tasks, one for threads, and no policy.

Whatever interrupts a loop is reported as `Abandoned`; the loop goes on until the run is `Gone`, and the interrupt is raised
again. The second interrupt is final. In a thread an interrupt may come between any two bytecodes, in a task at any `await`.
An exception of a transport that is no `TransportError` is such an interrupt too, and is raised as it is.
"""

import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar, assert_never, cast

from platform_core.actions import Authorize, Send, Sleep
from platform_core.config import ClientConfig
from platform_core.errors import PlatformClientError
from platform_core.machine import Operation
from platform_core.outcomes import Failed, FailureCause, Outcome, Received, Refused
from platform_core.schedule import is_poll_pause

from .budget import BudgetHolder
from .clock import EventLoopClock, MonotonicClock
from .contract import (
    AsyncFlow,
    AsyncTransport,
    BringsClock,
    BringsSyncClock,
    Clock,
    CountsRuns,
    SyncClock,
    SyncFlow,
    SyncTransport,
    TransportError,
)
from .flows import carrying, carrying_sync
from .run import Observer, Run
from .runs import AsyncRuns
from .tokens import AsyncTokens, SyncTokens

T = TypeVar("T")


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
    journal: Observer | None = None,
    flow: AsyncFlow | None = None,
) -> T:
    """Run an operation to its end on asyncio or trio. Raises `PlatformClientError`; a cancellation is raised again.

    A cancelled run may send for a few seconds more, shielded, and tells observers what became of it. `journal` is an observer whose
    exception stops the run: it ends in `PlatformJournalError`, with the handle, and sends nothing more. `flow` is what the bodies of
    its requests flow from and to: `TypeError` where the transport carries none; what the caller's own code raises is raised as it is.
    """
    handled = sys.exception()
    clock = async_clock(transport) if clock is None else clock
    transport = transport if flow is None else carrying(transport, flow)
    budget = BudgetHolder() if budget is None else budget
    runs = AsyncRuns() if runs is None else runs
    with alive(clock):
        driven = AsyncDriven(operation, transport, config, tokens, clock, budget, observers, runs, journal)
        run = driven.run
        failed: PlatformClientError | None = None
        try:
            with runs.alive():
                await driven.to_the_end(run.first)
        except BaseException as interruption:
            closing = _closing(interruption, handled)
            if closing is not None:
                run.give_up(run.at)
                raise closing from None
            second = await driven.leave(interruption)
            raised = _graver(interruption, second)
            failed = run.journal_error(raised)
            if failed is None:
                run.tell(raised)
                if raised is interruption:
                    raise
                raise raised from None
        if failed is not None:
            raise failed
        if not run.ended:  # the client was closed
            run.give_up(run.now())
        return run.result(budget)  # while it is alive, so that in virtual time it pays back before anybody else goes on


class AsyncDriven(Generic[T]):
    """Performs the actions of one run in tasks: to its end in one of them, or from pause to pause in any."""

    __slots__ = ("_budget", "_clock", "_runs", "_tokens", "_transport", "run")

    def __init__(
        self,
        operation: Operation[T],
        transport: AsyncTransport,
        config: ClientConfig,
        tokens: AsyncTokens,
        clock: Clock,
        budget: BudgetHolder,
        observers: Sequence[Observer],
        runs: AsyncRuns,
        journal: Observer | None,
    ) -> None:
        self.run: Run[T] = Run(operation, clock, config, transport.name, observers, journal)
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._budget = budget
        self._runs = runs

    async def to_the_end(self, outcome: Outcome) -> None:
        """The loop: report, and perform what is answered, until it is an end."""
        while (pause := await self._to_a_poll(outcome)) is not None:
            outcome = await self._perform(pause)

    async def to_a_poll(self) -> float | None:
        """Go on until the next pause between two polls: when that is over, by the clock; None where the run has ended.

        What interrupts it leaves the run at once, and is raised.
        """
        run, handled = self.run, sys.exception()
        pause: Sleep | None = None
        failed: BaseException | None = None
        try:
            with self._runs.alive():
                pause = await self._to_a_poll(run.resumed())
        except BaseException as interruption:
            run.give_up(run.at)
            failed = _closing(interruption, handled) or run.journal_error(interruption)
            if failed is None:
                raise
        if failed is not None:
            raise failed
        if self._runs.closed:
            run.give_up(run.now())
        return None if pause is None or run.ended else run.epoch + pause.until

    def result(self) -> T:
        """What the run ended in; raises its error."""
        return self.run.result(self._budget)

    async def leave(self, first: BaseException) -> BaseException | None:
        """The same after an interruption, until a second one, which it answers with."""
        run, second = self.run, None
        try:
            if not run.ended:
                with self._runs.alive_shielded():
                    await self.to_the_end(run.abandoned(final=self._runs.closed))
        except BaseException as error:  # noqa: BLE001 -- whoever called judges which one is raised
            second = error
        run.give_up(run.now() if _closing(second, first) is None else run.at)
        return second

    async def _to_a_poll(self, outcome: Outcome) -> Sleep | None:
        run = self.run
        action = run.step(outcome)
        while isinstance(action, (Send, Sleep, Authorize)):
            if is_poll_pause(run.operation, action):
                return cast("Sleep", action)
            action = run.step(await self._perform(action))
        return None

    async def _perform(self, action: Send | Sleep | Authorize) -> Outcome:
        run = self.run
        if self._runs.closed:
            return run.abandoned(final=True)
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
                    return Failed(run.now(), error.kind, error.sent, error.reused, error.detail)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not self._budget.pay(cost):
                    return Refused(run.now())
                await self._clock.sleep_until(run.epoch + until)
                return run.woken()
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
    journal: Observer | None = None,
    flow: SyncFlow | None = None,
) -> T:
    """Run an operation to its end in this thread. Raises `PlatformClientError`; a KeyboardInterrupt is raised again.

    An interrupted run may send for a few seconds more, and tells observers what became of it. `journal` and `flow` as for `run_async`.
    """
    closed = threading.Event() if closed is None else closed
    clock = sync_clock(transport, closed) if clock is None else clock
    transport = transport if flow is None else carrying_sync(transport, flow)
    budget = BudgetHolder() if budget is None else budget
    first: BaseException | None = None
    second: BaseException | None = None
    with alive(clock):
        driven = SyncDriven(operation, transport, config, tokens, clock, budget, observers, closed, journal)
        run = driven.run
        outcome: Outcome = run.first
        try:
            while not run.ended:
                try:
                    while True:
                        action = run.step(outcome)
                        if not isinstance(action, (Send, Sleep, Authorize)):
                            break
                        outcome = driven.perform(action)
                except BaseException as error:
                    if second is not None:
                        raise
                    outcome = run.abandoned(final=first is not None or closed.is_set())
                    first, second = (error, None) if first is None else (first, error)
        finally:
            run.give_up(run.at)  # where an interrupt came between the lines that see to the one before it
        if first is None:
            return run.result(budget)
    raised = _graver(first, second)
    failed = run.journal_error(raised)
    if failed is None:
        run.tell(raised)
    raise failed or raised


class SyncDriven(Generic[T]):
    """Performs the actions of one run in threads: to its end in one of them, or from pause to pause in any."""

    __slots__ = ("_budget", "_clock", "_closed", "_tokens", "_transport", "run")

    def __init__(
        self,
        operation: Operation[T],
        transport: SyncTransport,
        config: ClientConfig,
        tokens: SyncTokens,
        clock: SyncClock,
        budget: BudgetHolder,
        observers: Sequence[Observer],
        closed: threading.Event,
        journal: Observer | None,
    ) -> None:
        self.run: Run[T] = Run(operation, clock, config, transport.name, observers, journal)
        self._transport = transport
        self._tokens = tokens
        self._clock = clock
        self._budget = budget
        self._closed = closed

    def to_a_poll(self) -> float | None:
        """See `AsyncDriven`. Not for the main thread, where an interrupt may come between any two lines of it."""
        run = self.run
        try:
            action = run.step(run.resumed())
            while isinstance(action, (Send, Sleep, Authorize)):
                if is_poll_pause(run.operation, action):
                    return run.epoch + cast("Sleep", action).until
                action = run.step(self.perform(action))
        except BaseException as error:
            run.give_up(run.at)
            failed = run.journal_error(error)
            if failed is None:
                raise
        else:
            return None
        raise failed

    def result(self) -> T:
        """What the run ended in; raises its error."""
        return self.run.result(self._budget)

    def perform(self, action: Send | Sleep | Authorize) -> Outcome:
        """What came of the action."""
        run = self.run
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
                    # What fails once the client is closed says nothing of the platform, and ends no run.
                    if self._closed.is_set():
                        return run.abandoned(final=True)
                    return Failed(run.now(), error.kind, error.sent, error.reused, error.detail)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not self._budget.pay(cost):
                    return Refused(run.now())
                self._clock.sleep_until(run.epoch + until)
                return run.woken()
            case Authorize(rejected, deadline):
                answer = self._tokens.refresh(rejected, run.epoch + deadline, self._clock)
                # A store that was closed denies every token: that is no word about the token.
                return run.abandoned(final=True) if self._closed.is_set() else run.authorization(answer)
            case _:
                assert_never(action)


def async_clock(transport: AsyncTransport) -> Clock:
    """The transport's own, or the event loop's."""
    # Most have none, and asking a protocol alone takes longer than a step of most operations.
    return transport.clock if hasattr(transport, "clock") and isinstance(transport, BringsClock) else EventLoopClock()


def sync_clock(transport: SyncTransport, closed: threading.Event) -> SyncClock:
    """The transport's own, or this machine's, which wakes who sleeps where `closed` is set."""
    return transport.clock if hasattr(transport, "clock") and isinstance(transport, BringsSyncClock) else MonotonicClock(closed)


_NOBODY_COUNTS = nullcontext()


def alive(clock: Clock | SyncClock) -> AbstractContextManager[None]:
    """For a clock that counts who is alive: one more inside it."""
    return clock.run() if hasattr(clock, "run") and isinstance(clock, CountsRuns) else _NOBODY_COUNTS


def _graver(first: BaseException, second: BaseException | None) -> BaseException:
    """Which of two interruptions is raised: the first, unless it is a mere error and the second ends the task or the program."""
    return second if second is not None and isinstance(first, Exception) and not isinstance(second, Exception) else first


def _closing(error: BaseException | None, handled: BaseException | None) -> GeneratorExit | None:
    """The exception by which Python closes the coroutine, in which nothing may be awaited any more, where that led to this one.

    A cancel scope that is left by it, outside of its event loop, raises an error of its own. What our caller was handling is not ours.
    """
    while error is not None and error is not handled:
        if isinstance(error, GeneratorExit):
            return error
        error = error.__context__
    return None
