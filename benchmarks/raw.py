"""The floor: a socket, the bytes of one request, an answer cut where its length says, a deadline; no pool to speak of, no errors."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from benchmarks.json_server import EXECUTION_ID
from platform_core.strict_json import strict_json

_SECONDS_MAX = 300.0
_BYTES = 64 * 1024
_REQUEST = (
    f"GET /api/v1/executions/{EXECUTION_ID} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer token\r\nAccept: application/json\r\n\r\n"
).encode()


def _value(answer: bytes) -> object | None:
    """The JSON of a whole answer; None while it is not whole."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or len(body) < int(head[head.index(b"Content-Length: ") + 16 :].partition(b"\r\n")[0]):
        return None
    return cast("object", strict_json(body, 64))


class _Protocol(asyncio.BufferedProtocol):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer = memoryview(bytearray(_BYTES))
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._came += self._buffer[:nbytes]
        value = _value(self._came)
        if value is not None:
            self._answer.set_result(value)

    async def exchange(self) -> object:
        self._came = b""
        self._answer: asyncio.Future[object] = self._loop.create_future()
        timer = self._loop.call_later(_SECONDS_MAX, self._answer.cancel)
        try:
            self.transport.write(_REQUEST)
            return await self._answer
        finally:
            timer.cancel()


@asynccontextmanager
async def on_asyncio(url: str, at_a_time: int) -> AsyncGenerator[Callable[[], Coroutine[Any, Any, object]]]:
    """A protocol on the transports of asyncio, or of uvloop."""
    loop = asyncio.get_running_loop()
    host, port = _address(url)
    idle = [(await loop.create_connection(lambda: _Protocol(loop), host, port))[1] for _ in range(at_a_time)]

    async def call() -> object:
        protocol = idle.pop()
        try:
            return await protocol.exchange()
        finally:
            idle.append(protocol)

    yield call
    for protocol in idle:
        protocol.transport.close()


@asynccontextmanager
async def on_trio(url: str, at_a_time: int) -> AsyncGenerator[Callable[[], Coroutine[Any, Any, object]]]:
    """A socket that never blocks, and trio's waiting for it."""
    import trio  # noqa: PLC0415 -- who measures asyncio does not pay for it

    idle = [_connected(url) for _ in range(at_a_time)]
    for sock in idle:
        sock.settimeout(0.0)

    async def call() -> object:
        sock = idle.pop()
        came = b""
        value: object | None = None
        with trio.CancelScope(deadline=trio.current_time() + _SECONDS_MAX):
            sock.send(_REQUEST)
            while value is None:
                await trio.lowlevel.wait_readable(sock)
                came += sock.recv(_BYTES)
                value = _value(came)
        idle.append(sock)
        return value

    yield call
    for sock in idle:
        sock.close()


@contextmanager
def in_threads(url: str, at_a_time: int) -> Generator[Callable[[], object]]:
    """A blocking socket for each thread; its timeout is for each read."""
    mine = threading.local()
    opened: list[socket.socket] = []

    def call() -> object:
        sock = getattr(mine, "sock", None)
        if sock is None:
            sock = mine.sock = _connected(url)
            opened.append(sock)
        sock.sendall(_REQUEST)
        came = b""
        value: object | None = None
        while value is None:
            came += sock.recv(_BYTES)
            value = _value(came)
        return value

    yield call
    for sock in opened:
        sock.close()


def _connected(url: str) -> socket.socket:
    sock = socket.create_connection(_address(url), timeout=_SECONDS_MAX)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None, "our own server has one"
    assert parts.port is not None, "and this too"
    return parts.hostname, parts.port
