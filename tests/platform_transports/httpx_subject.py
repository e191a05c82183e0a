"""What the tests of the httpx adapters share: either transport as one that is awaited, and requests to a server of scripts."""

import ssl
from collections.abc import Callable
from typing import Literal, TypeAlias

from platform_core.messages import OutgoingRequest
from platform_transports.conformance.sender import Sender, request_to
from platform_transports.conformance.server import RawServer
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport

SHORT_SECONDS = 0.15
TLS = ssl.create_default_context()
"""Made once, since that takes longer than most of these tests."""
LIBRARIES = ("httpx2", "httpx")
World: TypeAlias = Literal["async", "sync"]
Subject: TypeAlias = Sender[HttpxTransport | HttpxSyncTransport]
Make: TypeAlias = Callable[..., Subject]
"""Makes one with these options, and closes it after the test."""


def get(server: RawServer, target: str = "/api/v1/things", headers: tuple[tuple[str, str], ...] = ()) -> OutgoingRequest:
    return request_to(server.url, headers=headers, target=target)


def post(server: RawServer, content: bytes = b"{}") -> OutgoingRequest:
    return request_to(server.url, "POST", content, (("Content-Type", "application/json"),))


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
