"""What is fuzzed: one function for each reader of what a peer may send, which takes any bytes and raises only where it found a defect."""

import json
import re
from collections.abc import Callable, Mapping

from platform_core.errors import CallFacts
from platform_core.events import EventParser
from platform_core.http_dates import http_date_seconds, retry_after_seconds
from platform_core.limits import DEFAULT_LIMITS
from platform_core.media_types import media_type
from platform_core.messages import Headers, Response
from platform_core.parts import Part, whole_length
from platform_core.responses import Nonsense, execution_record, failure_from_nonsense, failure_from_status
from platform_core.strict_json import InvalidJson, json_body, strict_json
from tests.support.cut_answers import SMALL, check_cuts

METHODS = ("GET", "HEAD", "POST")
DEPTH_MAX = 8
EVENT_BYTES_MAX = 64
TAG = '"a"'
FACTS = CallFacts("GET", "/api/v1/x", "id", 1, 0.5)
_FIXED_TEXT = re.compile(r"[A-Za-z0-9 ,'-]+")


def http1(data: bytes) -> None:
    """An answer ends in a response or an error of ours, the same in one piece, byte by byte and cut somewhere.

    The first byte chooses method and limits, the second one where it is cut.
    """
    choice, place, answer = data[0] if data else 0, data[1] if len(data) > 1 else 0, data[2:]
    check_cuts(answer, (place, 2 * place), METHODS[choice % 3], (SMALL, DEFAULT_LIMITS)[choice // 3 % 2])


def json_text(data: bytes) -> None:
    """JSON is refused in a fixed text, or read as Python reads it, and comes back from its own text as the same."""
    try:
        value = strict_json(data, DEPTH_MAX)
    except InvalidJson as error:
        refused = str(error)
    else:
        _check_read(data, value)
        return
    assert _FIXED_TEXT.fullmatch(refused), refused


def _check_read(data: bytes, value: object) -> None:
    assert json.dumps(value) == json.dumps(json.loads(data.decode()))
    assert json.dumps(strict_json(json_body(value), DEPTH_MAX)) == json.dumps(value)


def record(data: bytes) -> None:
    """A body is an execution record, or nonsense; any status, which the first byte chooses, makes an error that can be shown."""
    status = 200 + 4 * (data[0] if data else 0)
    response = Response(status, Headers((("Content-Type", "application/json"),)), data[1:])
    found = execution_record(response, DEFAULT_LIMITS, None)
    if isinstance(found, Nonsense):
        failures = [failure_from_nonsense(found, response, FACTS), failure_from_status(response, FACTS, DEFAULT_LIMITS)]
    else:
        assert found["execution_id"] not in ("", ".", "..")
        assert found["status"]
        failures = [failure_from_status(response, FACTS, DEFAULT_LIMITS)]
    for failure in failures:
        error = failure.exception()
        assert "\n" not in str(error)
        json.dumps(error.to_dict(), allow_nan=False).encode()


def fields(data: bytes) -> None:
    """Dates, pauses and media types are read, or are none. A zero byte parts `Retry-After` from `Date`."""
    first, _, second = data.decode("latin-1").partition("\0")
    seconds = http_date_seconds(first)
    assert seconds is None or (seconds.is_integer() and first.isascii())
    pause = retry_after_seconds(Headers((("Retry-After", first), ("Date", second))))
    assert pause is None or 0 <= pause < float("inf")
    media = media_type(Headers((("Content-Type", first),)))
    assert media is None or media.name == media.name.lower()


def events(data: bytes) -> None:
    """Events are the same however the bytes are cut, and no more is held than may be. The first byte says how long the pieces are."""
    step, stream = 1 + (data[0] if data else 0), data[1:]
    whole, single, cut = (EventParser(EVENT_BYTES_MAX) for _ in range(3))
    found = whole.take(stream)
    assert [event for byte in stream for event in single.take(bytes([byte]))] == found
    assert [event for at in range(0, len(stream), step) for event in cut.take(stream[at : at + step])] == found
    assert len({(each.failed, each.retry_milliseconds) for each in (whole, single, cut)}) == 1
    assert all(len(event.data.encode()) <= 3 * EVENT_BYTES_MAX for event in found), "a byte that is no UTF-8 becomes three"


def parts(data: bytes) -> None:
    """An answer goes on with a download where it says so, or begins anew, or is refused in a fixed text; no byte is counted twice.

    The first byte chooses how much had come, the status, and whether it may begin anew; the second one how long the pieces are. A zero byte
    parts `Content-Range` from `Content-Length`, and that from `ETag`.
    """
    choice, piece_bytes = data[0] if data else 0, data[1] if len(data) > 1 else 0
    texts = data[2:].decode("latin-1").split("\0")
    head_fields = tuple((name, text) for name, text in zip(("Content-Range", "Content-Length", "ETag"), texts, strict=False) if text)
    head = Response(206 if choice & 1 else 200, Headers(head_fields))
    before = Part(choice >> 3, 40 if choice & 4 else None, TAG)
    part = before.begun(head, restartable=bool(choice & 2))
    length = whole_length(head.headers)
    assert length is None or (texts[0][:8].lower() == "bytes */" and int(texts[0][8:]) == length)
    while part.broken is None and part.received_bytes <= before.received_bytes + 2 * piece_bytes and piece_bytes:
        came, skipped = part.taken(piece_bytes)
        assert 0 <= skipped <= piece_bytes
        assert came.broken is not None or came.received_bytes == part.received_bytes + piece_bytes - skipped
        part = came
    if part.broken is not None:
        assert _FIXED_TEXT.fullmatch(part.broken.message), part.broken
    elif head.status == 206:
        assert re.match(rf"bytes 0*{before.received_bytes}-", texts[0], re.IGNORECASE), "it is the part that was asked for"
        assert part.stop_bytes is not None
        assert before.received_bytes < part.stop_bytes <= (part.total_bytes or part.stop_bytes)
        assert part.received_bytes <= part.stop_bytes
    elif part.etag == TAG and before.received_bytes:
        assert before.total_bytes in (None, part.total_bytes), "the same content has the same length"


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "http1": http1,
    "json": json_text,
    "record": record,
    "fields": fields,
    "events": events,
    "parts": parts,
}
