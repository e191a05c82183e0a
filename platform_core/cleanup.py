"""Leaving a run: its caller went away, or our own deadline passed. Cancel, and say truthfully what became of it.

Both ways of leaving go through the same states, within the same few seconds. They differ in their end: a caller who went away
gets `Gone(report)`; a passed deadline ends in its error, or in the platform's verdict where there was one after all. A run that
is abandoned while it leaves by its deadline ends in `Gone`, within the seconds that it has left.
"""

import json
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, assert_never
from uuid import UUID

from .actions import Because, Fate, Raise, Reason, Report, Sleep
from .cancelling import EDGES as CANCELLING_EDGES
from .cancelling import Cancel, Cancelling, begin_cancel
from .config import Settings
from .errors import Failure
from .exchange import Exchange, InFlight, Plan, begin
from .handles import Submission
from .job import EXECUTION_REQUEST_SECONDS_MAX, Job, Known, Step
from .lifecycle import ExecutionStatus, is_terminal
from .machine import Edges, Ended, check
from .messages import Request
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .requests import status_request
from .retry import CONFLICT
from .submission import submission_of
from .verdicts import Heard, Unheard, conclude, fail, gone, verdict

CLEANUP_SECONDS = 5.0
"""For all that is sent after a caller went away, or after the deadline."""
AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ByCaller:
    """The caller went away."""


class ByDeadline(NamedTuple):
    """Our own deadline passed: this is its error, unless the platform has a verdict after all."""

    failure: Failure


Why: TypeAlias = ByCaller | ByDeadline


class Leaving(NamedTuple):
    """A run that is being left: the goal of its cancel (see `cancelling.py`)."""

    job: Job
    why: Why
    ends_at: float

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.job.seed

    @property
    def settings(self) -> Settings:
        """See `Goal`."""
        return self.job.settings

    def plan(self, request: Request, at: float) -> Plan:
        """At most half of the time left, so that one request that hangs leaves time for another."""
        return self.job.single(request, self.ends_at, min(EXECUTION_REQUEST_SECONDS_MAX, (self.ends_at - at) / 2))

    def pause_seconds(self, cancel: Cancel) -> float:
        """See `Goal`."""
        return AGAIN_SECONDS

    def jitter(self, cancel: Cancel) -> float:
        """None: the runs of a client that was left are few, and the clean-up is short."""
        return 1.0

    def heard(self, word: Heard) -> Step | None:
        """An end where the execution has ended; else the platform has not recorded the cancel yet."""
        return self.ended(word) if is_terminal(word.record["status"]) else None

    def unheard(self, cancel: Cancel, word: Unheard, *, unknown: bool) -> Step | None:
        """Ask again where that may help: a replica may lag behind, or the network recover."""
        return None if word.passing or unknown else self.over(cancel, word.failure, word.at)

    def over(self, cancel: Cancel, last: Failure | None, at: float) -> Step:
        """The cancel was asked for, and its end not heard."""
        return self.unknown(cancel.execution_id, at, cancel.sends)

    def abandoned(self, cancel: Cancel, outcome: Abandoned, *, seen: bool) -> Step:
        """The second time is the last; but a run that left by its deadline is abandoned for the first."""
        if outcome.final or isinstance(self.why, ByCaller) or outcome.at >= self.ends_at:
            return self.by_caller().unknown(cancel.execution_id, outcome.at, cancel.sends)
        return begin_cancel(cancel._replace(goal=self.by_caller()), outcome.at, Reason(Because.ABANDONED))

    def by_caller(self) -> "Leaving":
        """The same, now that the caller went away as well."""
        return self._replace(why=ByCaller())

    def ended(self, word: Heard) -> Step:
        """The execution has ended, by our cancel or before it."""
        record, at, sends, _ = word
        cancelled = record["status"] == ExecutionStatus.CANCELLED
        match self.why:
            case ByCaller():
                fate = Fate.CANCELLED if cancelled else Fate.FINISHED
                handle = self.job.handle(record["execution_id"], at, sends)
                return gone(self.seed, Report(fate, handle, record), Because.TERMINAL)
            case ByDeadline(failure) if cancelled:
                message = f"{failure.message}; the execution was cancelled"
                failure = failure._replace(message=message, execution_json=json.dumps(record))
                return self._raise(failure, record["execution_id"], at, sends)
            case ByDeadline():
                return conclude(self.job, word)
            case _:
                assert_never(self.why)

    def unknown(self, known: str | Submission, at: float, sends: int) -> Step:
        """What became of the execution was not heard in time."""
        match self.why:
            case ByCaller():
                report = Report(Fate.UNKNOWN, self.job.handle(known, at, sends))
                return gone(self.seed, report, Because.CLEANUP_OVER)
            case ByDeadline(failure):
                return self._raise(failure, known, at, sends)
            case _:
                assert_never(self.why)

    def _raise(self, failure: Failure, known: str | Submission, at: float, sends: int) -> Step:
        return fail(self.job, failure._replace(elapsed=at, attempts=sends), known, Reason(Because.DEADLINE))


