"""Why a connection could not be made, whoever wraps the reason."""

import errno
import socket
import ssl

import pytest

from platform_core.outcomes import FailureCause
from platform_transports._connections import below_of, connect_kind

FULL = OSError(errno.EMFILE, "full")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "unknown")


def caused_by(cause: Exception) -> Exception:
    """As trio wraps it."""
    error = OSError("all attempts failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UNKNOWN, FailureCause.DNS),
        (UnicodeEncodeError("idna", "é", 0, 1, "label too long"), FailureCause.DNS),
        (ssl.SSLCertVerificationError("expired"), FailureCause.TLS),
        (ssl.SSLError("WRONG_VERSION_NUMBER"), FailureCause.TLS),
        (ssl.SSLEOFError("closed in the handshake"), FailureCause.CONNECT),
        (REFUSED, FailureCause.CONNECT),
        (OSError(errno.ENOBUFS, "no buffers"), FailureCause.LOCAL),
        (OSError(errno.ENOMEM, "no memory"), FailureCause.LOCAL),
        (FULL, FailureCause.LOCAL),
        (caused_by(UNKNOWN), FailureCause.DNS),
        (caused_by(ExceptionGroup("each address", [FULL, FULL])), FailureCause.LOCAL),
        (ExceptionGroup("each address", [FULL, REFUSED]), FailureCause.CONNECT),
        (RuntimeError(caused_by(FULL)), FailureCause.LOCAL),
        (LookupError("something else"), FailureCause.CONNECT),
    ],
)
def test_the_kind_is_that_of_what_lies_at_the_ground(error: Exception, kind: FailureCause) -> None:
    assert connect_kind(error) is kind


def test_a_cause_goes_before_an_argument() -> None:
    error = RuntimeError(REFUSED)
    assert below_of(error) is REFUSED
    error.__cause__ = FULL
    assert below_of(error) is FULL
    assert below_of(RuntimeError("text")) is None
