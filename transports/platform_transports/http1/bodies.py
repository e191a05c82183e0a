"""The bodies of answers, as their framing says where they end (RFC 9112, section 6.3): by length, by chunks, by the close.

Each takes bytes as they come and keeps no more of them than the limits allow; its verdict depends on the bytes alone, never on
how they were cut, and its work grows with their number alone. h11 bounds a line of a chunked body only where the network cuts
it (h11 #182), and reads a long one in quadratic time: that is why it is given the fields of a trailer, but no chunks.
"""

import re
from typing import Protocol

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause

from .heads import FieldBlock, NotAnAnswerError, check_trailer

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;[^\n]*|[ \t]*)\r\n")
_CHUNK_LINE_BYTES_FREE = 24
"""A line as long as this has no extension to speak of; what is beyond counts as one."""
_CRLF = b"\r\n"


class Body(Protocol):
    """A body that is being read."""

    def take(self, data: bytes) -> bytes | None:
        """Take these bytes; None where the body goes on, else what came after its end. Raises `NotAnAnswerError`."""
        ...

    def end(self) -> None:
        """The server has sent its last byte. Raises `NotAnAnswerError` where the body had not ended."""
        ...

    def content(self) -> bytes:
        """What has come of it since this was asked last."""
        ...


class _Content:
    """The bytes of a body, counted."""

    def __init__(self, limits: Limits) -> None:
        self._bytes_max = limits.response_body_bytes_max
        self._bytes = bytearray()  # a list of pieces would take twenty times the memory where each holds two bytes
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._bytes_max:
            raise NotAnAnswerError(FailureCause.TOO_LARGE, f"more than {self._bytes_max} body bytes")
        self._bytes += piece

    def joined(self) -> bytes:
        joined = bytes(self._bytes)
        self._bytes.clear()
        return joined


class LengthBody:
    """As many bytes as `Content-Length` says. Nothing is set aside for bytes that were only announced."""

    def __init__(self, length: int, limits: Limits) -> None:
        self._length = length
        self._content = _Content(limits)

    def take(self, data: bytes) -> bytes | None:
        """See `Body`."""
        missing = self._length - self._content.size
        if len(data) < missing:
            self._content.add(data)
            return None
        self._content.add(data[:missing])
        return data[missing:]

    def end(self) -> None:
        """See `Body`."""
        raise NotAnAnswerError(FailureCause.READ, f"{self._content.size} body bytes of {self._length}")

    def content(self) -> bytes:
        """See `Body`."""
        return self._content.joined()


class ClosedBody:
    """All bytes until the server closes."""

    def __init__(self, limits: Limits) -> None:
        self._content = _Content(limits)

    def take(self, data: bytes) -> bytes | None:
        """See `Body`."""
        self._content.add(data)
        return None

    def end(self) -> None:
        """See `Body`."""

    def content(self) -> bytes:
        """See `Body`."""
        return self._content.joined()


class ChunkedBody:
    """Chunks up to an empty one and a trailer (RFC 9112, section 7.1), both ignored but for their bounds and grammar.

    All extensions together, and the trailer, are at most as long as the header block may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._content = _Content(limits)
        self._extension_bytes_left = limits.header_bytes_max
        self._line = bytearray()
        self._missing = 0
        self._after_chunk = 0
        self._trailer: FieldBlock | None = None
        self._limits = limits

    def take(self, data: bytes) -> bytes | None:
        """See `Body`."""
        at, end = 0, len(data)
        while at < end and self._trailer is None:
            if self._missing:
                piece = data[at : at + self._missing]
                self._content.add(piece)
                self._missing -= len(piece)
                at += len(piece)
            elif self._after_chunk:
                if data[at] != _CRLF[-self._after_chunk]:
                    raise NotAnAnswerError(FailureCause.PROTOCOL, "a chunk is longer than it says")
                self._after_chunk -= 1
                at += 1
            else:
                at = self._read_line(data, at)
        if self._trailer is None or (block := self._trailer.take(data[at:])) is None:
            return None
        check_trailer(block, self._limits)
        return self._trailer.rest

    def end(self) -> None:
        """See `Body`."""
        raise NotAnAnswerError(FailureCause.READ, f"no last chunk after {self._content.size} body bytes")

    def content(self) -> bytes:
        """See `Body`."""
        return self._content.joined()

    def _read_line(self, data: bytes, at: int) -> int:
        """Read on in the line of a chunk's size; answers where the next byte stands."""
        bytes_max = _CHUNK_LINE_BYTES_FREE + self._extension_bytes_left
        after = data.find(b"\n", at) + 1
        self._line += data[at : after or len(data)]
        size = len(self._line)
        if size > bytes_max:
            raise NotAnAnswerError(FailureCause.TOO_LARGE, "chunk extensions are longer than a header block may be")
        if not after:
            return len(data)
        found = _CHUNK_LINE.fullmatch(self._line)
        if found is None:
            raise NotAnAnswerError(FailureCause.PROTOCOL, "a chunk without a valid size")
        self._extension_bytes_left -= max(0, size - _CHUNK_LINE_BYTES_FREE)
        self._missing = int(found[1], 16)
        self._line.clear()
        self._after_chunk = len(_CRLF)
        if not self._missing:
            self._trailer = FieldBlock(self._limits.header_bytes_max, may_be_empty=True)
        return after
