"""Both clients and every error that they raise, under the name that the platform's page gives."""

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

from .client import PlatformClient
from .sync_client import SyncPlatformClient

__all__ = [
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
    "SyncPlatformClient",
]
