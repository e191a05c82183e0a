"""Server-sent events, by the rules of the HTML standard, however the bytes are cut."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.events import EventParser, ServerSentEvent
from tests.support.vectors import name_of, rows_of

LINES = (
    b"data: x",
    b"data:y",
    b"data",
    b"event: k",
    b"event",
    b"id: 1",
    b"id: \0",
    b"retry: 7",
    b": c",
    b"",
    b"",
    b"\xef\xbb\xbfdata: b",
    b"data: \xff\xe2\x82",
)
ENDS = (b"\r", b"\n", b"\r\n")
STREAMS = st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)).map(b"".join), max_size=12).map(b"".join)


def read(*pieces: bytes, bytes_max: int = 1000) -> list[ServerSentEvent]:
    parser = EventParser(bytes_max)
    return [event for piece in pieces for event in parser.take(piece)]


@pytest.mark.parametrize("row", rows_of("event_streams"), ids=name_of)
def test_a_vector_is_read_as_it_says(row: dict[str, Any]) -> None:
    stream = bytes.fromhex(row["hex"]) if "hex" in row else row["stream"].encode()
    parser = EventParser(1000)
    assert [each._asdict() for each in parser.take(stream)] == row["events"]
    assert parser.retry_milliseconds == row["retry_milliseconds"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_is_there_with_the_first_byte_of_its_end(end: bytes) -> None:
    parser = EventParser(100)
    assert parser.take(b"data: x" + end) == []
    assert parser.take(end[:1]) == [ServerSentEvent("message", "x")]
    assert parser.take(end[1:] + b"data: y" + end + end) == [ServerSentEvent("message", "y")]


def test_a_line_end_may_be_cut_in_the_middle() -> None:
    assert read(b"data: x\r", b"\ndata: y\r", b"\n\r", b"\n") == [ServerSentEvent("message", "x\ny")]


def test_nothing_comes_of_no_bytes() -> None:
    assert read(b"data: x\r", b"", b"\n\n") == [ServerSentEvent("message", "x")]


def test_what_came_before_an_event_that_is_too_long_stands_and_nothing_after_it_is_taken() -> None:
    parser = EventParser(10)
    assert parser.take(b"data: 1234\n\ndata: 12345\n\ndata: x\n\n") == [ServerSentEvent("message", "1234")]
    assert parser.failed == "an event of more than 10 bytes"
    assert parser.take(b"data: x\n\n") == []


def test_lines_of_one_event_are_bounded_together_and_lines_without_data_each_by_itself() -> None:
    parser = EventParser(12)
    assert parser.take(b"data: 1\n" * 2 + b"data: 2\n\n") == [ServerSentEvent("message", "1\n1\n2")]
    assert parser.take(b": ping\n" * 1000) == []
    assert parser.failed is None
    assert parser.take(b"data: 1\n" * 5) == []
    assert parser.failed is not None


@given(STREAMS, st.lists(st.integers(0, 80), max_size=8), st.integers(1, 60))
def test_any_cut_gives_the_same_events_and_the_same_end(stream: bytes, cuts: list[int], bytes_max: int) -> None:
    whole, cut = EventParser(bytes_max), EventParser(bytes_max)
    places = [0, *sorted(min(each, len(stream)) for each in cuts), len(stream)]
    events = [event for start, end in pairwise(places) for event in cut.take(stream[start:end])]
    assert events == whole.take(stream)
    assert (cut.failed, cut.retry_milliseconds) == (whole.failed, whole.retry_milliseconds)


@given(STREAMS)
def test_bytes_one_by_one_give_what_the_decoded_text_says(stream: bytes) -> None:
    assert read(*[bytes([each]) for each in stream]) == said_by(stream.decode("utf-8", "replace"))


def said_by(text: str) -> list[ServerSentEvent]:
    """The standard's own order of work: decode all of it, and only then look for lines."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    events: list[ServerSentEvent] = []
    data, kind, last_id = "", "", ""
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(ServerSentEvent(kind or "message", data.removesuffix("\n"), last_id))
            data, kind = "", ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
    return events
