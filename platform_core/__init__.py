"""The heart of the client, without any I/O: frozen values that are told what happened and answer what to do next.

Everything here may be embedded in another SDK, under any driver. Modules load when a name of theirs is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actions import Action, Authorize, Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
    from .config import ClientConfig, Settings
    from .downloads import Downloaded, download
    from .errors import (
        Failure,
        PlatformAuthenticationError,
        PlatformClientError,
        PlatformConnectionError,
        PlatformExecutionCancelledError,
        PlatformExecutionError,
        PlatformExecutionTimeoutError,
        PlatformJournalError,
        PlatformNotFoundError,
        PlatformPermissionError,
        PlatformResponseError,
        PlatformSubmissionUnknownError,
        PlatformTimeoutError,
    )
    from .events import EventParser, ServerSentEvent
    from .handles import ExecutionHandle
    from .lifecycle import ExecutionStatus
    from .limits import Limits
    from .machine import Decision, Misuse, Operation
    from .messages import External, Headers, Inline, OutgoingRequest, Request, Response
    from .operations import (
        await_execution,
        cancel_execution,
        execute_agent,
        execute_code_block,
        execute_workflow,
        execution_status,
        request,
        request_raw,
        service_skills,
        stream_agent,
        submit_agent_execution,
        submit_code_block_execution,
        submit_workflow_execution,
    )
    from .origins import Origin
    from .outcomes import (
        Abandoned,
        Authorized,
        Failed,
        FailureCause,
        NotAuthorized,
        Outcome,
        Received,
        Refused,
        Restored,
        Started,
        Woke,
    )
    from .paging import ByCursor, ByNumber, ByOffset, Page, Walk
    from .parts import Part
    from .raw import RawResponse
    from .records import ExecutionRecord, SkillsArtifact
    from .resuming import first_outcome, handle_of_record, resume_execution
    from .retry import RetryBudget, RetryPolicy
    from .snapshots import Snapshot, UnknownSchema, restore, snapshot
    from .stored_values import InvalidSnapshot
    from .tokens import Token
    from .version import VERSION

_MODULE_OF = {
    "Abandoned": "outcomes",
    "Action": "actions",
    "Authorize": "actions",
    "Authorized": "outcomes",
    "Because": "actions",
    "ByCursor": "paging",
    "ByNumber": "paging",
    "ByOffset": "paging",
    "ClientConfig": "config",
    "Decision": "machine",
    "Done": "actions",
    "Downloaded": "downloads",
    "EventParser": "events",
    "ExecutionHandle": "handles",
    "ExecutionRecord": "records",
    "ExecutionStatus": "lifecycle",
    "External": "messages",
    "Failed": "outcomes",
    "Failure": "errors",
    "FailureCause": "outcomes",
    "Fate": "actions",
    "Gone": "actions",
    "Headers": "messages",
    "Inline": "messages",
    "InvalidSnapshot": "stored_values",
    "Limits": "limits",
    "Misuse": "machine",
    "NotAuthorized": "outcomes",
    "Operation": "machine",
    "Origin": "origins",
    "Outcome": "outcomes",
    "OutgoingRequest": "messages",
    "Part": "parts",
    "Page": "paging",
    "PlatformAuthenticationError": "errors",
    "PlatformClientError": "errors",
    "PlatformConnectionError": "errors",
    "PlatformExecutionCancelledError": "errors",
    "PlatformExecutionError": "errors",
    "PlatformExecutionTimeoutError": "errors",
    "PlatformJournalError": "errors",
    "PlatformNotFoundError": "errors",
    "PlatformPermissionError": "errors",
    "PlatformResponseError": "errors",
    "PlatformSubmissionUnknownError": "errors",
    "PlatformTimeoutError": "errors",
    "Raise": "actions",
    "RawResponse": "raw",
    "Reason": "actions",
    "Received": "outcomes",
    "Refused": "outcomes",
    "Report": "actions",
    "Request": "messages",
    "Response": "messages",
    "Restored": "outcomes",
    "RetryBudget": "retry",
    "RetryPolicy": "retry",
    "Send": "actions",
    "ServerSentEvent": "events",
    "Settings": "config",
    "SkillsArtifact": "records",
    "Sleep": "actions",
    "Snapshot": "snapshots",
    "Started": "outcomes",
    "Token": "tokens",
    "UnknownSchema": "snapshots",
    "VERSION": "version",
    "Walk": "paging",
    "Woke": "outcomes",
    "await_execution": "operations",
    "cancel_execution": "operations",
    "download": "downloads",
    "execute_agent": "operations",
    "execute_code_block": "operations",
    "execute_workflow": "operations",
    "execution_status": "operations",
    "first_outcome": "resuming",
    "handle_of_record": "resuming",
    "request": "operations",
    "request_raw": "operations",
    "restore": "snapshots",
    "resume_execution": "resuming",
    "service_skills": "operations",
    "snapshot": "snapshots",
    "stream_agent": "operations",
    "submit_agent_execution": "operations",
    "submit_code_block_execution": "operations",
    "submit_workflow_execution": "operations",
}
_MODULES = frozenset({*_MODULE_OF.values(), "routes", "requests", "responses"})

__all__ = [
    "VERSION",
    "Abandoned",
    "Action",
    "Authorize",
    "Authorized",
    "Because",
    "ByCursor",
    "ByNumber",
    "ByOffset",
    "ClientConfig",
    "Decision",
    "Done",
    "Downloaded",
    "EventParser",
    "ExecutionHandle",
    "ExecutionRecord",
    "ExecutionStatus",
    "External",
    "Failed",
    "Failure",
    "FailureCause",
    "Fate",
    "Gone",
    "Headers",
    "Inline",
    "InvalidSnapshot",
    "Limits",
    "Misuse",
    "NotAuthorized",
    "Operation",
    "Origin",
    "Outcome",
    "OutgoingRequest",
    "Page",
    "Part",
    "PlatformAuthenticationError",
    "PlatformClientError",
    "PlatformConnectionError",
    "PlatformExecutionCancelledError",
    "PlatformExecutionError",
    "PlatformExecutionTimeoutError",
    "PlatformJournalError",
    "PlatformNotFoundError",
    "PlatformPermissionError",
    "PlatformResponseError",
    "PlatformSubmissionUnknownError",
    "PlatformTimeoutError",
    "Raise",
    "RawResponse",
    "Reason",
    "Received",
    "Refused",
    "Report",
    "Request",
    "Response",
    "Restored",
    "RetryBudget",
    "RetryPolicy",
    "Send",
    "ServerSentEvent",
    "Settings",
    "SkillsArtifact",
    "Sleep",
    "Snapshot",
    "Started",
    "Token",
    "UnknownSchema",
    "Walk",
    "Woke",
    "await_execution",
    "cancel_execution",
    "download",
    "execute_agent",
    "execute_code_block",
    "execute_workflow",
    "execution_status",
    "first_outcome",
    "handle_of_record",
    "request",
    "request_raw",
    "restore",
    "resume_execution",
    "service_skills",
    "snapshot",
    "stream_agent",
    "submit_agent_execution",
    "submit_code_block_execution",
    "submit_workflow_execution",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module holds under this name
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, *_MODULES})
