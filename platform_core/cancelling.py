"""Cancelling an execution: ask, where the answer is no look what the platform says, and ask again while there is time.

Who wants the cancel is the `goal`: a caller of `cancel_execution` (below), or a run that its caller left (`cleanup.py`).
A cancel that comes too late is no error (the platform answers 400, 404 or 409, and its record tells what happened), and one
that was accepted is no end: cancelled is what the platform says is cancelled.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, assert_never
from uuid import UUID

from .actions import ANSWERED, FIRST, PAUSE_OVER, Because, Done, Fate, Raise, Reason, Report, Sleep
from .config import Settings
from .derive import unit_random
from .errors import Failure
from .exchange import Exchange, InFlight, Plan, begin, maybe_seen
from .handles import ExecutionHandle
from .job import EXECUTION_REQUEST_SECONDS_MAX, GRACE_SECONDS, Step
from .machine import Edges, Ended, check
from .messages import Request
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .requests import cancel_request, status_request
from .retry import CONFLICT, RETRY_COST
from .verdicts import NOT_FOUND, Heard, Unheard, gone, verdict

TOO_LATE_STATUSES = frozenset({400, NOT_FOUND, CONFLICT})
"""What a platform may answer where there is nothing left to cancel, or where a replica does not know the execution yet."""


class Goal(Protocol):
    """Who wants the cancel, and so: within which bounds, and what to make of what is heard."""

    @property
    def seed(self) -> UUID:
        """The run's."""
        ...

    @property
    def settings(self) -> Settings:
        """The run's."""
        ...

    @property
    def ends_at(self) -> float:
        """Nothing is begun at it or after it."""
        ...

    def plan(self, request: Request, at: float) -> Plan:
        """The bounds of one request."""
        ...

    def pause_seconds(self, cancel: "Cancel") -> float:
        """The pause before asking again, before jitter: whether there is time for it is decided on that."""
        ...

    def jitter(self, cancel: "Cancel") -> float:
        """What the pause is multiplied by, from 0 to 1."""
        ...

    def heard(self, word: Heard) -> Step | None:
        """The end, or None to ask again."""
        ...

    def unheard(self, cancel: "Cancel", word: Unheard, *, unknown: bool) -> Step | None:
        """The end, or None to ask again; `unknown` where neither the cancel nor the look knew the execution."""
        ...

    def over(self, cancel: "Cancel", last: Failure | None, at: float) -> Step:
        """The end, since there is no time to ask again."""
        ...

    def abandoned(self, cancel: "Cancel", outcome: Abandoned, *, seen: bool) -> Step:
        """The caller left, maybe for a second time; `seen` where the platform may have recorded the cancel."""
        ...


class Cancel(NamedTuple):
    """One execution that is to be cancelled. `pauses` counts how often it was asked again."""

    goal: Goal
    execution_id: str
    sends: int
    pauses: int = 0


class _OfCancel:
    """What the states of a cancel have in common."""

    __slots__ = ()
    cancel: Cancel

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.cancel.goal.seed


@dataclass(frozen=True, slots=True)
class ReadyToCancel(_OfCancel):
    """Nothing sent yet. Leaves to Cancelling."""

    cancel: Cancel

    def step(self, outcome: Outcome, /) -> Step:
        """Ask the platform to cancel."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at) | Restored(at):
                return begin_cancel(self.cancel, at, FIRST)
            case Abandoned():
                return self.cancel.goal.abandoned(self.cancel, outcome, seen=False)
            case Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Cancelling(_OfCancel):
    """The cancel is in flight: decided, not recorded. Leaves to Rereading, CancelPausing or an end."""

    cancel: Cancel
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """What the platform made of the cancel."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            seen = self.cancel.pauses > 0 or maybe_seen(self.exchange, outcome.sent)
            return self.cancel.goal.abandoned(self.cancel._replace(sends=self.exchange.tally.sends), outcome, seen=seen)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return Cancelling(self.cancel, end.exchange), end.action
        word = verdict(end, self.cancel.goal.settings.limits, self.cancel.execution_id)
        cancel = self.cancel._replace(sends=word.sends)
        if isinstance(word, Unheard) and word.status in TOO_LATE_STATUSES:
            return _reread(cancel, word)
        return _judge(cancel, word, unknown=False)


