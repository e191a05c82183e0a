"""What the tests of the native transports share: each of them as one that is awaited, and servers for them."""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeAlias

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_transports.asyncio import AsyncioTransport
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport

SECRET = "s3cr3t-t0k3n"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
LONG_SECONDS = 10.0
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


@dataclass(frozen=True)
class Subject:
    """A transport under test, async or blocking, as one that is awaited."""

    transport: Transport

    @property
    def held(self) -> int:
        """How many slots are held."""
        if isinstance(self.transport, BlockingTransport):
            return sum(slots._pool.counts[0] for slots in self.transport._slots_of.values())
        return self.transport._pool.counts[0]

    def now(self) -> float:
        return time.monotonic() if isinstance(self.transport, BlockingTransport) else anyio.current_time()

    async def send(
        self,
        request: OutgoingRequest,
        seconds: float = LONG_SECONDS,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
    ) -> Response:
        progress = Progress() if progress is None else progress
        deadline = self.now() + seconds
        if isinstance(self.transport, BlockingTransport):
            return await anyio.to_thread.run_sync(self.transport.send, request, CREDENTIALS, deadline, limits, progress)
        return await self.transport.send(request, CREDENTIALS, deadline, limits, progress)

    async def fails(self, request: OutgoingRequest, seconds: float = LONG_SECONDS, limits: Limits = DEFAULT_LIMITS) -> TransportError:
        progress = Progress()
        with pytest.raises(TransportError) as caught:
            await self.send(request, seconds, limits, progress)
        assert progress.sent == caught.value.sent
        return caught.value

    async def close(self) -> None:
        if isinstance(self.transport, BlockingTransport):
            await anyio.to_thread.run_sync(self.transport.close)
        else:
            await self.transport.aclose()


@dataclass
class Native:
    """Makes transports of one kind, and closes them after the test."""

    kind: Kind
    made: list[Subject] = field(default_factory=list[Subject])

    def make(self, limits: Limits = DEFAULT_LIMITS, ssl_context: ssl.SSLContext | None = None) -> Subject:
        subject = Subject(TRANSPORTS[self.kind](limits, ssl_context=ssl_context))
        self.made.append(subject)
        return subject


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

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.connections: set[tuple[str, int]] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle of it."""


@contextmanager
def echo_server() -> Generator[tuple[str, set[tuple[str, int]]]]:
    """A server whose answers carry the id of their request, and the connections that it has had."""
    with _EchoServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.connections
        finally:
            server.shutdown()
            thread.join()


def echoed(url: str, name: str) -> OutgoingRequest:
    return request_to(url, headers=(("X-Request-ID", name),))


async def cancelled_at(number: int, call: Callable[[], Awaitable[object]], cancel: Callable[[], None]) -> bool:
    """Await the call, and cancel at its checkpoint of this number; whether there was one."""

    class Counting:
        met = 0

        def __await__(self) -> Generator[Any, Any, object]:
            inner = call().__await__()
            sent: Any = None
            error: BaseException | None = None
            while True:
                try:
                    trap = inner.send(sent) if error is None else inner.throw(error)
                except StopIteration as stop:
                    return stop.value
                sent = error = None
                if self.met == number:
                    cancel()
                self.met += 1
                try:
                    sent = yield trap
                except BaseException as raised:  # noqa: BLE001 -- handed on
                    error = raised

    counting = Counting()
    try:
        await counting
    finally:
        reached = counting.met > number
    return reached
