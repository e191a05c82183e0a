"""One run of an operation, as both drivers have it: where it is, since when, and who is told. It decides nothing.

Rule 1: what `step` returned is stored in one assignment, before it is performed: from there on its action is in flight.
Rule 2: the progress of a send is forgotten only after `step` has returned: an answer that was lost between the transport and
        `step` still counts as "maybe sent".
Rule 3: every observer is told of every decision, in order, also where an interrupt came between two of them.
Rule 4: the journal is told first, and what it could not store is not performed: the run is left at once. After an interrupt it may be
        told of the same decision twice, but never not at all.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, assert_never, cast, runtime_checkable
from uuid import UUID

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.config import ClientConfig, user_agent
from platform_core.errors import Failure, PlatformClientError, PlatformJournalError
from platform_core.exchange import REQUEST_ID
from platform_core.limits import Limits
from platform_core.machine import Decision, Operation
from platform_core.messages import OutgoingRequest, checked_headers
from platform_core.outcomes import Abandoned, Authorized, NotAuthorized, Outcome, Restored, Started, Woke
from platform_core.resuming import end_of_left, first_outcome, handle_of_run

from .budget import BudgetHolder
from .contract import Clock, Progress, SyncClock
from .tokens import Denied, Granted

T = TypeVar("T")
Observer: TypeAlias = Callable[[Decision], None]
"""Called with each decision before its action is performed."""


@runtime_checkable
class Propagates(Protocol):
    """An observer that has each request carry the context of a trace.

    Such a context tells of the world around a run, and of this very request in it: it is no part of the operation, is stored nowhere,
    and so is added where the `User-Agent` is, as the request goes out.
    """

    def headers_for(self, operation_id: UUID, request: OutgoingRequest) -> Mapping[str, str]:
        """What this request is to carry besides; a header that it has already stays as it is. An exception does the run no harm."""
        ...


class JournalFailed(Exception):  # noqa: N818 -- it is on its way to become `PlatformJournalError`, once the run has been left
    """The journal could not store a decision."""


_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ROUNDING_SECONDS = 1e-6
"""More than two times differ by that are the same; 64 bits round a clock of a century by less."""
CLOSED_MESSAGE = "the client was closed while the call was under way"


def left_unbegun(operation: Operation[Any]) -> PlatformClientError:
    """The error of a run that the closed client has not gone on with."""
    return Failure(PlatformClientError, CLOSED_MESSAGE, handle=handle_of_run(operation)).exception()


class Run(Generic[T]):
    """Where the run is: an operation, and the action that it waits for."""

    def __init__(
        self,
        operation: Operation[T],
        clock: Clock | SyncClock,
        config: ClientConfig,
        transport_name: str,
        observers: Sequence[Observer],
        journal: Observer | None = None,
    ) -> None:
        self._clock = clock
        self.limits: Limits = config.settings.limits
        self._config = config
        self._user_agent = user_agent(transport_name, _PYTHON)
        self._observers = list(observers)
        # Most do not, and asking a protocol alone takes longer than a step of most operations.
        self._propagating = [each for each in observers if hasattr(each, "headers_for") and isinstance(each, Propagates)]
        self._journal = journal
        self._journal_failed = False
        self._sent: tuple[int, Send | None] = 0, None
        """How many requests this run has sent, and the last of them."""
        self._current: tuple[Operation[T], Outcome | None, tuple[Operation[T], Action[T] | None], list[Observer]]
        self._current = operation, None, (operation, None), []
        self.first: Started | Restored = first_outcome(operation)
        """What is reported first: that the run begins, or that a stored one goes on, with its clock where it stood."""
        self.epoch: float = clock.now() - self.first.at
        self.progress: Progress = Progress()
        self.at: float = self.first.at
        """When the clock was last read."""

    @property
    def operation(self) -> Operation[T]:
        """Where the run is."""
        return self._current[2][0]

    @property
    def outcome(self) -> Outcome | None:
        """What was reported last."""
        return self._current[1]

    @property
    def action(self) -> Action[T] | None:
        """What is in flight, or the end."""
        return self._current[2][1]

    @property
    def ended(self) -> bool:
        """Whether the last action was an end."""
        return isinstance(self.action, (Done, Raise, Gone))

    def now(self) -> float:
        """The time on the operation's own clock, which never goes back."""
        self.at = max(self.at, self._clock.now() - self.epoch)
        return self.at

    def woken(self) -> Woke:
        """The pause in flight is over.

        To add the epoch and to take it away again rounds: a pause up to the deadline would end just before it, and in virtual time,
        which stands still, the run would poll and pause for ever.
        """
        assert isinstance(self.action, Sleep), "only a pause is woken from"
        if 0.0 < self.action.until - self.now() < ROUNDING_SECONDS:
            self.at = self.action.until
        return Woke(self.at)

    def resumed(self) -> Outcome:
        """What is reported when the run goes on: that it begins, or that its pause is over."""
        return self.first if self.action is None else self.woken()

    def outgoing(self, send: Send) -> OutgoingRequest:
        """The request as the transport gets it."""
        self._sent = self._sent[0] + 1, send
        request = self._config.outgoing(send.request, self._user_agent)
        return self._with_context(request) if self._propagating else request

    def authorization(self, answer: Granted | Denied) -> Authorized | NotAuthorized:
        """The token store's answer, as an outcome."""
        at = self.now()
        return Authorized(at) if isinstance(answer, Granted) else NotAuthorized(at, answer.reason, answer.permanent)

    def abandoned(self, *, final: bool) -> Abandoned:
        """The caller went away, now. Where nothing can be stored any more, nothing more is sent either."""
        return Abandoned(self.now(), self.progress.sent, final or self._journal_failed)

    def step(self, outcome: Outcome) -> Action[T]:
        """Report an outcome, tell the observers, and answer what to perform next."""
        if self._current[3]:
            self._notify()
        before = self._current[2][0]
        self._current = current = before, outcome, before.step(outcome), self._all_observers()
        self.progress = Progress()
        if current[3]:
            self._notify()
        return current[2][1]

    def give_up(self, at: float) -> None:
        """End the run without sending anything more; `at` is `now()`, or, where no clock can be read any more, when it last was."""
        if self.ended:
            self._notify()
        else:
            self.step(Abandoned(at, self.progress.sent, final=True))

    def tell(self, interruption: BaseException) -> None:
        """Add what became of the run to what interrupted it: a courtesy, since not every note survives its way up."""
        if isinstance(self.action, Gone):
            interruption.add_note(str(self.action.report))

    def journal_error(self, interruption: BaseException) -> PlatformClientError | None:
        """The error to raise where it was the journal that ended the run, with the handle if there may be an execution."""
        if not isinstance(interruption, JournalFailed) or not isinstance(self.action, Gone):
            return None
        report, (attempts, send) = self.action.report, self._sent
        failure = Failure(PlatformJournalError, f"{interruption}; {report}", attempts=attempts, elapsed=self.at, handle=report.handle)
        if send is not None:
            request = send.request
            failure = failure._replace(method=request.method, path=request.path, request_id=request.headers.get(REQUEST_ID))
        return failure.exception()

    def result(self, budget: BudgetHolder) -> T:
        """What the run ended in; raises its error. What ended well pays back to the budget."""
        match self.action:
            case Done(value):
                budget.reward()
                return value
            case Raise(failure):
                raise failure.exception()
            case Gone(report) if isinstance(self._current[1], Abandoned):
                raise Failure(PlatformClientError, f"{CLOSED_MESSAGE}: {report}", handle=report.handle).exception()
            case Gone(report):
                end = end_of_left(report)
                if isinstance(end, Failure):
                    raise end.exception()
                return cast("T", end)
            case Send() | Sleep() | Authorize() | None:
                raise AssertionError("the run has not ended")
            case _:
                assert_never(self.action)

    def _with_context(self, request: OutgoingRequest) -> OutgoingRequest:
        for observer in tuple(self._propagating):
            try:
                added = checked_headers(observer.headers_for(self._current[2][0].seed, request), "headers_for")
            except Exception as error:  # noqa: BLE001 -- as for observers
                self._propagating.remove(observer)
                _warn("an observer failed and is not asked for headers again in this run", error)
            else:
                request = request._replace(headers=request.headers.with_defaults(added))
        return request

    def _notify(self) -> None:
        """Tell the last decision to those who were not told yet: all of them, or whom an interrupt has kept from it."""
        before, outcome, (after, action), untold = self._current
        if not untold or outcome is None or action is None:
            return
        decision = Decision(before.seed, before, outcome, after, action)
        failures: list[Exception] = []
        while untold:
            observer = untold[0]
            if observer is self._journal:
                self._store(decision, untold)
                continue
            try:
                untold.pop(0)(decision)
            except Exception as error:  # noqa: BLE001 -- an observer must not decide what becomes of a run
                self._observers = [each for each in self._observers if each is not observer]
                failures.append(error)
        for failure in failures:
            _warn("an observer failed and is not called again in this run", failure)

    def _all_observers(self) -> list[Observer]:
        if self._journal is None or self._journal_failed:
            return self._observers.copy()
        return [self._journal, *self._observers]

    def _store(self, decision: Decision, untold: list[Observer]) -> None:
        failed = ""
        try:
            untold[0](decision)
        except PlatformClientError as error:
            failed = error.message
        except Exception as error:  # noqa: BLE001 -- whatever it is, the decision is not stored
            failed = f"the journal failed: {type(error).__name__}: {error}"
        if failed:
            self._journal_failed = True
        untold.pop(0)
        if not failed:
            return
        if not isinstance(decision.action, (Done, Raise, Gone)):
            raise JournalFailed(failed)
        # What the run ended in is worth more than the line that says so: without it, the run is only looked at once more.
        warnings.warn(f"{failed}; the end of this run is not in it", RuntimeWarning, stacklevel=2)


def _warn(what: str, failure: Exception) -> None:
    warnings.warn(f"{what}: {type(failure).__name__}: {failure}", RuntimeWarning, stacklevel=3)
