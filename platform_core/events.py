"""A parser for server-sent events: bytes in, events out, by the rules of the HTML standard, section 9.2.6.

Rule 1: the events depend on the bytes alone, however they were cut. A line ends with its CR: the LF after it ends nothing more.
Rule 2: what is held is bounded. Where an event is longer than that, `failed` says so, and nothing more is taken; what came before
        it stands. It is no exception, since that would lose the events of the same bytes.
Rule 3: an event that the stream ends within is none.
"""

import re
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_LF = b"\n"
_MILLISECONDS = rb"[0-9]{1,10}"
"""The standard takes any number of digits; more than these are centuries."""


class ServerSentEvent(NamedTuple):
    """One event: `kind` is "message" where the server names none; the lines of `data` are joined by LF."""

    kind: str
    data: str
    last_id: str = ""
    """The last id that the server has given, with this event or an earlier one."""


class EventParser:
    """Give it bytes as they come, with `take`. `event_bytes_max` bounds the line and the data that are held at a time."""

    def __init__(self, event_bytes_max: int) -> None:
        self._bytes_max = event_bytes_max
        self._line = bytearray()
        self._data = bytearray()
        self._kind = b""
        self._last_id = b""
        self._is_first_line = True
        self._after_cr = False
        self.retry_milliseconds: int | None = None
        """How long the server wants whoever connects anew to wait."""
        self.failed: str | None = None
        """Why nothing is taken any more."""

    def take(self, data: bytes) -> list[ServerSentEvent]:
        """The events that end within these bytes."""
        events: list[ServerSentEvent] = []
        if self.failed is not None or not data:
            return events
        at = 1 if self._after_cr and data.startswith(_LF) else 0
        self._after_cr = data.endswith(b"\r")
        for end in _LINE_END.finditer(data, at):
            self._line += data[at : end.start()]
            at = end.end()
            if self._is_too_long():
                return events
            event = self._end_line()
            if event is not None:
                events.append(event)
        self._line += data[at:]
        self._is_too_long()
        return events

    def _is_too_long(self) -> bool:
        if len(self._line) + len(self._data) <= self._bytes_max:
            return False
        self.failed = f"an event of more than {self._bytes_max} bytes"
        self._line.clear()
        self._data.clear()
        return True

    def _end_line(self) -> ServerSentEvent | None:
        line = bytes(self._line)
        self._line.clear()
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatched()
        name, _, value = line.partition(b":")  # a comment is a field without a name
        self._take_field(name, value.removeprefix(b" "))
        return None

    def _take_field(self, name: bytes, value: bytes) -> None:
        match name:
            case b"data":
                self._data += value + _LF
            case b"event":
                self._kind = value
            case b"id" if b"\0" not in value:
                self._last_id = value
            case b"retry" if re.fullmatch(_MILLISECONDS, value):
                self.retry_milliseconds = int(value)
            case _:
                pass  # the standard: any other field is ignored

    def _dispatched(self) -> ServerSentEvent | None:
        """The event that an empty line ends; None where it has no data."""
        kind, data = _text(self._kind) or "message", bytes(self._data)
        self._kind = b""
        self._data.clear()
        return ServerSentEvent(kind, _text(data.removesuffix(_LF)), _text(self._last_id)) if data else None


def _text(value: bytes) -> str:
    """What is no UTF-8 is replaced, as the standard decodes. Cutting bytes first is the same: no longer sequence has a CR, LF or colon."""
    return value.decode("utf-8", "replace")
