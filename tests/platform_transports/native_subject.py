"""What the tests of the native transports share: each of them as one that is awaited, and servers for them."""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeAlias

import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_transports.asyncio import AsyncioTransport
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport
from tests.platform_transports.awaited import Awaited

SHORT_SECONDS = 0.1
Kind: TypeAlias = Literal["asyncio", "uvloop", "trio", "sync"]
BACKENDS: dict[Kind, Any] = {"asyncio": "asyncio", "uvloop": ("asyncio", {"use_uvloop": True}), "trio": "trio", "sync": "asyncio"}
Transport: TypeAlias = AsyncioTransport | TrioTransport | BlockingTransport
TRANSPORTS: dict[Kind, type[Transport]] = {
    "asyncio": AsyncioTransport,
    "uvloop": AsyncioTransport,
    "trio": TrioTransport,
    "sync": BlockingTransport,
}


class Subject(Awaited[Transport]):
    """A native transport, whose slots can be counted."""

    @property
    def held(self) -> int:
        """How many slots are held."""
        if isinstance(self.transport, BlockingTransport):
            return sum(slots._pool.counts[0] for slots in self.transport._slots_of.values())
        return self.transport._pool.counts[0]


@dataclass
class Native:
    """Makes transports of one kind, and closes them after the test."""

    kind: Kind
    made: list[Subject] = field(default_factory=list[Subject])

    def make(self, limits: Limits = DEFAULT_LIMITS, ssl_context: ssl.SSLContext | None = None) -> Subject:
        subject = Subject(TRANSPORTS[self.kind](limits, ssl_context=ssl_context))
        self.made.append(subject)
        return subject


@asynccontextmanager
async def natives(kind: Kind) -> AsyncGenerator[Native]:
    """Transports of this kind, for one test, after which no slot may be held."""
    native = Native(kind)
    yield native
    for subject in native.made:
        assert subject.held == 0
        await subject.close()


def request_to(url: str, method: str = "GET", content: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> OutgoingRequest:
    return OutgoingRequest(method, f"{url}/api/v1/things", Headers(headers), Inline(content))


def answering_lookups(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], object]) -> None:
    """Let this answer, or hang, when a name is looked up; what is an address already is found as ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
        return real(host, port, family, type, proto, flags) if flags & socket.AI_NUMERICHOST else answer()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def do_GET(self) -> None:
        assert isinstance(self.server, _EchoServer)
        self.server.connections.add(self.client_address)
        body = self.headers["X-Request-ID"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as its base names it
        pass


class _EchoServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self._tls = tls
        self.connections: set[tuple[str, int]] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the connection."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle of it."""


@contextmanager
def echo_server(tls: ssl.SSLContext | None = None) -> Generator[tuple[str, set[tuple[str, int]]]]:
    """A server whose answers carry the id of their request, and the connections that it has had."""
    with _EchoServer(tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}", server.connections
        finally:
            server.shutdown()
            thread.join()


def echoed(url: str, name: str) -> OutgoingRequest:
    return request_to(url, headers=(("X-Request-ID", name),))


class Checkpoints:
    """Awaits the call and counts its checkpoints; at those of these numbers, counted from 0, something happens: a cancel, say."""

    def __init__(self, call: Callable[[], Awaitable[object]], happenings: Mapping[int, Callable[[], object]]) -> None:
        self._call = call
        self._happenings = happenings
        self.met = 0

    def __await__(self) -> Generator[Any, Any, object]:
        inner = self._call().__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                trap = inner.send(sent) if error is None else inner.throw(error)
            except StopIteration as stop:
                return stop.value
            sent = error = None
            happening = self._happenings.get(self.met)
            if happening is not None:
                happening()
            self.met += 1
            try:
                sent = yield trap
            except BaseException as raised:  # noqa: BLE001 -- handed on
                error = raised
