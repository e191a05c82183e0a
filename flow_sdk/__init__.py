"""The platform for your program: `PlatformClient` for asyncio and trio, `SyncPlatformClient` for blocking code.

Names load when they are first used, so that importing this package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_core.agent_stream import Event
    from platform_core.downloads import Downloaded
    from platform_core.errors import (
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
    from platform_core.handles import ExecutionHandle
    from platform_core.limits import Limits
    from platform_core.paging import ByCursor, ByNumber, ByOffset, Page
    from platform_core.raw import RawResponse
    from platform_core.retry import RetryPolicy
    from platform_transports.journal import Journal

    from .bodies import Body
    from .client import PlatformClient
    from .sync_client import SyncPlatformClient

__all__ = [
    "Body",
    "ByCursor",
    "ByNumber",
    "ByOffset",
    "Downloaded",
    "Event",
    "ExecutionHandle",
    "Journal",
    "Limits",
    "Page",
    "PlatformAuthenticationError",
    "PlatformClient",
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
    "RawResponse",
    "RetryPolicy",
    "SyncPlatformClient",
]

_MODULE_OF = dict.fromkeys(__all__, "platform_core.errors") | {
    **dict.fromkeys(("ByCursor", "ByNumber", "ByOffset", "Page"), "platform_core.paging"),
    "Body": "flow_sdk.bodies",
    "Downloaded": "platform_core.downloads",
    "Event": "platform_core.agent_stream",
    "ExecutionHandle": "platform_core.handles",
    "Journal": "platform_transports.journal",
    "Limits": "platform_core.limits",
    "PlatformClient": "flow_sdk.client",
    "RawResponse": "platform_core.raw",
    "RetryPolicy": "platform_core.retry",
    "SyncPlatformClient": "flow_sdk.sync_client",
}

if not TYPE_CHECKING:  # a type checker that saw it would take any name for one of ours

    def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module holds under this name
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULE_OF[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULE_OF})
