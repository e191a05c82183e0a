"""An execution from submission to its end: submit, wait, poll, until the platform says that it has ended.

Theory of operation
-------------------
Rule 1: `Submitting` is what we decided, `Waiting` and `Polling` what the platform has recorded: an id is known from there on.
Rule 2: a poll is one attempt. No answer, or one that says "later", leads to the next pause; the poll loop is its retry loop.
Rule 3: the first terminal status ends the run, and nothing is sent after it. There is no state that could hear another one.
Rule 4: nothing but a bounded clean-up is sent once our own deadline has passed. A pause is cut to the deadline, and what may
        have happened during it is looked at once more (`cleanup.LastPoll`).
Rule 5: whoever leaves a run leaves it through `cleanup.py`, which says what became of it.

`await_execution` enters further on, at its first poll.
"""

from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID

from .actions import FIRST, PAUSE_OVER, Because, Fate, Reason, Report, Sleep
from .cancelling import Cancelling
from .cleanup import CLEANUP_SECONDS, ByCaller, ByDeadline, LastPoll, Learning, Leaving, begin_last_poll, leave_known, leave_submission
from .cleanup import EDGES as CLEANUP_EDGES
from .derive import unit_random
from .errors import Failure, PlatformTimeoutError
from .exchange import Answered, Exchange, InFlight, Plan, Unanswered, begin, maybe_seen
from .http_dates import retry_after_seconds
from .job import EXECUTION_REQUEST_SECONDS_MAX, GRACE_SECONDS, Job, Known, Step
from .lifecycle import is_terminal
from .machine import Edges, Ended, check
from .messages import Request
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .poll_plan import poll_pause_seconds
from .requests import status_request
from .submission import submission_failed, submission_plan
from .verdicts import NOT_FOUND, Heard, Unheard, conclude, deadline_failure, fail, gone, verdict


class _OfJob:
    """What the states of a run that is not left have in common."""

    __slots__ = ()
    job: Job

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.job.seed


