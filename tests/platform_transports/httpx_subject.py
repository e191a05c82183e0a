"""What the tests of the httpx adapters share: either transport as one that is awaited, and requests to a server of scripts."""

import socket
import ssl
from collections.abc import Callable
from typing import Literal, TypeAlias

from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports.awaited import Awaited
from tests.platform_transports.raw_server import RawServer

SHORT_SECONDS = 0.15
TLS = ssl.create_default_context()
"""Made once, since that takes longer than most of these tests."""
LIBRARIES = ("httpx2", "httpx")
World: TypeAlias = Literal["async", "sync"]


Subject: TypeAlias = Awaited[HttpxTransport | HttpxSyncTransport]
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
