"""What the async and the blocking httpx adapter share: finding the library, the request, the checks, and what failures mean."""

import importlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from platform_core.limits import Limits
from platform_core.messages import External, OutgoingRequest
from platform_core.outcomes import FailureCause

from ._connections import below_of, connect_kind
from .adapting import Refusal
from .contract import AsyncFlow, Credentials, Progress, SyncFlow, TransportError

LIBRARIES = ("httpx2", "httpx")
"""The maintained continuation first."""
_PEER_CLOSED = ("peer closed connection", "peer unexpectedly closed connection")
"""How h11 says that a body broke off."""


def load(library: str | None) -> Any:  # noqa: ANN401 -- one of two modules with the same names
    """The module to make a client with. Raises `ImportError` that names the extras where there is none."""
    if library is not None and library not in LIBRARIES:
        message = f"library must be one of {', '.join(LIBRARIES)}, not {library!r}"
        raise ValueError(message)
    wanted = LIBRARIES if library is None else (library,)
    for name in wanted:
        module = _imported(name)
        if module is not None:
            return module
    extras = " or ".join(f"platform-client[{name}]" for name in wanted)
    message = f"{' and '.join(wanted)} not installed: install {extras}"
    raise ImportError(message)


def library_of(client: object, kind: str, library: str | None) -> Any:  # noqa: ANN401 -- one of two modules with the same names
    """The module whose `kind` of client this is. Raises `TypeError` where it is none."""
    for name in LIBRARIES if library is None else (library,):
        module = sys.modules.get(name)
        if module is not None and isinstance(client, getattr(module, kind)):
            return module
    message = f"client must be a {kind} of {' or '.join(LIBRARIES)}, not {type(client).__name__}"
    raise TypeError(message)


def client_options(module: Any, limits: Limits, proxy: str | None, verify: object) -> dict[str, Any]:  # noqa: ANN401
    """How we make a client: nothing from the environment, no cookies kept, HTTP/1.1."""
    if not isinstance(verify, (bool, ssl.SSLContext)):
        message = f"verify must be a bool or an ssl.SSLContext, not {type(verify).__name__}"
        raise TypeError(message)
    if proxy is not None and urlsplit(proxy).scheme not in {"http", "https", "socks5", "socks5h"}:
        raise ValueError("proxy must be a URL with the scheme http, https, socks5 or socks5h")
    return {
        "verify": verify,
        "proxy": proxy,
        "trust_env": False,
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
        "limits": module.Limits(
            max_connections=limits.connections_max,
            max_keepalive_connections=limits.connections_max,
            keepalive_expiry=limits.idle_seconds_max,
        ),
    }


@dataclass(slots=True)
class Course:
    """How far one request has come, as the library tells by httpcore's `trace` extension.

    A transport that tells nothing is believed to have sent it from the start (`pessimistic`).
    """

    progress: Progress
    deadline: float
    connect_seconds_max: float
    pessimistic: bool
    connect_deadline: float | None = None
    """While a connection is made for it."""
    connected: bool = False
    """Whether a connection was made for it."""
    sent: bool = False
    """Whether the library said that it hands on the request."""
    answered: bool = False
    """Whether the head of the answer has come."""
    stream: Any = None
    """The connection while it is made: the library forgets to close it where the TLS handshake is cancelled."""
    failure: TransportError | None = None
    """What was found wrong while reading."""

    def begin(self) -> None:
        """The library gets the request now."""
        if self.pessimistic:
            self.progress.sent = "maybe"

    def note(self, event: str, info: Mapping[str, Any], at: float) -> None:
        """The library is about to do this, at this time."""
        match event.partition(".")[2]:
            case "connect_tcp.started" | "connect_unix_socket.started":
                self.connected = True
                if self.connect_deadline is None:
                    self.connect_deadline = at + self.connect_seconds_max
                if not self.sent:
                    self.progress.sent = "no"
            case "connect_tcp.complete" | "connect_unix_socket.complete":
                self.stream = info.get("return_value")
            # A CONNECT asks a proxy for a tunnel: it has nothing of the request.
            case "send_request_headers.started" if getattr(info.get("request"), "method", b"") != b"CONNECT":
                self.connect_deadline = None
                self.stream = None
                self.sent = True
                self.progress.sent = "maybe"
            case _:
                pass

    def refuse(self, refusal: Refusal) -> None:
        """The answer is none."""
        self.failure = self.failed(refusal.kind, refusal.detail)

    @property
    def bound(self) -> float:
        """When the request ends at the latest, as it stands now."""
        return self.deadline if self.connect_deadline is None else min(self.deadline, self.connect_deadline)

    @property
    def late(self) -> FailureCause:
        """What it is called when it has lasted to its bound."""
        connecting = self.connect_deadline is not None and self.connect_deadline < self.deadline
        return FailureCause.CONNECT_TIMEOUT if connecting else FailureCause.TIMEOUT

    def failed(self, kind: FailureCause, detail: str = "") -> TransportError:
        """No answer, whatever was sent."""
        return TransportError(kind, self.progress.sent, self.sent and not self.connected, detail)

    def never_sent(self, kind: FailureCause, detail: str) -> TransportError:
        """No answer, before anything was sent on a connection that was never there."""
        return self.failed(kind, detail) if self.sent else TransportError(kind, "no", detail=detail)

    def failed_by(self, error: Exception, httpx: Any) -> TransportError:  # noqa: ANN401 -- one of two modules with the same names
        """What an exception of the library means: its type's name is kept, never its text or itself.

        An answer that breaks off once its head has come is `read`; before that it is `disconnected`.
        """
        detail = type(error).__name__
        match error:
            case httpx.ConnectTimeout():
                return self.never_sent(self.late if self.connected else FailureCause.CONNECT_TIMEOUT, detail)
            case httpx.PoolTimeout():
                return self.never_sent(FailureCause.TIMEOUT, detail)
            case httpx.TimeoutException():
                return self.failed(FailureCause.TIMEOUT, detail)
            case httpx.ConnectError():
                return self.never_sent(connect_kind(error), detail)
            case httpx.ProxyError():
                return self.never_sent(FailureCause.CONNECT, detail)
            case httpx.WriteError():
                return self.failed(FailureCause.WRITE, detail)
            case httpx.ReadError():
                broken = self.answered or connect_kind(error) is FailureCause.TLS
                return self.failed(FailureCause.READ if broken else FailureCause.DISCONNECTED, detail)
            case httpx.RemoteProtocolError():
                return self.failed(self._protocol_kind(error), detail)
            case httpx.ProtocolError():
                return self.failed(FailureCause.PROTOCOL, detail)
            case _:
                unknown = FailureCause.LOCAL if self.progress.sent == "no" else FailureCause.PROTOCOL
                return self.failed(unknown, detail)

    def _protocol_kind(self, error: Exception) -> FailureCause:
        """What the peer did wrong: httpcore has one exception for all of it, so that its text decides."""
        if _hint(error) == 431:  # noqa: PLR2004 -- h11's hint where the head or a chunk's is over its limit
            return FailureCause.TOO_LARGE
        text = str(error)
        if text.startswith("Server disconnected"):
            return FailureCause.READ if self.answered else FailureCause.DISCONNECTED
        return FailureCause.READ if text.startswith(_PEER_CLOSED) else FailureCause.PROTOCOL


