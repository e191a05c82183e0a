"""A request as the bytes of HTTP/1.1, checked once more before any of them goes out (RFC 9112, section 3)."""

import re
from functools import lru_cache
from typing import NamedTuple

from platform_core.messages import External, OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.contract import AsyncFlow, Credentials, SyncFlow, TransportError

_ORIGIN = re.compile(r"(https?)://(?:\[([0-9A-Fa-f:.]+)\]|([^/?#@:\[\]\s]+))(?::([0-9]{1,5}))?", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_IN_LINE = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"})
"""They are ours alone to say, or nothing that this client can keep."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORT_MAX = 65_535
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""An empty body of these has its length said (RFC 9110, section 8.6)."""
_JOINED_BYTES_MAX = 64 * 1024
"""A body up to here goes out in one piece with its head; a longer one is not copied for that."""


class Origin(NamedTuple):
    """Where a connection leads to. A connection serves one of them."""

    scheme: str
    host: str
    port: int


class Flowing:
    """A body that follows its head piece by piece, framed by its length, else in chunks (RFC 9112, sections 6.2 and 7.1)."""

    __slots__ = ("_left", "is_over")

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.is_over: bool = length == 0
        """Whether no piece is missing: where the length says so nobody need be asked, and the answer may come that soon."""

    def framed(self, piece: bytes) -> bytes:
        """A piece as it goes out; an empty one says that there are no more."""
        if self._left is not None:
            self._left -= len(piece)
            self.is_over = not piece or self._left <= 0
            return piece
        self.is_over = not piece
        # Copied, since a second write costs more than a copy of what one reads at a time.
        return b"%x\r\n%b\r\n" % (len(piece), piece)


class EncodedRequest:
    """A request as bytes, or its head, where its body is `flowing`; no text of it shows them, since the token is among them."""

    __slots__ = ("flowing", "method", "origin", "pieces")

    def __init__(self, origin: Origin, method: str, pieces: tuple[bytes, ...], flowing: Flowing | None = None) -> None:
        self.origin: Origin = origin
        self.method: str = method
        self.pieces: tuple[bytes, ...] = pieces
        self.flowing: Flowing | None = flowing


def encoded(
    request: OutgoingRequest, credentials: Credentials, flow: AsyncFlow | SyncFlow | None = None
) -> EncodedRequest | TransportError:
    """The request with `Host`, the credentials' header and its body's framing; an error where it cannot be said in HTTP.

    Raises `TypeError` where its body is external and no flow has the pieces of it.
    """
    place = _place(request.url)
    flowing: Flowing | None = None
    if flow is not None and flow.pieces is not None and isinstance(request.body, External):
        content, length = b"", request.body.length
        flowing = Flowing(length)
    else:
        content = request.body.content
        length = len(content)
    if place is None or not _is_method(request.method):
        return TransportError(FailureCause.LOCAL, "no", detail="no absolute http or https URL in ASCII, or no such method")
    origin, host, target = place
    fields = (*request.headers.fields, credentials)
    if not _are_sendable(tuple([name for name, _ in fields])):
        return TransportError(FailureCause.LOCAL, "no", detail="a header whose name cannot be sent")
    lines = [f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\n", *[f"{name}: {value}\r\n" for name, value in fields]]
    if length is None:
        lines.append("Transfer-Encoding: chunked\r\n")
    elif length or request.method in _METHODS_WITH_BODY:
        lines.append(f"Content-Length: {length}\r\n")
    lines.append("\r\n")
    text = "".join(lines)
    head = text.encode("latin-1", "backslashreplace")  # what Latin-1 has not becomes longer by it
    # Each line has one end, ours: another one would be a header, or a request, that nobody checked.
    if len(head) != len(text) or head.translate(None, _IN_LINE) != b"\r\n" * (len(lines) + 1):
        return TransportError(FailureCause.LOCAL, "no", detail="a header whose value cannot be sent")
    return EncodedRequest(origin, request.method, (head + content,) if len(content) <= _JOINED_BYTES_MAX else (head, content), flowing)


def _place(url: str) -> tuple[Origin, str, str] | None:
    """The origin, the `Host` field and the target in origin-form; None for what is no absolute URL without user info and fragment."""
    scheme, separator, after = url.partition("://")
    authority, _, path = after.partition("/")
    placed, target = _origin(scheme + separator + authority), f"/{path}"
    # What ASCII can print, but for the space and what begins a fragment.
    if placed is None or not (target.isascii() and target.isprintable()) or " " in target or "#" in target:
        return None
    return *placed, target


# A client has one origin, few methods, and the same header names from call to call: each is looked at once. Values are in no cache.
@lru_cache(maxsize=64)
def _origin(text: str) -> tuple[Origin, str] | None:
    found = _ORIGIN.fullmatch(text)
    if found is None or not text.isascii():
        return None
    scheme = found[1].lower()
    port = int(found[4] or _DEFAULT_PORTS[scheme])
    if not 0 < port <= _PORT_MAX:
        return None
    host = found[2] or found[3]
    bracketed = f"[{host}]" if found[2] else host
    return Origin(scheme, host.lower(), port), bracketed if port == _DEFAULT_PORTS[scheme] else f"{bracketed}:{port}"


@lru_cache(maxsize=64)
def _is_method(method: str) -> bool:
    return _TOKEN.fullmatch(method) is not None and method != "CONNECT"


@lru_cache(maxsize=256)
def _are_sendable(names: tuple[str, ...]) -> bool:
    return all(_TOKEN.fullmatch(name) and name.lower() not in _FRAMING for name in names)
