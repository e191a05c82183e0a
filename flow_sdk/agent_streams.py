"""The events of a streamed run of an agent: read out of its answer as that comes, and handed on one after another."""

from collections import deque
from collections.abc import Callable

from platform_core.agent_stream import Event, Heard
from platform_core.events import EventParser
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.routes import STREAM_AGENT
from platform_transports.contract import (
    AsyncFlow,
    AsyncTransport,
    Credentials,
    Progress,
    SyncFlow,
    SyncTransport,
    TransportError,
)
from platform_transports.flows import carrying, carrying_sync

from .pulling import AsyncPut, SyncPut


class Reading:
    """What was heard, for the operation to look at. An event may have as many bytes as an answer."""

    def __init__(self, limits: Limits) -> None:
        self.heard: Heard = Heard()
        self._limits = limits
        self._parser = EventParser(limits.response_body_bytes_max)

    def look(self) -> Heard:
        """See `Fed`."""
        return self.heard

    def begin(self, head: Response) -> None:
        """Judge an answer. Raises `TransportError` where nothing of it is taken; the operation says why."""
        self.heard = self.heard.begun(head)
        self.check()

    def events(self, piece: bytes) -> "deque[Event]":
        """Those that end within this piece; `check` follows once they were handed on."""
        found: deque[Event] = deque()
        for each in self._parser.take(piece):
            self.heard, event = self.heard.taken(each, self._parser.retry_milliseconds, self._limits)
            found.append(event)
            if self.heard.broken is not None:
                break
        if self._parser.failed is not None:
            self.heard = self.heard.failed(self._parser.failed)
        return found

    def check(self) -> None:
        """Raise `TransportError` where nothing more is taken."""
        if self.heard.broken is not None:
            raise TransportError("protocol", "maybe", detail=self.heard.broken.message)


class AsyncEvents:
    """An `AsyncSink` that hands each event on."""

    def __init__(self, reading: Reading, put: "AsyncPut[Event]") -> None:
        self._reading = reading
        self._put = put

    async def begin(self, head: Response) -> None:
        """See `AsyncSink`."""
        self._reading.begin(head)

    async def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        for event in self._reading.events(piece):
            await self._put(event)
        self._reading.check()


class SyncEvents:
    """The same in a thread."""

    def __init__(self, reading: Reading, put: "SyncPut[Event]") -> None:
        self._reading = reading
        self._put = put

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""
        self._reading.begin(head)

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        for event in self._reading.events(piece):
            self._put(event)
        self._reading.check()


class AsyncStreaming:
    """A transport whose answer to the submission alone flows: those to a cancel, say, are read whole, as ever."""

    def __init__(self, transport: AsyncTransport, flow: AsyncFlow) -> None:
        self.name: str = transport.name
        self._plain = transport
        self._flowing = carrying(transport, flow)

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        """See `AsyncTransport`."""
        transport = self._flowing if _is_streamed(request) else self._plain
        return await transport.send(request, credentials, deadline, limits, progress)

    async def aclose(self) -> None:
        """See `AsyncTransport`."""
        await self._plain.aclose()


class SyncStreaming:
    """The same for a blocking transport."""

    def __init__(self, transport: SyncTransport, flow: SyncFlow) -> None:
        self.name: str = transport.name
        self.close: Callable[[], None] = transport.close
        self._plain = transport
        self._flowing = carrying_sync(transport, flow)

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """See `SyncTransport`."""
        transport = self._flowing if _is_streamed(request) else self._plain
        return transport.send(request, credentials, deadline, limits, progress)


def _is_streamed(request: OutgoingRequest) -> bool:
    return request.method == STREAM_AGENT.method and request.url.endswith(STREAM_AGENT.template.rpartition("}")[2])
