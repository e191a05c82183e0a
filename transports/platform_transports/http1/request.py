"""A request as the bytes of HTTP/1.1, checked once more before any of them goes out (RFC 9112, section 3)."""

import re
from functools import lru_cache
from typing import NamedTuple

from platform_core.messages import OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, TransportError

_URL = re.compile(r"(https?)://([^/?#@\s]+)(/[\x21\x22\x24-\x7e]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_IN_HEAD = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)])
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


class EncodedRequest:
    """A request as bytes; no text of it shows them, since the token is among them."""

    __slots__ = ("method", "origin", "pieces")

    def __init__(self, origin: Origin, method: str, pieces: tuple[bytes, ...]) -> None:
        self.origin = origin
        self.method = method
        self.pieces = pieces


def encoded(request: OutgoingRequest, credentials: Credentials) -> EncodedRequest | TransportError:
    """The request with `Host`, the credentials' header and `Content-Length`; an error where it cannot be said in HTTP."""
    place = _place(request.url)
    content = request.body.content
    if place is None or not _TOKEN.fullmatch(request.method) or request.method == "CONNECT":
        return TransportError(FailureCause.LOCAL, "no", detail="no absolute http or https URL in ASCII, or no such method")
    origin, host, target = place
    lines = [f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\n"]
    for name, value in (*request.headers, credentials):
        if not _is_sendable(name):
            return TransportError(FailureCause.LOCAL, "no", detail="a header whose name cannot be sent")
        lines.append(f"{name}: {value}\r\n")
    if content or request.method in _METHODS_WITH_BODY:
        lines.append(f"Content-Length: {len(content)}\r\n")
    lines.append("\r\n")
    text = "".join(lines)
    # Each line has one end, ours: another one would be a header, or a request, that nobody checked.
    ends = len(lines) + 1
    head = text.encode("latin-1", "backslashreplace")  # what Latin-1 has not becomes longer by it
    if len(head) != len(text) or head.translate(None, _IN_HEAD) or text.count("\n") != ends or text.count("\r") != ends:
        return TransportError(FailureCause.LOCAL, "no", detail="a header whose value cannot be sent")
    return EncodedRequest(origin, request.method, (head + content,) if len(content) <= _JOINED_BYTES_MAX else (head, content))


def _place(url: str) -> tuple[Origin, str, str] | None:
    """The origin, the `Host` field and the target in origin-form; None for what is no absolute URL without user info and fragment."""
    found = _URL.fullmatch(url)
    placed = None if found is None else _origin(found[1].lower(), found[2])
    return None if found is None or placed is None else (*placed, found[3] or "/")


@lru_cache(maxsize=64)
def _origin(scheme: str, authority: str) -> tuple[Origin, str] | None:
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not authority.isascii():
        return None
    port = int(found[3] or _DEFAULT_PORTS[scheme])
    if not 0 < port <= _PORT_MAX:
        return None
    host = found[1] or found[2]
    bracketed = f"[{host}]" if found[1] else host
    return Origin(scheme, host.lower(), port), bracketed if port == _DEFAULT_PORTS[scheme] else f"{bracketed}:{port}"


@lru_cache(maxsize=256)
def _is_sendable(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _FRAMING
