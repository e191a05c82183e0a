"""What a connection says of itself, and what its errors say to whoever reads them: nothing that is the server's."""

import pytest

from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.http1.connection import Connection
from platform_transports.http1.request import EncodedRequest, encoded

SMALL = Limits(
    header_bytes_max=200, headers_count_max=4, interim_answers_max=2, response_body_bytes_max=20, connections_max=1, idle_seconds_max=1
)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TOO_LARGE, PROTOCOL, READ, DISCONNECTED = FailureCause.TOO_LARGE, FailureCause.PROTOCOL, FailureCause.READ, FailureCause.DISCONNECTED


def begun() -> Connection:
    request = encoded(OutgoingRequest("GET", "https://api.test/a", Headers(), Inline(b"")), Credentials("Authorization", "Bearer s3cr3t"))
    assert isinstance(request, EncodedRequest)
    connection = Connection()
    connection.begin(request, SMALL, Progress())
    return connection


@pytest.mark.parametrize(
    ("pieces", "kind", "detail"),
    [
        ([b""], DISCONNECTED, ""),
        ([b"HTTP", b""], READ, "closed before the end of the head"),
        ([b"SSH-2.0"], PROTOCOL, "it does not begin with HTTP/: is this the port of another protocol?"),
        ([HEAD + b"A: " + b"a" * 200 + b"\r\n\r\n"], TOO_LARGE, "more than 200 bytes in a header block"),
        ([HEAD + b"A: b\r\n" * 5 + b"\r\n"], TOO_LARGE, "5 header fields"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 3], TOO_LARGE, "more than 2 interim answers"),
        ([HEAD + b"A: \x00\r\n\r\n"], PROTOCOL, "a NUL, a bare CR or other control character in the head"),
        ([b"HTTP/2.0 200 OK\r\n\r\n"], PROTOCOL, "another major version of HTTP: another syntax (RFC 9110, section 2.5)"),
        ([b"HTTP/1.1 2x0 OK\r\n\r\n"], PROTOCOL, "illegal status line"),
        ([b"HTTP/1.1 2x0 s3cr3t: OK\r\n\r\n"], PROTOCOL, "illegal status line"),
        ([HEAD + b"Content-Length: x\r\n\r\n"], PROTOCOL, "bad Content-Length"),
        (
            [HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
            PROTOCOL,
            "both Content-Length and Transfer-Encoding",
        ),
        ([HEAD + b"Content-Length: 5\r\n\r\nhe", b""], READ, "2 body bytes of 5"),
        ([HEAD + b"Content-Length: 21\r\n\r\n" + b"a" * 21], TOO_LARGE, "more than 20 body bytes"),
        ([CHUNKED + b"2\r\nok\r\n", b""], READ, "no last chunk after 2 body bytes"),
        ([CHUNKED + b"2\r\nokay"], PROTOCOL, "a chunk is longer than it says"),
        ([CHUNKED + b"x\r\n"], PROTOCOL, "a chunk without a valid size"),
        ([CHUNKED + b"2;" + b"x" * 230], TOO_LARGE, "chunk extensions are longer than a header block may be"),
    ],
)
def test_an_error_says_what_was_wrong(pieces: list[bytes], kind: FailureCause, detail: str) -> None:
    connection = begun()
    found = [connection.receive(piece, is_sent=True) for piece in pieces][-1]
    assert isinstance(found, TransportError)
    assert (found.kind, found.detail, found.sent, found.reused) == (kind, detail, "maybe", False)
    assert connection.reusable is False


@pytest.mark.parametrize(("came", "kind"), [(b"", DISCONNECTED), (b"H", READ)])
def test_a_break_keeps_the_word_of_the_system(came: bytes, kind: FailureCause) -> None:
    connection = begun()
    if came:
        connection.receive(came, is_sent=True)
    error = connection.lost("ECONNRESET")
    assert (error.kind, error.detail) == (kind, "ECONNRESET")


def test_a_connection_that_was_never_used_is_settled_and_has_sent_nothing() -> None:
    connection = Connection()
    assert (connection.is_begun, connection.is_settled, connection.reusable, connection.may_be_kept) == (False, True, True, False)
    assert connection.flowing is None
    error = connection.failed(FailureCause.CLOSED)
    assert (error.sent, error.reused, error.detail) == ("no", False, "")


def test_a_close_before_any_request_says_that_nothing_was_sent() -> None:
    error = Connection().receive(b"", is_sent=False)
    assert isinstance(error, TransportError)
    assert (error.kind, error.sent, error.reused, error.detail) == (DISCONNECTED, "no", False, "")


def test_a_request_that_is_under_way_is_neither_begun_nor_settled() -> None:
    connection = begun()
    assert (connection.is_begun, connection.is_settled, connection.reusable) == (False, False, False)
    connection.receive(b"H", is_sent=True)
    assert connection.is_begun is True


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_whole_answer_settles_what_has_gone_out_whole(is_sent: bool) -> None:
    connection = begun()
    assert isinstance(connection.receive(HEAD + b"Content-Length: 0\r\n\r\n", is_sent=is_sent), Response)
    assert (connection.is_settled, connection.reusable, connection.may_be_kept) == (is_sent, is_sent, is_sent)


def test_an_answer_that_ends_by_the_close_settles_nothing() -> None:
    connection = begun()
    connection.receive(HEAD + b"\r\nok", is_sent=True)
    assert isinstance(connection.receive(b"", is_sent=True), Response)
    assert (connection.is_settled, connection.reusable) == (False, False)
