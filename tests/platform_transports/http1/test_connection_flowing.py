"""Bodies that flow, as bytes: how pieces are framed on their way out, and an answer handed on piece by piece, however it is cut."""

import pytest

from platform_core.limits import Limits
from platform_core.messages import Body, External, Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, Progress, SyncFlow, TransportError
from platform_transports.http1.connection import Connection
from platform_transports.http1.request import EncodedRequest, encoded

CREDENTIALS = Credentials("Authorization", "Bearer s3cr3t")
FLOW = SyncFlow(lambda: iter(()))
SMALL = Limits(header_bytes_max=200, response_body_bytes_max=3)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def outgoing(body: Body, method: str = "PUT") -> OutgoingRequest:
    return OutgoingRequest(method, "https://api.test/a", Headers(), body)


def made(body: Body, method: str = "PUT", flow: SyncFlow | None = FLOW) -> EncodedRequest:
    found = encoded(outgoing(body, method), CREDENTIALS, flow)
    assert isinstance(found, EncodedRequest)
    return found


@pytest.mark.parametrize(
    ("length", "line", "piece", "end"),
    [
        (5, b"\r\nContent-Length: 5\r\n\r\n", b"hello", b""),
        (0, b"\r\nContent-Length: 0\r\n\r\n", b"hello", b""),
        (None, b"\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"),
    ],
)
def test_a_body_whose_length_is_known_is_framed_by_it_and_another_by_chunks(
    length: int | None, line: bytes, piece: bytes, end: bytes
) -> None:
    request = made(External(length, replayable=False))
    (head,) = request.pieces
    assert head.endswith(line)
    assert head.count(b"Content-Length") + head.count(b"Transfer-Encoding") == 1
    assert request.flowing is not None
    assert request.flowing.framed(b"hello") == piece
    assert request.flowing.framed(b"") == end


def test_a_body_that_the_request_holds_does_not_flow() -> None:
    request = made(Inline(b"hello"))
    assert request.flowing is None
    assert request.pieces[0].endswith(b"Content-Length: 5\r\n\r\nhello")


@pytest.mark.parametrize("flow", [None, SyncFlow()])
def test_a_body_without_pieces_is_refused(flow: SyncFlow | None) -> None:
    with pytest.raises(TypeError, match="piece by piece"):
        made(External(5, replayable=True), flow=flow)


@pytest.mark.parametrize(
    ("length", "over"), [(5, [False, False, True]), (0, [True]), (6, [False, False, False, True]), (None, [False, False, False, True])]
)
def test_a_body_is_over_with_its_last_byte_where_that_is_known(length: int | None, over: list[bool]) -> None:
    flowing = made(External(length, replayable=False)).flowing
    assert flowing is not None
    found = [flowing.is_over]
    for piece in (b"hel", b"lo", b""):
        if not flowing.is_over:
            flowing.framed(piece)
            found.append(flowing.is_over)
    assert found == over


def cuts(data: bytes) -> list[list[bytes]]:
    """In one piece, byte by byte, and cut at each point."""
    return [[data], [bytes([each]) for each in data], *([data[:at], data[at:]] for at in range(1, len(data)))]


def taken(pieces: list[bytes], method: str = "GET") -> tuple[object, int | None, bytes, bool]:
    """What it ends in, the status that a sink is told, all that has come, and whether the connection may be used again."""
    connection, came, end = Connection(), b"", None
    connection.begin(made(Inline(b""), method), SMALL, Progress(), flows=True)
    for piece in pieces:
        found = connection.receive(piece, is_sent=True)
        came += connection.came() if connection.flowing is not None else b""
        if found is not None:
            end = (found.status, found.body) if isinstance(found, Response) else found.kind
            break
    return end, None if connection.flowing is None else connection.flowing.status, came, connection.reusable


CASES: list[tuple[str, bytes, tuple[object, int | None, bytes, bool]]] = [
    ("by length", HEAD + b"Content-Length: 5\r\n\r\nhello", ((200, b""), 200, b"hello", True)),
    ("in chunks", CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", ((200, b""), 200, b"hello", True)),
    ("to the end", HEAD + b"\r\nhello", (None, 200, b"hello", False)),
    ("nothing", HEAD + b"Content-Length: 0\r\n\r\n", ((200, b""), 200, b"", True)),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", ((204, b""), 204, b"", True)),
    ("reset content", b"HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nno", ((205, b""), 205, b"", False)),
    ("after an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nok", ((200, b""), 200, b"ok", True)),
    ("a refusal", b"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nwho", ((404, b"who"), None, b"", True)),
    ("a long refusal", b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nwho?", (FailureCause.TOO_LARGE, None, b"", False)),
    ("a redirect", b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", ((302, b""), None, b"", True)),
    ("a broken chunk", CHUNKED + b"5\r\nhello\r\nx\r\n", (FailureCause.PROTOCOL, 200, b"hello", False)),
]


@pytest.mark.parametrize(("answer", "end"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_came_is_handed_on_however_it_is_cut(answer: bytes, end: tuple[object, int | None, bytes, bool]) -> None:
    for pieces in cuts(answer):
        assert taken(pieces) == end


@pytest.mark.parametrize("answer", [HEAD + b"Content-Length: 9\r\n\r\nhello", CHUNKED + b"9\r\nhello"])
def test_what_came_before_it_broke_off_is_handed_on(answer: bytes) -> None:
    for pieces in cuts(answer):
        assert taken([*pieces, b""]) == (FailureCause.READ, 200, b"hello", False)


def test_a_body_that_ends_with_the_connection_ends_well() -> None:
    for pieces in cuts(HEAD + b"\r\nhello"):
        assert taken([*pieces, b""]) == ((200, b""), 200, b"hello", False)


def test_an_answer_to_head_has_no_body_to_flow() -> None:
    assert taken([HEAD + b"Content-Length: 5\r\n\r\n"], "HEAD") == ((200, b""), 200, b"", True)


def test_the_head_is_told_with_its_fields_and_without_a_body() -> None:
    connection = Connection()
    connection.begin(made(Inline(b"")), SMALL, Progress(), flows=True)
    assert connection.receive(HEAD + b"Content-Length: 4\r\n\r\nhe", is_sent=True) is None
    assert connection.flowing == Response(200, Headers((("Content-Length", "4"),)), b"")


def test_what_came_is_told_once() -> None:
    connection = Connection()
    connection.begin(made(Inline(b"")), SMALL, Progress(), flows=True)
    assert (connection.flowing, connection.came()) == (None, b"")
    for piece, came in ((HEAD + b"Content-Length: 4\r\n\r\nhe", b"he"), (b"y!", b"y!")):
        connection.receive(piece, is_sent=True)
        assert [connection.came(), connection.came()] == [came, b""]


def test_the_next_request_on_the_connection_flows_only_where_it_says_so() -> None:
    connection = Connection()
    connection.begin(made(Inline(b"")), SMALL, Progress(), flows=True)
    assert isinstance(connection.receive(HEAD + b"Content-Length: 9\r\n\r\n123456789", is_sent=True), Response)
    assert connection.came() == b"123456789"
    connection.begin(made(Inline(b"")), SMALL, Progress())
    found = connection.receive(HEAD + b"Content-Length: 9\r\n\r\n123456789", is_sent=True)
    assert isinstance(found, TransportError)
    assert (found.kind, connection.flowing) == (FailureCause.TOO_LARGE, None)
