"""Answers made by the grammar of HTTP and then spoiled: each ends in a response or an error of ours, the same however it is cut.

`test_connection.py` knows how single answers end; here the cuts, the faults and what stands around them are any.
"""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Response
from tests.support.cut_answers import SMALL, check_cuts

TOKENS = st.text("AbZ-_1", min_size=1, max_size=6).map(str.encode)
VALUES = st.text('a Z9,;="\tü', max_size=12).map(lambda text: text.strip(" \t").encode("latin-1"))
LINE_ENDS = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n"))
SPACES = st.sampled_from((b" ", b"", b"\t ", b"\r\n "))
EXTENSIONS = st.sampled_from((b"", b"", b" ", b";a", b';a="b"'))
CHUNKED = b"transfer-encoding: Chunked\r\n"
FRAMING = (b"content-length", b"transfer-encoding", b"connection")


@st.composite
def fields(draw: st.DrawFn) -> bytes:
    """Some header fields that say nothing about the framing."""
    names = draw(st.lists(TOKENS.filter(lambda name: name.lower() not in FRAMING), max_size=3))
    return b"".join([name + b":" + draw(SPACES) + draw(VALUES) + draw(LINE_ENDS) for name in names])


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """A body in chunks, with extensions and a trailer."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=9), max_size=3))
    sized = [b"%x%s\r\n%s\r\n" % (len(piece), draw(EXTENSIONS), piece) for piece in pieces]
    return b"".join(sized) + b"0" + draw(EXTENSIONS) + b"\r\n" + draw(fields()) + b"\r\n"


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """The field that says where a body ends, and the body."""
    body = draw(st.binary(max_size=24))
    by_length = (b"Content-Length: %d\r\n" % len(body), body)
    return draw(st.sampled_from((by_length, (b"", body), (b"connection: close\r\n", body))) | st.tuples(st.just(CHUNKED), chunks()))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A valid answer: interim ones before it, its head, and a body by length, in chunks, up to the close, or none."""
    before = [
        b"HTTP/1.1 %d \r\n%s\r\n" % (status, draw(fields())) for status in draw(st.lists(st.sampled_from((100, 102, 103)), max_size=2))
    ]
    framing, content = draw(framed())
    status = draw(st.sampled_from((200, 200, 202, 204, 205, 304, 404, 503, 999)))
    version = draw(st.sampled_from((b"1.1", b"1.1", b"1.0")))
    head = b"HTTP/%s %d OK\r\n" % (version, status) + draw(fields()) + framing + draw(fields()) + b"\r\n"
    return b"".join(before) + head + content


STRUCTURE = re.compile(rb"[\r\n:;,]|(?<=\n).")
"""Where a fault changes what the rest means."""
PLACES = st.lists(st.integers(1, 250), max_size=6)


@st.composite
def spoiled(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """A valid text in which bytes were changed, left out, put in or repeated; maybe cut off, or with more after it."""
    data = draw(valid)
    for _ in range(draw(st.integers(0, 3))):
        structure = [0, *(each.start() for each in STRUCTURE.finditer(data))]
        start = draw(st.sampled_from(structure) | st.sampled_from(structure[-6:]) | st.integers(0, len(data)))
        end = start + draw(st.sampled_from((1, 1, 0, 2, 6)))
        put = draw(st.sampled_from((b"\r", b"\n", b"X", b"\x00", b":", b" ", b"0", b"-", b"", data[start:end] * 2)) | st.binary(max_size=3))
        data = data[:start] + put + data[end:]
    match draw(st.sampled_from(("as it is", "cut off", "more"))):
        case "cut off":
            return data[: draw(st.integers(0, len(data)))]
        case "more":
            return data + draw(valid | st.binary(max_size=5))
        case _:
            return data


@given(answers(), PLACES)
def test_a_valid_answer_is_one_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert isinstance(check_cuts(data, cuts).answer, Response)


@settings(max_examples=250)
@given(spoiled(answers()), PLACES, st.sampled_from(("GET", "HEAD", "POST")), st.sampled_from((SMALL, DEFAULT_LIMITS)))
def test_a_spoiled_one_ends_in_a_response_or_an_error_of_ours_the_same_for_every_cut(
    data: bytes, cuts: list[int], method: str, limits: Limits
) -> None:
    check_cuts(data, cuts, method, limits)


@settings(max_examples=250)
@given(spoiled(chunks()), PLACES, st.sampled_from((SMALL, DEFAULT_LIMITS)))
def test_a_spoiled_body_in_chunks_ends_the_same_way_for_every_cut(data: bytes, cuts: list[int], limits: Limits) -> None:
    check_cuts(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n" + data, cuts, limits=limits)
