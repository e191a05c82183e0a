"""A transport under test, async or blocking, as one that is awaited: so that each check is written once."""

import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Body, External, Headers, Inline, OutgoingRequest, Response
from platform_transports.contract import (
    IDLE_SECONDS_MAX,
    AsyncFlow,
    AsyncTransport,
    BringsClock,
    BringsSyncClock,
    CarriesFlows,
    CarriesSyncFlows,
    Credentials,
    Progress,
    SyncFlow,
    SyncSink,
    SyncTransport,
    TransportError,
)
from platform_transports.flows import carrying, carrying_sync

from .ends import CheckFailedError

SECRET = "s3cr3t-t0k3n"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
TARGET = "/api/v1/things"
LONG_SECONDS = 10.0
"""A deadline that is not meant to be reached."""
SHORT_SECONDS = 0.1
"""One that is, on a machine that has time for it: see `Bench.pace`."""
T_co = TypeVar("T_co", bound=AsyncTransport | SyncTransport, covariant=True)


class Flow(NamedTuple):
    """What flows in a check, written once, as for threads: the pieces of a body of this length, and a sink, which may block."""

    pieces: Callable[[], Iterator[bytes]] | None = None
    length: int | None = None
    sink: SyncSink | None = None
    idle_seconds_max: float = IDLE_SECONDS_MAX

    def body(self, content: bytes) -> Body:
        """The body of the request: this content, unless there are pieces."""
        return Inline(content) if self.pieces is None else External(self.length, replayable=False)

    def in_threads(self) -> SyncFlow:
        """As a blocking transport takes it."""
        return SyncFlow(self.pieces, self.sink, self.idle_seconds_max)

    def in_tasks(self) -> AsyncFlow:
        """As an async transport takes it."""
        sink = None if self.sink is None else _SinkInTasks(self.sink)
        return AsyncFlow(None if self.pieces is None else self._opened, sink, self.idle_seconds_max)

    async def _opened(self) -> AsyncIterator[bytes]:
        assert self.pieces is not None, "else it is not opened"
        for piece in self.pieces():
            await anyio.lowlevel.checkpoint()
            yield piece


class _SinkInTasks:
    def __init__(self, sink: SyncSink) -> None:
        self._sink = sink

    async def begin(self, head: Response) -> None:
        self._sink.begin(head)

    async def take(self, piece: bytes) -> None:
        await anyio.to_thread.run_sync(self._sink.take, piece, abandon_on_cancel=True)


@dataclass(frozen=True)
class Sender(Generic[T_co]):
    """`transport` is what the user wrote."""

    transport: T_co

    @property
    def is_async(self) -> bool:
        """Whether it is awaited."""
        return inspect.iscoroutinefunction(self.transport.send)

    @property
    def carries_flows(self) -> bool:
        """Whether it says so."""
        return isinstance(self.transport, CarriesFlows if self.is_async else CarriesSyncFlows)

    def now(self) -> float:
        """The time in which its deadlines are."""
        transport: object = self.transport
        if isinstance(transport, (BringsClock, BringsSyncClock)):
            return transport.clock.now()
        return anyio.current_time() if self.is_async else time.monotonic()

    async def send(
        self,
        request: OutgoingRequest,
        seconds: float = LONG_SECONDS,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
        flow: Flow | None = None,
    ) -> Response:
        """Send with the credentials and the deadline in so many seconds; with a flow as the drivers do it."""
        progress = Progress() if progress is None else progress
        deadline = self.now() + seconds
        if self.is_async:
            transport = cast("AsyncTransport", self.transport)
            transport = transport if flow is None else carrying(transport, flow.in_tasks())
            return await transport.send(request, CREDENTIALS, deadline, limits, progress)
        send = self.blocking(flow).send
        # Abandoned: where a check gives up, the thread ends once the server has closed.
        return await anyio.to_thread.run_sync(send, request, CREDENTIALS, deadline, limits, progress, abandon_on_cancel=True)

    def blocking(self, flow: Flow | None = None) -> SyncTransport:
        """The blocking transport, with this flow in its sends."""
        transport = cast("SyncTransport", self.transport)
        return transport if flow is None else carrying_sync(transport, flow.in_threads())

    async def fails(self, request: OutgoingRequest, seconds: float = LONG_SECONDS, limits: Limits = DEFAULT_LIMITS) -> TransportError:
        """The error of a send that must fail."""
        progress = Progress()
        try:
            answer = await self.send(request, seconds, limits, progress)
        except TransportError as error:
            if progress.sent != error.sent:
                message = f"progress.sent is {progress.sent!r}, but the error says {error.sent!r}"
                raise CheckFailedError(message) from error
            return error
        message = f"answered with {answer!r} where no answer can be"
        raise CheckFailedError(message)

    async def close(self) -> None:
        """Close it."""
        transport: object = self.transport
        if self.is_async:
            await cast("AsyncTransport", transport).aclose()
        else:
            await anyio.to_thread.run_sync(cast("SyncTransport", transport).close)


def request_to(
    url: str,
    method: str = "GET",
    content: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    target: str = TARGET,
    flow: Flow | None = None,
) -> OutgoingRequest:
    """A request as the driver would make it."""
    return OutgoingRequest(method, url + target, Headers(headers), Inline(content) if flow is None else flow.body(content))
