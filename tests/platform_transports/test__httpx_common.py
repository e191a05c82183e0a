"""What the library tells of a request's course, and what its exceptions are made of."""

import errno
import socket
import ssl
from types import SimpleNamespace

import httpx
import pytest

from platform_core.outcomes import FailureCause, Sent
from platform_transports._httpx_common import Course
from platform_transports.contract import Progress

CONNECT_SECONDS = 10.0
DEADLINE = 100.0
CONNECTING = "connection.connect_tcp.started"
CONNECTED = "connection.connect_tcp.complete"
SENDING = "http11.send_request_headers.started"


def course(*events: str, pessimistic: bool = False) -> Course:
    made = Course(Progress(), DEADLINE, CONNECT_SECONDS, pessimistic=pessimistic)
    made.begin()
    for at, event in enumerate(events):
        made.note(event, {"request": SimpleNamespace(method=b"GET"), "return_value": "the stream"}, float(at))
    return made


@pytest.mark.parametrize("pessimistic", [False, True])
@pytest.mark.parametrize(
    ("events", "sent", "reused", "bound"),
    [
        ((CONNECTING,), "no", False, CONNECT_SECONDS),
        ((CONNECTING, CONNECTED), "no", False, CONNECT_SECONDS),
        (("connection.connect_unix_socket.started",), "no", False, CONNECT_SECONDS),
        ((CONNECTING, "connection.retry.started", CONNECTING), "no", False, CONNECT_SECONDS),
        ((CONNECTING, CONNECTED, "connection.start_tls.started", "connection.start_tls.complete", SENDING), "maybe", False, DEADLINE),
        ((SENDING,), "maybe", True, DEADLINE),
        (("http2.send_request_headers.started",), "maybe", True, DEADLINE),
        ((SENDING, CONNECTING), "maybe", False, 1 + CONNECT_SECONDS),  # a transport that repeats by itself
    ],
)
def test_what_the_library_tells_decides(events: tuple[str, ...], sent: Sent, reused: bool, bound: float, pessimistic: bool) -> None:
    made = course(*events, pessimistic=pessimistic)
    error = made.failed(FailureCause.READ)
    assert (made.progress.sent, error.sent, error.reused, made.bound) == (sent, sent, reused, bound)


def test_what_tells_nothing_may_have_sent() -> None:
    assert course(pessimistic=True).progress.sent == "maybe"
    assert course().progress.sent == "no"


def test_asking_a_proxy_for_a_tunnel_is_not_sending() -> None:
    made = course(CONNECTING, CONNECTED)
    made.note(SENDING, {"request": SimpleNamespace(method=b"CONNECT")}, 1.0)
    assert (made.progress.sent, made.stream) == ("no", "the stream")


def test_a_connection_is_ours_to_close_until_the_request_is_on_it() -> None:
    assert course(CONNECTING, CONNECTED).stream == "the stream"
    assert course(CONNECTING, CONNECTED, SENDING).stream is None


def test_a_connection_that_was_never_there_after_a_sending_may_still_have_sent() -> None:
    made = course(SENDING, CONNECTING)
    assert made.failed_by(httpx.ConnectError("refused"), httpx).sent == "maybe"


@pytest.mark.parametrize(("seconds", "kind"), [(CONNECT_SECONDS, FailureCause.CONNECT_TIMEOUT), (2 * DEADLINE, FailureCause.TIMEOUT)])
def test_the_nearer_bound_gives_its_name(seconds: float, kind: FailureCause) -> None:
    made = Course(Progress(), DEADLINE, seconds, pessimistic=False)
    made.note(CONNECTING, {}, 0.0)
    assert made.late is kind
    assert made.failed_by(httpx.ConnectTimeout("late"), httpx).kind is kind


def wrapped(error: BaseException) -> Exception:
    """As httpcore and httpx pass an exception on: as an argument, with its cause cut off, then as a cause."""
    outer = httpx.ConnectError("text")
    outer.__cause__ = RuntimeError(error)
    return outer


def os_error(number: int) -> OSError:
    return OSError(number, "text")


FULL, REFUSED = os_error(errno.EMFILE), os_error(errno.ECONNREFUSED)
NO_ADDRESS = os_error(errno.EADDRNOTAVAIL)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "text"), FailureCause.DNS),
        (ssl.SSLCertVerificationError(1, "text"), FailureCause.TLS),
        (ssl.SSLEOFError(8, "text"), FailureCause.CONNECT),
        (ssl.SSLZeroReturnError(6, "text"), FailureCause.CONNECT),
        (FULL, FailureCause.LOCAL),
        (os_error(errno.ENFILE), FailureCause.LOCAL),
        (NO_ADDRESS, FailureCause.LOCAL),
        (REFUSED, FailureCause.CONNECT),
        (ExceptionGroup("two addresses", [FULL, NO_ADDRESS]), FailureCause.LOCAL),
        (ExceptionGroup("two addresses", [REFUSED, NO_ADDRESS]), FailureCause.CONNECT),
        (RuntimeError("text"), FailureCause.CONNECT),
    ],
)
def test_what_lies_at_the_ground_of_a_failed_connection_decides(error: Exception, kind: FailureCause) -> None:
    caused = RuntimeError()
    caused.__cause__ = error
    for each in (error, caused):
        assert course().failed_by(wrapped(each), httpx).kind is kind


def test_what_our_caller_was_handling_does_not_decide() -> None:
    error = httpx.ConnectError("text")
    error.__context__ = ssl.SSLError(1, "of the caller")
    assert course().failed_by(error, httpx).kind is FailureCause.CONNECT


@pytest.mark.parametrize("answered", [False, True])
def test_an_alert_of_tls_while_reading_is_no_stale_connection(answered: bool) -> None:
    error = httpx.ReadError("text")
    error.__cause__ = ssl.SSLError(1, "text")
    made = course(SENDING)
    made.answered = answered
    assert made.failed_by(error, httpx).kind is FailureCause.READ


def test_an_answer_that_breaks_off_after_its_head_is_read() -> None:
    made = course(SENDING)
    made.answered = True
    assert made.failed_by(httpx.ReadError("text"), httpx).kind is FailureCause.READ
    assert made.failed_by(httpx.RemoteProtocolError("Server disconnected"), httpx).kind is FailureCause.READ


def test_an_exception_that_nobody_expects_is_local_before_sending_and_protocol_after() -> None:
    assert course().failed_by(LookupError("text"), httpx).kind is FailureCause.LOCAL
    assert course(SENDING).failed_by(LookupError("text"), httpx).kind is FailureCause.PROTOCOL