@dataclass(frozen=True, slots=True)
class Rereading(_OfCancel):
    """A cancel was refused with this status; a look at the execution is in flight. Leaves to CancelPausing or an end."""

    cancel: Cancel
    refused_with: int
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """What the platform says of the execution."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            return self.cancel.goal.abandoned(self.cancel._replace(sends=self.exchange.tally.sends), outcome, seen=True)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return Rereading(self.cancel, self.refused_with, end.exchange), end.action
        word = verdict(end, self.cancel.goal.settings.limits, self.cancel.execution_id)
        unknown = isinstance(word, Unheard) and word.status == NOT_FOUND == self.refused_with
        return _judge(self.cancel._replace(sends=word.sends), word, unknown=unknown)


@dataclass(frozen=True, slots=True)
class CancelPausing(_OfCancel):
    """The pause before the cancel is asked for again. Leaves to Cancelling or an end."""

    cancel: Cancel
    at: float
    """When the pause began."""
    until: float
    last: Failure | None

    def step(self, outcome: Outcome, /) -> Step:
        """Ask again, if there is still time."""
        check(EDGES, self, outcome)
        match outcome:
            case Woke(at) if at >= self.cancel.goal.ends_at:
                return self.cancel.goal.over(self.cancel, self.last, at)
            case Woke(at):
                return begin_cancel(self.cancel, at, PAUSE_OVER)
            case Restored(at):
                return replace(self, at=at), Sleep(self.until, 0, Reason(Because.RESTORED))
            case Abandoned():
                return self.cancel.goal.abandoned(self.cancel, outcome, seen=True)
            case Started() | Received() | Failed() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


_AFTER_ABANDONED = frozenset({Cancelling, Ended})
EDGES: Edges = {
    (ReadyToCancel, Started): frozenset({Cancelling}),
    (ReadyToCancel, Restored): frozenset({Cancelling}),
    (ReadyToCancel, Abandoned): frozenset({Ended}),
    (Cancelling, Received): frozenset({Cancelling, Rereading, CancelPausing, Ended}),
    (Cancelling, Failed): frozenset({Cancelling, CancelPausing, Ended}),
    (Cancelling, Woke): frozenset({Cancelling, Ended}),
    (Cancelling, Refused): frozenset({Ended}),
    (Cancelling, Authorized): frozenset({Cancelling, Ended}),
    (Cancelling, NotAuthorized): frozenset({Cancelling, CancelPausing, Ended}),
    (Cancelling, Restored): frozenset({Cancelling, Ended}),
    (Cancelling, Abandoned): _AFTER_ABANDONED,
    (Rereading, Received): frozenset({Rereading, CancelPausing, Ended}),
    (Rereading, Failed): frozenset({Rereading, CancelPausing, Ended}),
    (Rereading, Woke): frozenset({Rereading, Ended}),
    (Rereading, Refused): frozenset({Ended}),
    (Rereading, Authorized): frozenset({Rereading, Ended}),
    (Rereading, NotAuthorized): frozenset({Rereading, CancelPausing, Ended}),
    (Rereading, Restored): frozenset({Rereading, Ended}),
    (Rereading, Abandoned): _AFTER_ABANDONED,
    (CancelPausing, Woke): frozenset({Cancelling, Ended}),
    (CancelPausing, Restored): frozenset({CancelPausing}),
    (CancelPausing, Abandoned): _AFTER_ABANDONED,
}


def begin_cancel(cancel: Cancel, at: float, reason: Reason) -> Step:
    """Ask the platform to cancel."""
    plan = cancel.goal.plan(cancel_request(cancel.execution_id), at)
    exchange, action = begin(plan, at, cancel.sends, reason)
    return Cancelling(cancel, exchange), action


def _reread(cancel: Cancel, word: Unheard) -> Step:
    if word.at >= cancel.goal.ends_at:
        return cancel.goal.over(cancel, word.failure, word.at)
    plan = cancel.goal.plan(status_request(cancel.execution_id), word.at)
    exchange, action = begin(plan, word.at, cancel.sends, Reason.of(word.failure))
    return Rereading(cancel, word.status, exchange), action


def _judge(cancel: Cancel, word: Heard | Unheard, *, unknown: bool) -> Step:
    goal = cancel.goal
    match word:
        case Heard(record, at):
            end, last, reason = goal.heard(word), None, Reason(Because.NOT_TERMINAL, record["status"])
        case Unheard(last, at):
            end = goal.unheard(cancel, word, unknown=unknown)
            reason = Reason.of(last)
        case _:
            assert_never(word)
    if end is not None:
        return end
    pause = goal.pause_seconds(cancel)
    if at + pause >= goal.ends_at:
        return goal.over(cancel, last, at)
    until = at + pause * goal.jitter(cancel)
    return CancelPausing(cancel._replace(pauses=cancel.pauses + 1), at, until, last), Sleep(until, 0, reason)


@dataclass(frozen=True, slots=True)
class CancelCall:
    """The goal of a caller who asked for the cancel: the record after it, whatever its status."""

    seed: UUID
    settings: Settings
    ends_at: float

    def plan(self, request: Request, at: float) -> Plan:
        """All attempts, like any call."""
        return Plan(
            seed=self.seed,
            request=request,
            limits=self.settings.limits,
            policy=self.settings.retry,
            deadline=self.ends_at,
            request_seconds_max=min(EXECUTION_REQUEST_SECONDS_MAX, self.settings.timeout_seconds),
            harmless=True,
            cost=RETRY_COST,
        )

    def pause_seconds(self, cancel: Cancel) -> float:
        """The backoff's."""
        return self.settings.retry.pause_seconds(cancel.pauses)

    def jitter(self, cancel: Cancel) -> float:
        """Full."""
        return unit_random(self.seed, "cancel-pause", cancel.pauses)

    def heard(self, word: Heard) -> Step:
        """Done: the record after the cancel is the answer."""
        return Ended(self.seed), Done(word.record, ANSWERED)

    def unheard(self, cancel: Cancel, word: Unheard, *, unknown: bool) -> Step | None:
        """A 404 to both is borne for the grace that a fresh execution has; all else is an error."""
        if unknown and word.at < GRACE_SECONDS:
            return None
        return self._fail(cancel, word.failure)

    def over(self, cancel: Cancel, last: Failure | None, at: float) -> Step:
        """The last failure is the error."""
        assert last is not None, "only what was not heard is asked again"
        return self._fail(cancel, last._replace(elapsed=at))

    def abandoned(self, cancel: Cancel, outcome: Abandoned, *, seen: bool) -> Step:
        """The cancel may have been recorded or not; before it was handed on, it was not."""
        fate = Fate.UNKNOWN if seen else Fate.LEFT
        return gone(self.seed, Report(fate, self._handle(cancel)), Because.ABANDONED)

    def _fail(self, cancel: Cancel, failure: Failure) -> Step:
        return Ended(self.seed), Raise(failure._replace(handle=self._handle(cancel)), Reason.of(failure))

    def _handle(self, cancel: Cancel) -> ExecutionHandle:
        return ExecutionHandle("execution", cancel.execution_id, None, 0.0, cancel.sends, "detach")