class _OfLeaving:
    """What the states of a run that is left have in common, before its cancel."""

    __slots__ = ()
    leaving: Leaving

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.leaving.seed


@dataclass(frozen=True, slots=True)
class Learning(_OfLeaving):
    """The same submission is in flight again, to learn the id. Leaves to LearnPausing, Cancelling or an end."""

    leaving: Leaving
    request: Request
    submission: Submission
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """Cancel, once the id is known."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            return _learning_abandoned(self.leaving, self.request, self.submission, self.exchange.tally.sends, outcome)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return replace(self, exchange=end.exchange), end.action
        word = verdict(end, self.leaving.settings.limits, None)
        match word:
            case Heard():
                return _learned(self.leaving, word)
            case Unheard(_, at, sends, passing, status):
                until = at + AGAIN_SECONDS
                if until >= self.leaving.ends_at or not (passing or status == CONFLICT):
                    return self.leaving.unknown(self.submission, at, sends)
                return LearnPausing(self.leaving, self.request, self.submission, sends, at, until), Sleep(
                    until, 0, Reason(Because.NOT_KNOWN_YET)
                )
            case _:
                assert_never(word)


@dataclass(frozen=True, slots=True)
class LearnPausing(_OfLeaving):
    """The pause before the id is asked for again. Leaves to Learning or an end."""

    leaving: Leaving
    request: Request
    submission: Submission
    sends: int
    at: float
    """When the pause began."""
    until: float

    def step(self, outcome: Outcome, /) -> Step:
        """Ask again, if there is still time."""
        check(EDGES, self, outcome)
        match outcome:
            case Woke(at) if at >= self.leaving.ends_at:
                return self.leaving.unknown(self.submission, at, self.sends)
            case Woke(at):
                return begin_learning(self.leaving, self.request, self.submission, at, self.sends)
            case Restored(at):
                return replace(self, at=at), Sleep(self.until, 0, Reason(Because.RESTORED))
            case Abandoned():
                return _learning_abandoned(self.leaving, self.request, self.submission, self.sends, outcome)
            case Started() | Received() | Failed() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class LastPoll(_OfLeaving):
    """The deadline passed during a pause: one last look is in flight. Leaves to Cancelling or an end."""

    leaving: Leaving
    known: Known
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """The platform's verdict if it has one, else cancel where that is wanted."""
        check(EDGES, self, outcome)
        leaving, execution_id = self.leaving, self.known.execution_id
        if isinstance(outcome, Abandoned):
            return leave_known(leaving.by_caller(), execution_id, outcome.at, self.exchange.tally.sends, final=outcome.final)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return replace(self, exchange=end.exchange), end.action
        word = verdict(end, leaving.settings.limits, execution_id)
        match word:
            case Heard(record) if is_terminal(record["status"]):
                return leaving.ended(word)
            case Heard(_, at, sends) | Unheard(_, at, sends):
                return leave_known(leaving, execution_id, at, sends, final=False)
            case _:
                assert_never(word)