@dataclass(frozen=True, slots=True)
class Ready(_OfJob):
    """Nothing sent yet. Leaves to Submitting, or to the end where the caller left first."""

    job: Job
    request: Request

    def step(self, outcome: Outcome, /) -> Step:
        """Submit."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at) | Restored(at):
                plan = submission_plan(self.seed, self.request, self.job.settings, self.job.seconds)
                exchange, action = begin(plan, at, 0, FIRST)
                return Submitting(self.job, self.request, exchange), action
            case Abandoned():
                return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
            case Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class ReadyToWatch(_OfJob):
    """The execution is there, and nothing was sent yet. Leaves to Polling, or to the end where the caller left first."""

    job: Job
    execution_id: str

    def step(self, outcome: Outcome, /) -> Step:
        """Poll at once."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at) | Restored(at):
                return _poll(self.job, Known(self.execution_id, since=at, known_at=at, sends=0), at, FIRST)
            case Abandoned(at):
                return leave_known(_by_caller(self.job, at), self.execution_id, at, 0, final=True)
            case Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Submitting(_OfJob):
    """The submission is in flight: decided, not recorded. Leaves to Waiting, to an end, or to Learning where it is left."""

    job: Job
    request: Request
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """What the platform made of the submission."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            return self._abandoned(outcome)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return replace(self, exchange=end.exchange), end.action
        word = verdict(end, self.job.settings.limits, None)
        match word:
            case Heard(record) if is_terminal(record["status"]):
                return conclude(self.job, word)
            case Heard(record, at, sends):
                known = Known(record["execution_id"], since=at, known_at=at, sends=sends, status=record["status"])
                return _wait(self.job, known, at, _hint(end), Reason(Because.NOT_TERMINAL, record["status"]))
            case Unheard(failure, at, sends) if end.seen and at >= self.job.seconds:
                leaving = Leaving(self.job, ByDeadline(_too_late(failure)), at + CLEANUP_SECONDS)
                return leave_submission(leaving, self.request, at, sends, final=False)
            case Unheard(failure):
                return submission_failed(self.job, self.request, failure, seen=end.seen)
            case _:
                assert_never(word)

    def _abandoned(self, outcome: Abandoned) -> Step:
        if not maybe_seen(self.exchange, outcome.sent):
            return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
        leaving = _by_caller(self.job, outcome.at)
        return leave_submission(leaving, self.request, outcome.at, self.exchange.tally.sends, final=outcome.final)


@dataclass(frozen=True, slots=True)
class Waiting(_OfJob):
    """The pause between two polls. Leaves to Polling, or by the deadline or the caller into the clean-up."""

    job: Job
    known: Known
    at: float
    """When the pause began."""
    until: float
    poll: Plan | None = field(default=None, repr=False, compare=False)
    """How the last poll was made, which is how the next one is: no part of the state, but there to be used again."""

    def step(self, outcome: Outcome, /) -> Step:
        """Poll, or leave."""
        check(EDGES, self, outcome)
        match outcome:
            case Woke(at) if at >= self.job.seconds:
                failure = deadline_failure(self.job, self.known, at)
                return begin_last_poll(Leaving(self.job, ByDeadline(failure), at + CLEANUP_SECONDS), self.known, at)
            case Woke(at):
                return _poll(self.job, self.known, at, PAUSE_OVER, self.poll)
            case Restored(at):
                return replace(self, at=at), Sleep(self.until, 0, Reason(Because.RESTORED))
            case Abandoned(at, _, final):
                return leave_known(_by_caller(self.job, at), self.known.execution_id, at, self.known.sends, final=final)
            case Started() | Received() | Failed() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Polling(_OfJob):
    """A poll is in flight. Leaves to Waiting, to an end, or by the deadline or the caller into the clean-up."""

    job: Job
    known: Known
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> Step:
        """What the platform says of the execution."""
        check(EDGES, self, outcome)
        job, known, poll = self.job, self.known, self.exchange.plan
        if isinstance(outcome, Abandoned):
            sends = self.exchange.tally.sends
            return leave_known(_by_caller(job, outcome.at), known.execution_id, outcome.at, sends, final=outcome.final)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return replace(self, exchange=end.exchange), end.action
        word = verdict(end, job.settings.limits, known.execution_id)
        match word:
            case Heard(record, at, sends):
                if is_terminal(record["status"]):
                    return conclude(job, word)
                return _wait(job, known.after(record, at, sends), at, _hint(end), Reason(Because.NOT_TERMINAL, record["status"]), poll)
            case Unheard(failure, at, sends, _, status) if status == NOT_FOUND and at < known.known_at + GRACE_SECONDS:
                return _wait(job, known._replace(sends=sends, last=failure), at, _hint(end), Reason(Because.NOT_KNOWN_YET), poll)
            case Unheard(failure, at, sends, True):
                return _wait(job, known._replace(sends=sends, last=failure), at, _hint(end), Reason.of(failure), poll)
            case Unheard(failure):
                return fail(job, failure, known.execution_id, Reason.of(failure))
            case _:
                assert_never(word)


EDGES: Edges = {
    **CLEANUP_EDGES,
    (Ready, Started): frozenset({Submitting}),
    (Ready, Restored): frozenset({Submitting}),
    (Ready, Abandoned): frozenset({Ended}),
    (ReadyToWatch, Started): frozenset({Polling}),
    (ReadyToWatch, Restored): frozenset({Polling}),
    (ReadyToWatch, Abandoned): frozenset({Ended}),
    (Submitting, Received): frozenset({Submitting, Waiting, Learning, Cancelling, Ended}),
    (Submitting, Failed): frozenset({Submitting, Learning, Ended}),
    (Submitting, Woke): frozenset({Submitting, Learning, Ended}),
    (Submitting, Refused): frozenset({Learning, Ended}),
    (Submitting, Authorized): frozenset({Submitting, Learning, Ended}),
    (Submitting, NotAuthorized): frozenset({Submitting, Learning, Ended}),
    (Submitting, Restored): frozenset({Submitting, Learning, Ended}),
    (Submitting, Abandoned): frozenset({Learning, Ended}),
    (Waiting, Woke): frozenset({Polling, LastPoll}),
    (Waiting, Restored): frozenset({Waiting}),
    (Waiting, Abandoned): frozenset({Cancelling, Ended}),
    (Polling, Received): frozenset({Polling, Waiting, Cancelling, Ended}),
    (Polling, Failed): frozenset({Polling, Waiting, Cancelling, Ended}),
    (Polling, Authorized): frozenset({Polling, Cancelling, Ended}),
    (Polling, NotAuthorized): frozenset({Waiting, Cancelling, Ended}),
    (Polling, Restored): frozenset({Polling, Cancelling, Ended}),
    (Polling, Abandoned): frozenset({Cancelling, Ended}),
}


def _poll(job: Job, known: Known, at: float, reason: Reason, poll: Plan | None = None) -> Step:
    exchange, action = begin(poll or _plan(job, known), at, known.sends, reason)
    return Polling(job, known, exchange), action


def _plan(job: Job, known: Known) -> Plan:
    seconds_max = min(EXECUTION_REQUEST_SECONDS_MAX, job.settings.timeout_seconds)
    return job.single(status_request(known.execution_id), job.seconds, seconds_max)


def _wait(job: Job, known: Known, at: float, hint_seconds: float | None, reason: Reason, poll: Plan | None = None) -> Step:
    """Pause until the next poll, at most to the deadline; where it has passed already, leave."""
    if at >= job.seconds:
        leaving = Leaving(job, ByDeadline(deadline_failure(job, known, at)), at + CLEANUP_SECONDS)
        return leave_known(leaving, known.execution_id, at, known.sends, final=False)
    jitter = unit_random(job.seed, "poll-pause", known.sends)
    pause = poll_pause_seconds(at - known.since, job.poll_seconds_max, hint_seconds=hint_seconds, jitter=jitter)
    until = min(at + pause, job.seconds)
    return Waiting(job, known, at, until, poll), Sleep(until, 0, reason)


def _hint(end: Answered | Unanswered) -> float | None:
    """The pause that the server asks for."""
    return retry_after_seconds(end.response.headers) if isinstance(end, Answered) else None


def _by_caller(job: Job, at: float) -> Leaving:
    return Leaving(job, ByCaller(), at + CLEANUP_SECONDS)


def _too_late(failure: Failure) -> Failure:
    message = f"no answer to the submission before the deadline; last failure: {failure.message}"
    return failure._replace(error=PlatformTimeoutError, message=message)
