"""The drivers: perform what an operation asks for, report what came of it. One loop for tasks, one for threads, and no policy.

What they share stands in `Run`. Its order matters, since an interrupt may come between any two bytecodes of a thread, and a
cancellation at any `await`:

Rule 1: what `step` returned is stored in one assignment, before it is performed: from there on its action is in flight.
Rule 2: the progress of a send is forgotten only after `step` has returned: an answer that was lost between the transport and
        `step` still counts as "maybe sent".
Rule 3: whatever interrupts the loop is reported as `Abandoned`, the loop goes on until the run is `Gone`, and the interrupt is
        raised again. The second interrupt is final.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Generic, TypeAlias, TypeVar, assert_never

import anyio

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.config import ClientConfig, user_agent
from platform_core.errors import Failure, PlatformClientError
from platform_core.machine import Decision, Operation
from platform_core.messages import OutgoingRequest
from platform_core.outcomes import Abandoned, Authorized, Failed, FailureCause, NotAuthorized, Outcome, Received, Refused, Started, Woke

from .budget import BudgetHolder
from .clock import EventLoopClock, MonotonicClock
from .contract import AsyncTransport, Clock, CountsRuns, Progress, SyncClock, SyncTransport, TransportError
from .tokens import AsyncTokens, Denied, Granted, SyncTokens

T = TypeVar("T")
Observer: TypeAlias = Callable[[Decision], None]

CLOSED_MESSAGE = "the client was closed while the call was under way"


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

    async def perform(action: Send | Sleep | Authorize) -> Outcome:
        match action:
            case Send():
                held = tokens.current()
                if held is None:
                    return Failed(run.now(), FailureCause.NO_TOKEN, "no")
                generation, credentials = held
                try:
                    response = await transport.send(
                        run.outgoing(action), credentials, run.epoch + action.deadline, config.settings.limits, run.progress
                    )
                except TransportError as error:
                    return Failed(run.now(), error.kind, error.sent, error.reused)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not budget.pay(cost):
                    return Refused(run.now())
                await clock.sleep_until(run.epoch + until)
                return Woke(run.now())
            case Authorize(rejected, deadline):
                return run.authorization(await tokens.refresh(rejected, run.epoch + deadline, clock))
            case _:
                assert_never(action)

    async def to_the_end(outcome: Outcome) -> None:
        action = run.step(outcome)
        while isinstance(action, (Send, Sleep, Authorize)):
            action = run.step(await perform(action))

    with _alive(clock):
        try:
            with (AsyncRuns() if runs is None else runs).alive() as scope:
                await to_the_end(Started(0.0))
        except GeneratorExit:
            run.drop()
            raise
        except BaseException as interruption:
            with anyio.CancelScope(shield=True):
                final = False
                while not run.ended:
                    try:
                        await to_the_end(run.abandoned(final=final))
                    except BaseException:  # noqa: BLE001 -- the first interruption is the one that is raised again
                        final = True
            run.tell(interruption)
            raise
        if scope.cancelled_caught:
            run.drop()
    if isinstance(run.action, Done):
        budget.reward()
    return run.result()


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

    def perform(action: Send | Sleep | Authorize) -> Outcome:
        if closed.is_set():
            return run.abandoned(final=True)
        match action:
            case Send():
                held = tokens.current()
                if held is None:
                    return Failed(run.now(), FailureCause.NO_TOKEN, "no")
                generation, credentials = held
                try:
                    response = transport.send(
                        run.outgoing(action), credentials, run.epoch + action.deadline, config.settings.limits, run.progress
                    )
                except TransportError as error:
                    return Failed(run.now(), error.kind, error.sent, error.reused)
                return Received(run.now(), response, generation)
            case Sleep(until, cost):
                if not budget.pay(cost):
                    return Refused(run.now())
                clock.sleep_until(run.epoch + until)
                return Woke(run.now())
            case Authorize(rejected, deadline):
                return run.authorization(tokens.refresh(rejected, run.epoch + deadline, clock))
            case _:
                assert_never(action)

    outcome: Outcome = Started(0.0)
    interruption: BaseException | None = None
    with _alive(clock):
        while not run.ended:
            try:
                while True:
                    action = run.step(outcome)
                    if not isinstance(action, (Send, Sleep, Authorize)):
                        break
                    outcome = perform(action)
            except BaseException as error:  # noqa: BLE001 -- raised again below, once the run is gone
                outcome = run.abandoned(final=interruption is not None)
                interruption = interruption or error
    if interruption is not None:
        run.tell(interruption)
        raise interruption
    if isinstance(run.action, Done):
        budget.reward()
    return run.result()


class Run(Generic[T]):
    """One run of an operation: where it is, and since when. It decides nothing."""

    def __init__(
        self,
        operation: Operation[T],
        clock: Clock | SyncClock,
        config: ClientConfig,
        transport_name: str,
        observers: Sequence[Observer],
    ) -> None:
        self._clock = clock
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

    def result(self) -> T:
        """What the run ended in; raises its error."""
        match self.action:
            case Done(value):
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


def _alive(clock: Clock | SyncClock) -> AbstractContextManager[None]:
    return clock.run() if isinstance(clock, CountsRuns) else nullcontext()
