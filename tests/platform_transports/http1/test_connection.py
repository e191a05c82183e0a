"""Bytes in, a whole answer or an error out, whatever the network cuts."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.http1.connection import Connection
from platform_transports.http1.request import EncodedRequest, encoded
from tests.support.vectors import name_of, rows_of

CREDENTIALS = Credentials("Authorization", "Bearer s3cr3t")
SMALL = Limits(
    header_bytes_max=200, headers_count_max=4, interim_answers_max=2, response_body_bytes_max=20, connections_max=1, idle_seconds_max=1
)
TOO_LARGE, PROTOCOL, READ, DISCONNECTED = FailureCause.TOO_LARGE, FailureCause.PROTOCOL, FailureCause.READ, FailureCause.DISCONNECTED
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class End(NamedTuple):
    """How it ends: an answer or the kind of an error, and whether the connection may be used again."""

    answer: tuple[int, bytes] | FailureCause
    reusable: bool


def outgoing(method: str = "GET", url: str = "https://api.test/a", body: bytes = b"", *headers: tuple[str, str]) -> OutgoingRequest:
    return OutgoingRequest(method, url, Headers(headers), Inline(body))


def made(request: OutgoingRequest) -> EncodedRequest:
    found = encoded(request, CREDENTIALS)
    assert isinstance(found, EncodedRequest)
    return found


def begun(method: str = "GET", limits: Limits = SMALL) -> Connection:
    connection = Connection()
    connection.begin(made(outgoing(method)), limits, Progress())
    return connection


def end_of(pieces: Sequence[bytes], method: str = "GET", limits: Limits = SMALL) -> End | None:
    """The end after these pieces, the last of which is empty where the server closes; None where there is none yet."""
    connection = begun(method, limits)
    for number, piece in enumerate(pieces, 1):
        found = connection.receive(piece, is_sent=True)
        if found is not None:
            extra = any(pieces[number:])  # as the transports see to it
            shown = (found.status, found.body) if isinstance(found, Response) else found.kind
            return End(shown, connection.reusable and not extra)
    return None


def cuts(data: bytes) -> list[list[bytes]]:
    """In one piece, byte by byte, and cut at each point."""
    return [[data], [bytes([each]) for each in data], *([data[:at], data[at:]] for at in range(1, len(data)))]


def fields(count: int) -> bytes:
    return b"A: b\r\n" * count


ANSWERS: list[tuple[str, bytes, End]] = [
    ("length", HEAD + b"Content-Length: 5\r\n\r\nhello", End((200, b"hello"), True)),
    ("length zero", HEAD + b"Content-Length: 0\r\n\r\n", End((200, b""), True)),
    ("length twice the same", HEAD + b"Content-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok", End((200, b"ok"), True)),
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", End((200, b"ok"), True)),
    ("obs-fold", HEAD + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\nok", End((200, b"ok"), True)),
    ("chunks", CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", End((200, b"hello"), True)),
    ("hexadecimal chunk", CHUNKED + b"0000A;x=1\r\n0123456789\r\n00 \t\r\n\r\n", End((200, b"0123456789"), True)),
    ("a chunk's size of two digits", CHUNKED + b"14\r\n" + b"a" * 20 + b"\r\n0\r\n\r\n", End((200, b"a" * 20), True)),
    ("trailer", CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\nB: c\r\n\r\n", End((200, b"ok"), True)),
    ("no chunks", CHUNKED + b"0\r\n\r\n", End((200, b""), True)),
    (
        "interim",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nok",
        End((200, b"ok"), True),
    ),
    ("close", HEAD + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\nok", End((200, b"ok"), False)),
    ("close before another option", HEAD + b"Connection: close,x\r\nContent-Length: 2\r\n\r\nok", End((200, b"ok"), False)),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", End((200, b"ok"), False)),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", End((204, b""), True)),
    ("204 that announces a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", End((204, b""), False)),
    ("204 with a body", b"HTTP/1.1 204 No Content\r\n\r\nhello", End((204, b""), False)),
    ("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", End((304, b""), True)),
    ("304 with a body", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nno", End((304, b""), False)),
    ("205", b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", End((205, b""), True)),
    ("205 with a body", b"HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nno", End((205, b""), False)),
    ("more than its length", HEAD + b"Content-Length: 2\r\n\r\nokHTTP", End((200, b"ok"), False)),
    ("more than its chunks", CHUNKED + b"0\r\n\r\n\r\n", End((200, b""), False)),
    ("as many fields as may be", HEAD + fields(3) + b"Content-Length: 2\r\n\r\nok", End((200, b"ok"), True)),
    ("as long a body as may be", HEAD + b"Content-Length: 20\r\n\r\n" + b"a" * 20, End((200, b"a" * 20), True)),
    ("as long a head as may be", HEAD + b"A: " + b"a" * 157 + b"\r\nContent-Length: 0\r\n\r\n", End((200, b""), True)),
    ("as long extensions as may be", CHUNKED + b"2;" + b"x" * 220 + b"\r\nok\r\n0\r\n\r\n", End((200, b"ok"), True)),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", End(PROTOCOL, False)),
    ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46", End(PROTOCOL, False)),
    ("CRLF before the status", b"\r\n" + HEAD, End(PROTOCOL, False)),
    ("both framings", HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", End(PROTOCOL, False)),
    ("gzip, chunked", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", End(PROTOCOL, False)),
    ("xchunked", HEAD + b"Transfer-Encoding: xchunked\r\n\r\n", End(PROTOCOL, False)),
    ("chunked twice", HEAD + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n", End(PROTOCOL, False)),
    *[
        (f"length {text!r}", HEAD + b"Content-Length: " + text + b"\r\n\r\n", End(PROTOCOL, False))
        for text in (b"+2", b"-1", b"2_0", b"1" * 30, b"", b"2, 3", b"0x2", b"\xd9\xa3")
    ],
    *[
        (f"line {line!r}", HEAD + line + b"\r\n\r\n", End(PROTOCOL, False))
        for line in (b"A : b", b": b", b"A: b\x00c", b"A: b\rc", b"A", b" A: b", b"A: b\x0bc", b"A: b\r")
    ],
    *[
        (f"chunk {chunk!r}", CHUNKED + chunk, End(PROTOCOL, False))
        for chunk in (
            b"-3\r\n",
            b"0x3\r\n",
            b"1" * 21 + b"\r\n",
            b"\r\n",
            b"2\nok",
            b"2 ;x\r\n",
            b"2\r\nokXX",
            b"2\r\nok\n",
            b"2;a\rb\n\r\n",
        )
    ],
    ("bad trailer", CHUNKED + b"0\r\nA : b\r\n\r\n", End(PROTOCOL, False)),
    ("long head", HEAD + b"A: " + b"a" * 158 + b"\r\nContent-Length: 0\r\n\r\n", End(TOO_LARGE, False)),
    ("endless head", HEAD + b"A: " + b"a" * 300, End(TOO_LARGE, False)),
    ("many fields", HEAD + fields(5) + b"\r\n", End(TOO_LARGE, False)),
    ("many interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 3, End(TOO_LARGE, False)),
    ("long interim answer", b"HTTP/1.1 100 Continue\r\nA: " + b"a" * 200 + b"\r\n\r\n", End(TOO_LARGE, False)),
    ("long body", HEAD + b"Content-Length: 21\r\n\r\n" + b"a" * 21, End(TOO_LARGE, False)),
    ("long body of chunks", CHUNKED + b"b\r\n01234567890\r\n" * 2, End(TOO_LARGE, False)),
    ("large chunk before a bad end", CHUNKED + b"15\r\n" + b"a" * 21 + b"XX", End(TOO_LARGE, False)),
    ("long extension", CHUNKED + b"2;" + b"x" * 221 + b"\r\nok\r\n0\r\n\r\n", End(TOO_LARGE, False)),
    ("long extensions together", CHUNKED + b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n" * 13, End(TOO_LARGE, False)),
    ("endless chunk size", CHUNKED + b"0" * 300, End(TOO_LARGE, False)),
    ("long trailer", CHUNKED + b"0\r\nA: " + b"a" * 200 + b"\r\n\r\n", End(TOO_LARGE, False)),
    ("many trailers", CHUNKED + b"0\r\n" + fields(5) + b"\r\n", End(TOO_LARGE, False)),
    ("long body until the close", HEAD + b"\r\n" + b"a" * 21, End(TOO_LARGE, False)),
]


@pytest.mark.parametrize(("data", "end"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_an_answer_ends_the_same_way_however_it_is_cut(data: bytes, end: End) -> None:
    assert {end_of(pieces) for pieces in cuts(data)} == {end}


@pytest.mark.parametrize("row", rows_of("status_lines"), ids=name_of)
def test_a_status_line_is_read_as_its_vector_says_however_it_is_cut(row: dict[str, Any]) -> None:
    data = row["status_line"].encode("latin-1") + b"\r\nContent-Length: 0\r\n\r\n"
    match row["meaning"]:
        case "final":
            ends = {end_of(pieces) for pieces in cuts(data)}
            assert {each and each.answer for each in ends} == {(row["status"], b"")}
        case "interim":
            assert {end_of(pieces) for pieces in cuts(data)} == {None}
            assert end_of([data, HEAD + b"Content-Length: 0\r\n\r\n"]) == End((200, b""), True)
        case _:
            assert {end_of(pieces) for pieces in cuts(data)} == {End(PROTOCOL, False)}


CLOSED: list[tuple[str, bytes, End]] = [
    ("before the answer", b"", End(DISCONNECTED, False)),
    ("in the start", b"HTT", End(READ, False)),
    ("in the head", HEAD + b"A: b\r\n", End(READ, False)),
    ("after an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n", End(READ, False)),
    ("in the body", HEAD + b"Content-Length: 5\r\n\r\nhell", End(READ, False)),
    ("before the body", HEAD + b"Content-Length: 5\r\n\r\n", End(READ, False)),
    ("in a chunk's size", CHUNKED + b"2", End(READ, False)),
    ("in a chunk", CHUNKED + b"2\r\no", End(READ, False)),
    ("after a chunk", CHUNKED + b"2\r\nok\r\n", End(READ, False)),
    ("in the trailer", CHUNKED + b"2\r\nok\r\n0\r\n", End(READ, False)),
    ("a body until the close", HEAD + b"\r\nhello", End((200, b"hello"), False)),
    ("an empty body until the close", HEAD + b"\r\n", End((200, b""), False)),
    ("a body of HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", End((200, b"hello"), False)),
]


@pytest.mark.parametrize(("data", "end"), [case[1:] for case in CLOSED], ids=[case[0] for case in CLOSED])
def test_a_close_ends_the_same_way_however_what_came_before_is_cut(data: bytes, end: End) -> None:
    assert {end_of([*(each for each in pieces if each), b""]) for pieces in cuts(data)} == {end}


@pytest.mark.parametrize("head", [HEAD + b"Content-Length: 9\r\n\r\n", CHUNKED, HEAD + b"\r\n"])
def test_an_answer_to_head_has_no_body(head: bytes) -> None:
    assert {end_of(pieces, "HEAD") for pieces in cuts(head)} == {End((200, b""), True)}
    assert end_of([head + b"body"], "HEAD") == End((200, b""), False)


@given(st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([case[1] for case in ANSWERS]), max_size=6))
def test_any_bytes_end_in_an_answer_or_an_error_and_the_same_one_in_one_piece(pieces: list[bytes]) -> None:
    end = end_of([*pieces, b""])
    assert end is not None
    assert end_of([*filter(None, [b"".join(pieces)]), b""]) == end


@given(st.sampled_from([case[1] for case in ANSWERS]), st.data())
def test_a_broken_byte_ends_the_same_way_however_it_is_cut(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    broken = data[:at] + draw.draw(st.binary(max_size=3)) + data[at + 1 :]
    assert len({end_of([*(each for each in pieces if each), b""]) for pieces in cuts(broken)}) == 1


def read_by_h11(data: bytes) -> tuple[int, bytes] | FailureCause:
    connection = h11.Connection(h11.CLIENT, 10**6)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, body = 0, b""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return READ if str(error).startswith("peer") else PROTOCOL
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += event.data
            case h11.EndOfMessage():
                return status, body
            case _:
                pass


@given(
    st.sampled_from([b"1\r\na\r\n0\r\n\r\n", b"A;x=y\r\n0123456789\r\n00 \r\nA: b\r\n\r\n", b"2\r\nok\r\n3\r\nabc\r\n0\r\n\r\n"]), st.data()
)
def test_chunks_are_taken_and_refused_as_h11_does_it(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    patch = draw.draw(st.text("0123456789aAfFgG;:= \t\r\nx-", max_size=3)).encode()
    broken = data[:at] + patch + data[at + draw.draw(st.integers(0, 2)) :]
    end = end_of([CHUNKED + broken, b""], limits=DEFAULT_LIMITS)
    assert end is not None
    expected = read_by_h11(CHUNKED + broken)
    if end.answer != expected:  # both refuse: we do at the first byte that can belong to no chunk, h11 when its line is whole
        assert {end.answer, expected} == {PROTOCOL, READ}


class TestAnswer:
    def test_fields_keep_their_order_and_case_and_are_latin_1(self) -> None:
        answer = begun().receive(HEAD + b"X-One: 1\r\nset-cookie: a\r\nSET-COOKIE: \xfc\r\nContent-Length: 0\r\n\r\n", is_sent=True)
        assert isinstance(answer, Response)
        assert answer.headers.fields == (("X-One", "1"), ("set-cookie", "a"), ("SET-COOKIE", "ü"), ("Content-Length", "0"))

    def test_nothing_is_set_aside_for_what_is_only_announced(self) -> None:
        assert end_of([HEAD + b"Content-Length: 99999999999999999999\r\n\r\nok", b""]) == End(READ, False)

    def test_a_hostile_head_is_read_in_linear_time(self) -> None:
        began = time.process_time()
        for data in (HEAD + b"A:" + b" " * 60_000 + b"\x00\r\n\r\n", CHUNKED + b"1;" + b" " * 60_000 + b"\n\r\n"):
            assert end_of([data], limits=DEFAULT_LIMITS) == End(PROTOCOL, False)
        assert time.process_time() - began < 1

    def test_a_head_that_comes_byte_by_byte_is_read_in_linear_time(self) -> None:
        began = time.process_time()
        assert end_of([bytes([each]) for each in HEAD + b"a\n" * 40_000], limits=DEFAULT_LIMITS) == End(TOO_LARGE, False)
        assert time.process_time() - began < 2

    def test_many_small_chunks_are_read_in_linear_time(self) -> None:
        began = time.process_time()
        assert end_of([CHUNKED + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n"], limits=DEFAULT_LIMITS) == End((200, b"a" * 100_000), True)
        assert time.process_time() - began < 2

    def test_an_error_quotes_nothing_of_the_server(self) -> None:
        error = begun().receive(b"HTTP/1.1 2x0 s3cr3t\r\n\r\n", is_sent=True)
        assert isinstance(error, TransportError)
        assert "s3cr3t" not in str(error)
        assert error.__context__ is None


class TestConnection:
    def test_it_is_used_again_after_a_whole_answer(self) -> None:
        connection, request = Connection(), made(outgoing())
        for number in range(3):
            connection.begin(request, SMALL, Progress())
            assert not connection.reusable
            answer = connection.receive(HEAD + b"Content-Length: 1\r\n\r\n%d" % number, is_sent=True)
            assert isinstance(answer, Response)
            assert answer.body == b"%d" % number
            assert connection.reusable

    def test_it_tells_that_it_has_served_before(self) -> None:
        connection, request = Connection(), made(outgoing())
        connection.begin(request, SMALL, Progress())
        connection.receive(HEAD + b"Content-Length: 0\r\n\r\n", is_sent=True)
        progress = Progress()
        connection.begin(request, SMALL, progress)
        error = connection.receive(b"", is_sent=True)
        assert isinstance(error, TransportError)
        assert (error.kind, error.sent, error.reused) == (DISCONNECTED, "maybe", True)

    def test_bytes_to_send_are_bytes_that_may_have_been_seen(self) -> None:
        progress = Progress()
        Connection().begin(made(outgoing()), SMALL, progress)
        assert progress.sent == "maybe"

    @pytest.mark.parametrize(
        ("came", "served", "while_sending", "kind"),
        [
            (b"", False, False, DISCONNECTED),
            (b"", False, True, FailureCause.WRITE),
            (b"", True, True, DISCONNECTED),
            (b"H", False, True, READ),
            (b"H", True, False, READ),
        ],
    )
    def test_a_break_is_named_after_what_had_come(self, came: bytes, served: bool, while_sending: bool, kind: FailureCause) -> None:
        connection, request = Connection(), made(outgoing())
        if served:
            connection.begin(request, SMALL, Progress())
            connection.receive(HEAD + b"Content-Length: 0\r\n\r\n", is_sent=True)
        connection.begin(request, SMALL, Progress())
        if came:
            connection.receive(came, is_sent=True)
        error = connection.lost("ECONNRESET", while_sending=while_sending)
        assert (error.kind, error.reused, connection.reusable) == (kind, served, False)
