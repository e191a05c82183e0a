"""Where the fuzzer begins: the hostile answers, and the vectors of what peers send."""

from collections.abc import Sequence

from tests.hostile.answers import CASES
from tests.support.vectors import rows_of

_OK = b"HTTP/1.1 200 OK\r\n"
_WHOLE = b"\x03\x00"
"""A GET within the limits of a client."""
_ANSWERS = (
    _OK + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + _OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nA: b\r\n c\r\n\r\nto the close",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    _OK + b"Content-Length: 2, 2\r\nTransfer-Encoding: gzip, chunked\r\n\r\nok",
    b"SSH-2.0-OpenSSH_9.6\r\n",
)
_STREAMS = (
    b"\x00\xef\xbb\xbfid: 1\r\nevent: output\r\ndata: a\r\ndata: b\r\n\r\n: comment\rretry: 250\rdata\r\r",
    b"\x02data: \xff\xe2\x80\n\nid: a\0b\ndata: " + b"x" * 70 + b"\n\n",
)


def seeds(target: str) -> Sequence[bytes]:
    """The first inputs of this target."""
    return _SEEDS[target]


def _short(data: bytes) -> bool:
    """Long ones only slow the fuzzer down."""
    return len(data) <= 4096


def _fields() -> list[bytes]:
    pauses = [f"{row['retry_after'] or ''}\0{row['date'] or ''}" for row in rows_of("retry_after")]
    media = [row["content_type"] or "" for row in rows_of("content_types")]
    return [text.encode("latin-1", "replace") for text in (*pauses, *media)]


def _streams() -> list[bytes]:
    rows = rows_of("event_streams")
    return [b"\x02" + (bytes.fromhex(row["hex"]) if "hex" in row else row["stream"].encode()) for row in rows]


def _parts() -> list[bytes]:
    """Of each range, alone and with a length, where four bytes had come; and a whole content, of this tag and of another."""
    ranges = [(row["content_range"] or "").encode("latin-1", "replace") for row in rows_of("content_ranges")]
    begun = [bytes([4 << 3 | choice, 3]) for choice in (0, 1, 3, 5)]
    return [
        *[first + each + after for first in begun for each in ranges for after in (b"", b"\x006")],
        *[first + b"\x0040\0" + tag for first in begun for tag in (b'"a"', b'"b"', b'W/"a"')],
    ]


_SEEDS = {
    "http1": [
        *[_WHOLE + case.reply.encoded() for case in CASES if _short(case.reply.body)],
        *[_WHOLE + row["status_line"].encode("latin-1") + b"\r\nContent-Length: 0\r\n\r\n" for row in rows_of("status_lines")],
        *[prefix + answer for prefix in (_WHOLE, b"\x00\x07", b"\x01\x09") for answer in _ANSWERS],
    ],
    "json": [bytes.fromhex(row["hex"]) if "hex" in row else str(row["text"]).encode() for row in rows_of("strict_json")],
    "record": [bytes([status]) + case.reply.body for case in CASES if _short(case.reply.body) for status in (0, 75)],
    "fields": _fields(),
    "events": [*_STREAMS, *_streams()],
    "parts": _parts(),
}
