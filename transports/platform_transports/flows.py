"""What a driver puts around a flow: the bytes are counted against the length, and what the caller's own code raises is kept apart.

So no transport can send a request that is longer or shorter than it says, and no library can turn the caller's exception into one of
its own. A sending opens the pieces anew and closes what it opened.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

from platform_core.checks import checked_seconds
from platform_core.limits import Limits
from platform_core.messages import External, OutgoingRequest, Response

from .contract import (
    AsyncFlow,
    AsyncSink,
    AsyncTransport,
    CarriesFlows,
    CarriesSyncFlows,
    Credentials,
    Progress,
    SyncFlow,
    SyncSink,
    SyncTransport,
)


def carrying(transport: AsyncTransport, flow: AsyncFlow) -> AsyncTransport:
    """The transport with this flow in each of its sends. Raises `TypeError` where it carries none."""
    checked_seconds(flow.idle_seconds_max, "flow.idle_seconds_max")
    if not isinstance(transport, CarriesFlows):
        raise _cannot_carry(transport)
    return _Carrying(transport, transport, flow)


def carrying_sync(transport: SyncTransport, flow: SyncFlow) -> SyncTransport:
    """The same for a blocking transport."""
    checked_seconds(flow.idle_seconds_max, "flow.idle_seconds_max")
    if not isinstance(transport, CarriesSyncFlows):
        raise _cannot_carry(transport)
    return _SyncCarrying(transport, transport, flow)


class _Carrying:
    """See `carrying`."""

    def __init__(self, transport: AsyncTransport, carrier: CarriesFlows, flow: AsyncFlow) -> None:
        self.name = transport.name
        self.aclose = transport.aclose
        self._carrier = carrier
        self._flow = flow

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        """See `AsyncTransport`; raises what the caller's code raised."""
        flow, theirs = self._flow, _Theirs()
        pieces = _Pieces(flow, request.body, theirs) if isinstance(request.body, External) else None
        sink = None if flow.sink is None else _Sink(flow.sink, theirs)
        answer: Response | Exception
        try:
            guarded = AsyncFlow(None if pieces is None else pieces.__aiter__, sink, flow.idle_seconds_max)
            answer = await self._carrier.send(request, credentials, deadline, limits, progress, guarded)
        except Exception as error:  # noqa: BLE001 -- it is raised below, outside of `except`, so that nothing of a library hangs on theirs
            answer = error
        finally:
            if pieces is not None:
                await pieces.aclose()
        if theirs.error is not None:
            raise theirs.error
        if isinstance(answer, Exception):
            raise answer
        return answer


class _SyncCarrying:
    """See `carrying_sync`."""

    def __init__(self, transport: SyncTransport, carrier: CarriesSyncFlows, flow: SyncFlow) -> None:
        self.name = transport.name
        self.close = transport.close
        self._carrier = carrier
        self._flow = flow

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """See `SyncTransport`; raises what the caller's code raised."""
        flow, theirs = self._flow, _Theirs()
        pieces = _SyncPieces(flow, request.body, theirs) if isinstance(request.body, External) else None
        sink = None if flow.sink is None else _SyncSink(flow.sink, theirs)
        answer: Response | Exception
        try:
            guarded = SyncFlow(None if pieces is None else pieces.__iter__, sink, flow.idle_seconds_max)
            answer = self._carrier.send(request, credentials, deadline, limits, progress, guarded)
        except Exception as error:  # noqa: BLE001 -- as above
            answer = error
        finally:
            if pieces is not None:
                pieces.close()
        if theirs.error is not None:
            raise theirs.error
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Theirs:
    """What the caller's code has raised. A cancellation, or another interrupt, that passes through it is not its own."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> None:
        """Inside it the caller's code runs."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, Exception):
            self.error = error


