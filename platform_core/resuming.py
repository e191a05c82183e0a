"""Going on with a run elsewhere: with a stored operation, or by the handle of an execution.

An operation that has begun knows how long it had been under way when it was stored. It goes on from there: its clock stands still
meanwhile, so that its deadline is as far ahead as it was. What is behind a handle has the time that the handle has left, and its clock
begins anew; a submission without an id goes on as one that was stored in flight.
"""

from collections.abc import Mapping
from typing import Any, cast, get_args
from uuid import UUID

from .actions import Gone, Report
from .call import Calling
from .cancelling import Cancelling, CancelPausing, Rereading
from .cleanup import LastPoll, Learning, LearnPausing
from .config import DEFAULT_SETTINGS, Settings
from .errors import CallFacts, Failure, PlatformClientError
from .exchange import Sending, Tally
from .execution import Polling, ReadyToWatch, Submitting, Waiting
from .handles import ExecutionHandle, HandleKind
from .job import Job
from .lifecycle import ExecutionStatus
from .machine import Operation
from .messages import checked_id
from .operations import EXECUTION_SECONDS, POLL_SECONDS_MAX, VERDICT_SECONDS
from .outcomes import Abandoned, Restored, Started
from .records import ExecutionRecord
from .requests import resubmission, status_request, submission_kind
from .responses import failure_from_record
from .strict_json import InvalidJson, strict_json
from .submission import submission_plan


def first_outcome(operation: Operation[Any]) -> Started | Restored:
    """What a driver reports first, which sets the operation's clock: 0 for one that has not begun, else when it was stored."""
    match operation:
        case Submitting() | Polling() | Learning() | LastPoll() | Cancelling() | Rereading() | Calling():
            return Restored(operation.exchange.tally.at)
        case Waiting() | LearnPausing() | CancelPausing():
            return Restored(operation.at)
        case _:
            return Started(0.0)


def handle_of_record(record: object) -> ExecutionHandle:
    """The handle of a submission's record: by the execution's id, to be awaited for an hour, and never cancelled by who leaves.

    Raises `TypeError` or `ValueError` where the record has no usable id.
    """
    if not isinstance(record, Mapping):
        message = f"record must be an execution record, not {type(record).__name__}"
        raise TypeError(message)
    members = cast("Mapping[str, object]", record)
    execution_id = checked_id(members.get("execution_id"), "record['execution_id']")
    kind = members.get("component_type")
    known = cast("HandleKind", kind) if kind in get_args(HandleKind) else "execution"
    return ExecutionHandle(known, execution_id, None, EXECUTION_SECONDS, 0, "detach")


def handle_of_id(execution_id: UUID | str, parameter: str = "execution_id") -> ExecutionHandle:
    """The handle of the execution with this id, likewise. Raises `TypeError` or `ValueError` that names the parameter."""
    return ExecutionHandle("execution", checked_id(execution_id, parameter), None, EXECUTION_SECONDS, 0, "detach")


def handle_of_run(operation: Operation[Any]) -> ExecutionHandle | None:
    """What goes on with the execution of a stored run: what its caller would have been left with. None where nothing was sent."""
    _, action = operation.step(Abandoned(first_outcome(operation).at, "maybe", final=True))
    assert isinstance(action, Gone), "every state lets go of a caller who leaves for good"
    return action.report.handle


def resume_execution(handle: object, *, seed: UUID, settings: Settings = DEFAULT_SETTINGS) -> Operation[ExecutionRecord]:
    """Go on with the execution of a handle to its end; ends in the record, `completed`.

    Where no id is known, the same submission is sent with the same key, so that it starts at most once. Whoever was left with the
    handle may have started it: that submission counts as one whose fate is not known from the start, however the first request of
    this run ends. However little time the handle has left, there is enough to hear a verdict. Raises `TypeError` or `ValueError` that
    names the field: a handle may have been made by hand, or by a stranger.
    """
    if not isinstance(handle, ExecutionHandle):
        message = f"handle must be an ExecutionHandle, not {type(handle).__name__}: ExecutionHandle.from_json reads the text of one"
        raise TypeError(message)
    checked = handle.checked()
    seconds = max(checked.seconds_left, VERDICT_SECONDS)
    job = Job(seed, checked.kind, settings, seconds, POLL_SECONDS_MAX, checked.on_abandon)
    if checked.execution_id is not None:
        return ReadyToWatch(job, checked.execution_id)
    assert checked.submission is not None, "a handle has either"
    if submission_kind(checked.submission.target) != checked.kind:
        message = f"handle.submission.target must be where a component of handle.kind, {checked.kind}, is submitted"
        raise ValueError(message)
    _check_body(checked.submission.body, settings)
    request = resubmission(checked.submission, "handle.submission.body", settings.limits)
    in_flight = Sending(submission_plan(seed, request, settings, seconds), Tally(sends=0, attempts=1, seen=True))
    return Submitting(job, request, in_flight)


def end_of_left(report: Report) -> ExecutionRecord | Failure:
    """What a run ends in that its caller left before it was stored. That caller is gone: the platform's word counts as for any other.

    Where that was not heard, it is an error with the handle.
    """
    if report.record is None:
        message = f"the run had been left when it was stored: {report}"
        return Failure(PlatformClientError, message, handle=report.handle)
    if report.record["status"] == ExecutionStatus.COMPLETED:
        return report.record
    asked = status_request(report.record["execution_id"])
    return failure_from_record(report.record, CallFacts(asked.method, asked.path))._replace(handle=report.handle)


def _check_body(body: bytes, settings: Settings) -> None:
    try:
        found = strict_json(body, settings.limits.json_depth_max)
    except InvalidJson as error:
        message = f"handle.submission.body must be strict JSON: {error}"
    else:
        if isinstance(found, dict):
            return
        message = "handle.submission.body must be a JSON object"
    raise ValueError(message)