def built(
    httpx: Any,  # noqa: ANN401 -- one of two modules with the same names
    request: OutgoingRequest,
    credentials: Credentials,
    trace: object,
    timeout: Mapping[str, float | None],
    flow: AsyncFlow | SyncFlow | None,
) -> Any:  # noqa: ANN401 -- the library's request
    """The library's request with our headers, the credentials, `Host` and the framing of its body, and nothing else.

    Its target goes out byte for byte: where the library would write it otherwise, its `target` extension holds. That does not
    work through a proxy; no target that the core makes needs it.
    """
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*request.headers, credentials)]
    pieces: Callable[[], Any]
    if isinstance(request.body, External):
        assert flow is not None, "it is sayable"
        assert flow.pieces is not None, "with them"
        length, pieces = request.body.length, flow.pieces
        fields.append((b"Transfer-Encoding", b"chunked") if length is None else (b"Content-Length", str(length).encode()))
        made = httpx.Request(request.method, request.url, headers=fields, extensions={"trace": trace, "timeout": timeout})
    else:
        content, pieces = request.body.content, partial(_Once, request.body.content)
        made = httpx.Request(request.method, request.url, headers=fields, content=content, extensions={"trace": trace, "timeout": timeout})
    url = urlsplit(request.url)
    target = (f"{url.path or '/'}?{url.query}" if url.query else url.path or "/").encode("latin-1")
    if made.url.raw_path != target:
        made.extensions["target"] = target
    made.stream = _stream_kind(httpx)(pieces)
    return made


@cache
def _stream_kind(httpx: Any) -> Any:  # noqa: ANN401 -- a class of the library's
    """The body's pieces, without the library's async generator: trio warns of one that an early end leaves behind."""

    class Stream(httpx.AsyncByteStream, httpx.SyncByteStream):  # type: ignore[misc]
        def __init__(self, pieces: Callable[[], Any]) -> None:
            self._pieces = pieces

        def __iter__(self) -> Iterator[bytes]:
            return iter(self._pieces())

        def __aiter__(self) -> AsyncIterator[bytes]:
            return aiter(self._pieces())

    return Stream


class _Once:
    """Answers with one piece, in either world."""

    def __init__(self, piece: bytes) -> None:
        self._pieces = iter((piece,))

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def __aiter__(self) -> "_Once":
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def fields_of(response: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 -- the library's response
    """Its header fields, as they came."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw])


def reason_of(response: Any) -> str:  # noqa: ANN401 -- the library's response
    """Its reason phrase."""
    reason: bytes = response.extensions.get("reason_phrase", b"")
    return reason.decode("latin-1")


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:  # it is there, and broken
            raise
    return None


def _hint(error: BaseException) -> int | None:
    """h11's idea of a status for this error."""
    hint = getattr(error, "error_status_hint", None)
    if isinstance(hint, int):
        return hint
    below = below_of(error)
    return None if below is None else _hint(below)
