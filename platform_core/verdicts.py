"""What an answer says about an execution, and the ends that a run of one can come to."""

from typing import NamedTuple
from uuid import UUID

from .actions import Because, Done, Gone, Raise, Reason, Report
from .derive import request_id
from .errors import Failure, PlatformTimeoutError
from .exchange import Answered, Unanswered
from .handles import Submission
from .job import Job, Known, Step
from .lifecycle import ExecutionStatus
from .limits import Limits
from .machine import Ended
from .records import ExecutionRecord
from .requests import status_request
from .responses import Nonsense, execution_record, failure_from_nonsense, failure_from_record, failure_from_status
from .retry import repeats_status

NOT_FOUND = 404


class Heard(NamedTuple):
    """The platform's word about an execution."""

    record: ExecutionRecord
    at: float
    sends: int
    answer: Answered
    """The one that it came by."""


class Unheard(NamedTuple):
    """None. `passing` where it is worth asking again; `status` is the answer's, 0 where there was none."""

    failure: Failure
    at: float
    sends: int
    passing: bool
    status: int


def verdict(end: Answered | Unanswered, limits: Limits, expected_id: str | None) -> Heard | Unheard:
    """What the end of an exchange says, where an execution record was asked for."""
    if isinstance(end, Unanswered):
        return Unheard(end.failure, end.at, end.sends, end.passing, end.failure.status_code or 0)
    response = end.response
    if not response.is_success:
        passing = repeats_status(response.status, harmless=True)
        return Unheard(failure_from_status(response, end.facts, limits), end.at, end.sends, passing, response.status)
    record = execution_record(response, limits, expected_id)
    if isinstance(record, Nonsense):
        return Unheard(failure_from_nonsense(record, response, end.facts), end.at, end.sends, passing=False, status=response.status)
    return Heard(record, end.at, end.sends, end)


def conclude(job: Job, word: Heard) -> Step:
    """The end of a run whose execution has ended."""
    record = word.record
    reason = Reason(Because.TERMINAL, record["status"])
    if record["status"] == ExecutionStatus.COMPLETED:
        return Ended(job.seed), Done(record, reason)
    return fail(job, failure_from_record(record, word.answer.facts), record["execution_id"], reason)


def fail(job: Job, failure: Failure, known: str | Submission, reason: Reason) -> Step:
    """The end of a run by an error that carries the handle."""
    handle = job.handle(known, failure.elapsed, failure.attempts)
    return Ended(job.seed), Raise(failure._replace(handle=handle), reason)


def gone(seed: UUID, report: Report, because: Because) -> tuple[Ended, Gone]:
    """The end of a run whose caller left it."""
    return Ended(seed), Gone(report, Reason(because))


def deadline_failure(job: Job, known: Known, at: float) -> Failure:
    """Our own deadline passed before the execution ended; carries the last failure, if there was one."""
    message = f"the execution did not end within {job.seconds:g} s; last heard status: {known.status or 'none'}"
    last = known.last
    if last is not None:
        message = f"{message}; last failure: {last.message}"
        return last._replace(error=PlatformTimeoutError, message=message, attempts=known.sends, elapsed=at)
    poll = status_request(known.execution_id)
    return Failure(
        PlatformTimeoutError,
        message,
        request_id=request_id(job.seed, known.sends - 1),
        method=poll.method,
        path=poll.path,
        attempts=known.sends,
        elapsed=at,
    )