EDGES: Edges = {
    **CANCELLING_EDGES,
    (Learning, Received): frozenset({Learning, LearnPausing, Cancelling, Ended}),
    (Learning, Failed): frozenset({Learning, LearnPausing, Ended}),
    (Learning, Authorized): frozenset({Learning, Ended}),
    (Learning, NotAuthorized): frozenset({LearnPausing, Ended}),
    (Learning, Restored): frozenset({Learning, Ended}),
    (Learning, Abandoned): frozenset({Learning, Ended}),
    (LearnPausing, Woke): frozenset({Learning, Ended}),
    (LearnPausing, Restored): frozenset({LearnPausing}),
    (LearnPausing, Abandoned): frozenset({Learning, Ended}),
    (LastPoll, Received): frozenset({LastPoll, Cancelling, Ended}),
    (LastPoll, Failed): frozenset({LastPoll, Cancelling, Ended}),
    (LastPoll, Authorized): frozenset({LastPoll, Ended}),
    (LastPoll, NotAuthorized): frozenset({Cancelling, Ended}),
    (LastPoll, Restored): frozenset({LastPoll, Ended}),
    (LastPoll, Abandoned): frozenset({Cancelling, Ended}),
}


def leave_known(leaving: Leaving, execution_id: str, at: float, sends: int, *, final: bool) -> Step:
    """Leave a run whose execution is known: cancel it, or leave it running where that is wanted or no time is left."""
    if leaving.job.on_abandon == "cancel" and not final and at < leaving.ends_at:
        return begin_cancel(Cancel(leaving, execution_id, sends), at, Reason(_because(leaving.why)))
    match leaving.why:
        case ByCaller():
            report = Report(Fate.LEFT, leaving.job.handle(execution_id, at, sends))
            return gone(leaving.seed, report, Because.LEFT_RUNNING)
        case ByDeadline():
            return leaving.unknown(execution_id, at, sends)
        case _:
            assert_never(leaving.why)


def leave_submission(leaving: Leaving, request: Request, at: float, sends: int, *, final: bool) -> Step:
    """Leave a run whose submission may have been seen: learn the id with the same key, if an execution is to be cancelled.

    Without a key nothing can be learned, and the caller must not believe that nothing runs.
    """
    submission = submission_of(request)
    if submission is not None and leaving.job.on_abandon == "cancel" and not final:
        return begin_learning(leaving, request, submission, at, sends)
    match leaving.why:
        case ByCaller():
            handle = None if submission is None else leaving.job.handle(submission, at, sends)
            return gone(leaving.seed, Report(Fate.UNKNOWN, handle), Because.ABANDONED)
        case ByDeadline(failure):
            if submission is not None:
                return leaving.unknown(submission, at, sends)
            return Ended(leaving.seed), Raise(failure, Reason(Because.DEADLINE))
        case _:
            assert_never(leaving.why)


def begin_last_poll(leaving: Leaving, known: Known, at: float) -> Step:
    """Look once more: the execution may have ended during the last pause."""
    plan = leaving.plan(status_request(known.execution_id), at)
    exchange, action = begin(plan, at, known.sends, Reason(Because.DEADLINE))
    return LastPoll(leaving, known, exchange), action


def begin_learning(leaving: Leaving, request: Request, submission: Submission, at: float, sends: int) -> Step:
    """Send the same submission with the same key again: the answer is the record of what it started, at most once."""
    exchange, action = begin(leaving.plan(request, at), at, sends, Reason(_because(leaving.why)))
    return Learning(leaving, request, submission, exchange), action


def _learning_abandoned(leaving: Leaving, request: Request, submission: Submission, sends: int, outcome: Abandoned) -> Step:
    by_caller = leaving.by_caller()
    if outcome.final or isinstance(leaving.why, ByCaller) or outcome.at >= leaving.ends_at:
        return by_caller.unknown(submission, outcome.at, sends)
    return begin_learning(by_caller, request, submission, outcome.at, sends)


def _learned(leaving: Leaving, word: Heard) -> Step:
    if is_terminal(word.record["status"]):
        return leaving.ended(word)
    if word.at >= leaving.ends_at:
        return leaving.unknown(word.record["execution_id"], word.at, word.sends)
    return leave_known(leaving, word.record["execution_id"], word.at, word.sends, final=False)


def _because(why: Why) -> Because:
    return Because.ABANDONED if isinstance(why, ByCaller) else Because.DEADLINE
