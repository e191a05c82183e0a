"""Acme's own names for what goes wrong."""

from platform_core import (
    Failure,
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformExecutionError,
    PlatformPermissionError,
)


class AcmeError(Exception):
    """Base of all errors of this SDK. `reference` finds the request again in Acme's logs."""

    def __init__(self, message: str, reference: str | None) -> None:
        super().__init__(message)
        self.reference = reference


class AcmeDeniedError(AcmeError):
    """The key is not valid, or not for this."""


class AcmeFailedError(AcmeError):
    """The question was taken, and has no answer."""


class AcmeBusyError(AcmeError):
    """Acme could not be reached, or not now."""


NAMES: tuple[tuple[type[PlatformClientError], type[AcmeError]], ...] = (
    (PlatformAuthenticationError, AcmeDeniedError),
    (PlatformPermissionError, AcmeDeniedError),
    (PlatformExecutionError, AcmeFailedError),
    (PlatformClientError, AcmeBusyError),
)
"""Theirs and ours; the first that fits."""


def renamed(failure: Failure) -> AcmeError:
    """A failure by its name here. Nothing of the exception below stays in sight, not even in the chain."""
    name = next(ours for theirs, ours in NAMES if issubclass(failure.error, theirs))
    return name(failure.message, failure.request_id)
