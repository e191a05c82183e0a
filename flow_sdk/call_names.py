"""What a run is called for those who watch it: the client's method that it comes from."""

from typing import Any

from platform_core.call import Calling, Expected, ReadyToCall, Skills, Status, Submitted
from platform_core.cancelling import Cancelling, CancelPausing, ReadyToCancel, Rereading
from platform_core.cleanup import LastPoll, Learning, LearnPausing, Leaving
from platform_core.downloads import Downloading, ReadyToDownload
from platform_core.execution import Polling, Ready, ReadyToWatch, Submitting, Waiting
from platform_core.handles import HandleKind
from platform_core.machine import Ended, Operation

from .fed import Fed


def call_name(operation: Operation[Any]) -> str:
    """The name of the method, `execute_code_block` say, from any value of its run but the end; one that was resumed is awaited."""
    if isinstance(operation, Fed):
        return _of_flow(operation.operation)
    match operation:
        case ReadyToCall() | Calling():
            return _of_call(operation.call.expected)
        case Ready() | Submitting():
            return f"execute_{operation.job.kind}"
        case ReadyToWatch():
            return "await_execution_result"
        case Waiting() | Polling():
            return _of_execution(operation.job.kind)
        case Learning() | LearnPausing() | LastPoll():
            return _of_execution(operation.leaving.job.kind)
        case ReadyToCancel() | Cancelling() | CancelPausing() | Rereading():
            goal = operation.cancel.goal
            return _of_execution(goal.job.kind) if isinstance(goal, Leaving) else "cancel_execution"
        case _:
            return type(operation).__name__


def _of_flow(operation: Operation[Any]) -> str:
    """Only a stream has a clean-up."""
    match operation:
        case ReadyToDownload() | Downloading():
            return "download"
        case Ended():
            return type(operation).__name__
        case _:
            return "stream_agent"


def _of_call(expected: Expected[Any]) -> str:
    match expected:
        case Submitted(job):
            return f"submit_{job.kind}_execution"
        case Status():
            return "get_execution_status"
        case Skills():
            return "get_service_skills"
        case _:
            return "request"


def _of_execution(kind: HandleKind) -> str:
    return "await_execution_result" if kind == "execution" else f"execute_{kind}"
