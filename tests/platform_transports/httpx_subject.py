"""What the tests of the httpx adapters share: either transport as one that is awaited, and requests to a server of scripts."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports.raw_server import RawServer

SECRET = "s3cr3t-t0k3n"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
LONG_SECONDS = 10.0
SHORT_SECONDS = 0.15
TLS = ssl.create_default_context()
"""Made once, since that takes longer than most of these tests."""
LIBRARIES = ("httpx2", "httpx")
World: TypeAlias = Literal["async", "sync"]


@dataclass(frozen=True)
class Subject:
    """A transport under test, async or blocking, as one that is awaited."""

    transport: HttpxTransport | HttpxSyncTransport

    def now(self) -> float:
        return anyio.current_time() if isinstance(self.transport, HttpxTransport) else time.monotonic()

    async def send(
        self,
        request: OutgoingRequest,
        seconds: float = LONG_SECONDS,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
    ) -> Response:
        progress = Progress() if progress is None else progress
        deadline = self.now() + seconds
        if isinstance(self.transport, HttpxTransport):
            return await self.transport.send(request, CREDENTIALS, deadline, limits, progress)
        return await anyio.to_thread.run_sync(self.transport.send, request, CREDENTIALS, deadline, limits, progress)

    async def fails(self, request: OutgoingRequest, seconds: float = LONG_SECONDS, limits: Limits = DEFAULT_LIMITS) -> TransportError:
        progress = Progress()
        with pytest.raises(TransportError) as caught:
            await self.send(request, seconds, limits, progress)
        assert progress.sent == caught.value.sent
        return caught.value

    async def close(self) -> None:
        if isinstance(self.transport, HttpxTransport):
            await self.transport.aclose()
        else:
            await anyio.to_thread.run_sync(self.transport.close)


Make: TypeAlias = Callable[..., Subject]
"""Makes one with these options, and closes it after the test."""


def get(server: RawServer, target: str = "/api/v1/things", headers: tuple[tuple[str, str], ...] = ()) -> OutgoingRequest:
    return OutgoingRequest("GET", server.url + target, Headers(headers), Inline(b""))


def post(server: RawServer, content: bytes = b"{}") -> OutgoingRequest:
    return OutgoingRequest("POST", f"{server.url}/api/v1/things", Headers((("Content-Type", "application/json"),)), Inline(content))


def chained(error: BaseException) -> list[BaseException]:
    """The exception and all that hangs on it."""
    chain: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in chain:
            chain.append(each)
            waiting += [each.__cause__, each.__context__]
    return chain


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
