"""The head of an answer: found and bounded here, byte by byte, and only then read by h11, whole.

So h11 never sees a part of a head, and accepts or refuses it whatever the network cuts (h11 #182). It is not shown the bytes
that it refuses anyway in quadratic time, either: 64 KiB of white space before a NUL take it seconds.
"""

import re
from typing import NamedTuple

import h11

from platform_core.limits import Limits
from platform_core.messages import Headers
from platform_core.outcomes import FailureCause

_START = b"HTTP/"
_END = re.compile(rb"\n\r?\n")
_END_AT_ONCE = re.compile(rb"\A\r?\n|\n\r?\n")
_NEVER_VALID = b"\x00\x0b\x0c"
_STATUS_AT = len("HTTP/1.1 ")
_ANY_REQUEST = h11.Request(method="GET", target="/", headers=[("Host", "any")])
"""Lets h11 expect interim answers; what it would send is nobody's business."""
_TRAILER_STATUS = b"HTTP/1.1 200 \r\n"
_FINAL_STATUS_MIN = 200
_MAJOR_VERSION = b"1."
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
"""What of a head says where its body ends, and whether the connection goes on."""


class NotAnAnswerError(Exception):
    """What came is no answer that we take. Stays within this package."""

    def __init__(self, kind: FailureCause, detail: str) -> None:
        self.kind = kind
        self.detail = detail


class Head(NamedTuple):
    """What the head says. `length` is None without `Content-Length`; both are as RFC 9112, section 6.3, takes them."""

    status: int
    headers: Headers
    length: int | None
    is_chunked: bool
    keeps_open: bool


class FieldBlock:
    """Lines up to an empty one, at most so many bytes."""

    rest: bytes
    """What came after it, once it is whole."""

    def __init__(self, bytes_max: int, *, may_be_empty: bool = False) -> None:
        self._bytes_max = bytes_max
        self._ending = _END_AT_ONCE if may_be_empty else _END
        self._begins = b"" if may_be_empty else _START
        self._buffer = bytearray()

    def take(self, data: bytes) -> bytes | None:
        """The block, with its empty line, once it is whole. Raises `NotAnAnswerError`."""
        searched = len(self._buffer)
        came: bytes | bytearray = data
        if searched:
            self._buffer += data
            came = self._buffer
        start = bytes(came[: len(self._begins)])
        if not self._begins.startswith(start):
            raise NotAnAnswerError(FailureCause.PROTOCOL, "it does not begin with HTTP/: is this the port of another protocol?")
        found = self._ending.search(came, max(0, searched - 2))
        size = len(came) if found is None else found.end()
        if size > self._bytes_max and len(start) == len(self._begins):
            raise NotAnAnswerError(FailureCause.TOO_LARGE, f"more than {self._bytes_max} bytes in a header block")
        if found is None:
            if not searched:
                self._buffer += data
            return None
        self.rest = bytes(came[size:])
        return bytes(came[:size])


def read_head(block: bytes, limits: Limits) -> Head | None:
    """What a whole head says; None for an interim answer (RFC 9110, section 15.2). Raises `NotAnAnswerError`."""
    event = _parsed(block, limits)
    if not event.http_version.startswith(_MAJOR_VERSION):
        raise NotAnAnswerError(FailureCause.PROTOCOL, "another major version of HTTP: another syntax (RFC 9110, section 2.5)")
    status = event.status_code
    if status < _FINAL_STATUS_MIN:
        return None
    length: int | None = None
    is_chunked = False
    keeps_open = event.http_version >= b"1.1"
    fields = event.headers.raw_items()
    for name, value in fields:
        lower = name.lower()
        if lower not in _FRAMING:
            continue
        if lower == b"content-length":
            length = int(value)
        elif lower == b"transfer-encoding":
            is_chunked = True  # h11 takes no other
        elif b"close" in {each.strip() for each in value.lower().split(b",")}:
            keeps_open = False
    if is_chunked and length is not None:
        raise NotAnAnswerError(FailureCause.PROTOCOL, "both Content-Length and Transfer-Encoding")
    headers = Headers(tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]))
    return Head(status, headers, length, is_chunked, keeps_open)


def check_trailer(block: bytes, limits: Limits) -> None:
    """Raise `NotAnAnswerError` where the lines are no header fields."""
    _parsed(_TRAILER_STATUS + block, limits)


def _parsed(block: bytes, limits: Limits) -> h11.Response | h11.InformationalResponse:
    fields = block.count(b"\n") - 2
    if fields > limits.headers_count_max:
        raise NotAnAnswerError(FailureCause.TOO_LARGE, f"{fields} header fields")
    if block.count(b"\r") != block.count(b"\r\n") or len(block.translate(None, _NEVER_VALID)) != len(block):
        raise NotAnAnswerError(FailureCause.PROTOCOL, "a NUL, a bare CR or other control character in the head")
    connection = h11.Connection(h11.CLIENT)
    if block.startswith(b"1", _STATUS_AT):
        connection.send(_ANY_REQUEST)
    connection.receive_data(block)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        detail = str(error).partition(":")[0]  # what follows quotes the server
    else:
        assert isinstance(event, (h11.Response, h11.InformationalResponse)), "the block is whole"
        return event
    raise NotAnAnswerError(FailureCause.PROTOCOL, detail)
