"""What the tests of the native transports share: each of them as one that is awaited."""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import math
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports._leases import perform
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, Sender, request_to
from platform_transports.contract import Progress
from platform_transports.http1.pool import Pool
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport

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


class Subject(Sender[Transport]):
    """A native transport, whose slots can be counted."""

    @property
    def held(self) -> int:
        """How many slots are held."""
        return held(self.transport)


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


def answering_lookups(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], object]) -> None:
    """Let this answer, or hang, when a name is looked up; what is an address already is found as ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
        return real(host, port, family, type, proto, flags) if flags & socket.AI_NUMERICHOST else answer()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def echoed(url: str, name: str) -> OutgoingRequest:
    return request_to(url, headers=(("X-Request-ID", name),))


def blocking_send(transport: BlockingTransport, url: str, name: str) -> Response:
    """Send to an echo server, in this thread."""
    return transport.send(echoed(url, name), CREDENTIALS, time.monotonic() + LONG_SECONDS, DEFAULT_LIMITS, Progress())


def held(transport: Transport) -> int:
    """How many slots are held, but for those that were dropped."""
    return sum(pool.counts[0] for pool in _pools(transport))


def idle(transport: Transport) -> int:
    """How many connections are kept for another call."""
    return sum(pool.counts[1] for pool in _pools(transport))


def _pools(transport: Transport) -> list[Pool[Any]]:
    pools: list[Pool[Any]] = (
        [slots._pool for slots in transport._slots_of.values()] if isinstance(transport, BlockingTransport) else [transport._pool]
    )
    for pool in pools:
        perform(pool.look(-math.inf))  # when nothing has expired yet
    return pools