class _Count:
    """The bytes of a body, counted against its length."""

    __slots__ = ("_bytes", "_length")

    def __init__(self, length: int | None) -> None:
        self._length = length
        self._bytes = 0

    def add(self, piece: object) -> bytes:
        """One more piece. Raises `ValueError` where it is one too many."""
        if not isinstance(piece, bytes):
            message = f"content must yield bytes, not {type(piece).__name__}"
            raise TypeError(message)
        self._bytes += len(piece)
        if self._length is not None and self._bytes > self._length:
            message = f"content has more bytes than its length, {self._length}"
            raise ValueError(message)
        return piece

    def end(self) -> None:
        """There are no more. Raises `ValueError` where some are missing."""
        if self._length is not None and self._bytes < self._length:
            message = f"content ended after {self._bytes} bytes, and its length is {self._length}"
            raise ValueError(message)

    @property
    def is_full(self) -> bool:
        """Whether the length is reached: the piece that reached it is kept back until the content has ended too."""
        return self._bytes == self._length


class _Pieces:
    """The pieces of one sending in tasks. Raises `TypeError` where nobody has any for this body."""

    def __init__(self, flow: AsyncFlow, body: External, theirs: _Theirs) -> None:
        if flow.pieces is None:
            raise _no_pieces()
        self._open = flow.pieces
        self._opened: AsyncIterator[bytes] | None = None
        self._count = _Count(body.length)
        self._theirs = theirs

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        with self._theirs:
            piece = await self._next()
            if piece and self._count.is_full:
                await self._next()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Close what was opened."""
        opened, self._opened = self._opened, None
        if isinstance(opened, AsyncGenerator):
            await opened.aclose()

    async def _next(self) -> bytes:
        """The next piece that has anything in it, or an empty one at the end."""
        if self._opened is None:
            self._opened = aiter(self._open())
        async for piece in self._opened:
            if self._count.add(piece):
                return piece
        self._count.end()
        return b""


class _SyncPieces:
    """The pieces of one sending in a thread. Raises `TypeError` where nobody has any for this body."""

    def __init__(self, flow: SyncFlow, body: External, theirs: _Theirs) -> None:
        if flow.pieces is None:
            raise _no_pieces()
        self._open = flow.pieces
        self._opened: Iterator[bytes] | None = None
        self._count = _Count(body.length)
        self._theirs = theirs

    def __iter__(self) -> "_SyncPieces":
        return self

    def __next__(self) -> bytes:
        with self._theirs:
            piece = self._next()
            if piece and self._count.is_full:
                self._next()
        if not piece:
            raise StopIteration
        return piece

    def close(self) -> None:
        """Close what was opened."""
        opened, self._opened = self._opened, None
        if isinstance(opened, Generator):
            opened.close()

    def _next(self) -> bytes:
        """The next piece that has anything in it, or an empty one at the end."""
        if self._opened is None:
            self._opened = iter(self._open())
        for piece in self._opened:
            if self._count.add(piece):
                return piece
        self._count.end()
        return b""


class _Sink:
    """The caller's sink, in tasks."""

    def __init__(self, sink: AsyncSink, theirs: _Theirs) -> None:
        self._sink = sink
        self._theirs = theirs

    async def begin(self, head: Response) -> None:
        """See `AsyncSink`."""
        with self._theirs:
            await self._sink.begin(head)

    async def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        with self._theirs:
            await self._sink.take(piece)


class _SyncSink:
    """The caller's sink, in a thread."""

    def __init__(self, sink: SyncSink, theirs: _Theirs) -> None:
        self._sink = sink
        self._theirs = theirs

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""
        with self._theirs:
            self._sink.begin(head)

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        with self._theirs:
            self._sink.take(piece)


def _cannot_carry(transport: AsyncTransport | SyncTransport) -> TypeError:
    return TypeError(f"the transport {transport.name} carries no bodies piece by piece: hand in a native one, or one over httpx")


def _no_pieces() -> TypeError:
    return TypeError("the request names a body that is not in it, and flow.pieces is None")
