"""The native transport on trio: its happy eyeballs, its cancel scopes, its waiting; the sockets are as in the blocking one."""

import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar, assert_never, cast

import trio

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response

from ._leases import discard, ended, perform, release
from ._native_common import checked_context, connect_error, connect_late, context_for, same_loop
from ._sockets import Begin, FlowSteps, Next, Steps, Stream, Take, Wait, exchange, exchange_flowing, handshake, is_quiet, wrapped
from .closing import AsyncClosing
from .contract import AsyncFlow, Credentials, Progress, TransportError
from .http1.pool import Lease, Pool
from .http1.request import Origin, encoded

T = TypeVar("T")


class TrioTransport(AsyncClosing):
    """An `AsyncTransport` for trio. Deadlines are in the time of `trio.current_time`.

    `limits` bounds its connections; `ssl_context` is used as it is, and may hold a client's certificate.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = checked_context(ssl_context)
        self._pool: Pool[Stream] = Pool(limits.connections_max, limits.idle_seconds_max)
        self._scopes: set[trio.CancelScope] = set()
        self._loop: trio.lowlevel.TrioToken | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """See `AsyncTransport`."""
        return "native-trio"

    @property
    def carries_flows(self) -> Literal[True]:
        """See `CarriesFlows`."""
        return True

    async def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: AsyncFlow | None = None,
    ) -> Response:
        """See `CarriesFlows`."""
        made = encoded(request, credentials, flow)
        if isinstance(made, TransportError):
            raise made
        self._loop = same_loop(self._loop, trio.lowlevel.current_trio_token())
        now = trio.current_time()
        if self._closed or now >= deadline:
            raise ended(None, progress, closed=self._closed)
        lease, changes = self._pool.acquire(made.origin, now)
        answer: Response | TransportError | None = None
        try:
            perform(changes)
            with trio.CancelScope(deadline=deadline) as scope:
                self._scopes.add(scope)
                try:
                    stream = await self._connected(lease, made.origin, deadline, limits)
                    if isinstance(stream, TransportError):
                        answer = stream
                    elif flow is None:
                        answer = await _drive(exchange(stream, made, limits, progress), stream)
                    else:
                        answer = await _let_flow(
                            exchange_flowing(stream, made, limits, progress, sinks=flow.sink is not None), stream, scope, flow
                        )
                finally:
                    self._scopes.discard(scope)
            if answer is None:
                answer = ended(lease, progress, closed=self._closed)
        finally:
            perform(release(self._pool, lease, trio.current_time()))
        if not isinstance(answer, Response):
            assert answer is not None, "else something was raised"
            raise answer
        return answer

    async def aclose(self) -> None:
        """Close every connection; calls under way end with kind `closed`."""
        if not self._closed:
            same_loop(self._loop, trio.lowlevel.current_trio_token())
        self._closed = True
        for scope in tuple(self._scopes):
            scope.cancel()
        for stream in self._pool.close().idle:
            stream.close()
        await trio.lowlevel.checkpoint()

    async def _connected(self, lease: Lease[Stream], origin: Origin, deadline: float, limits: Limits) -> Stream | TransportError:
        """The connection of this lease, once it is granted; or why there is none."""
        await trio.lowlevel.checkpoint_if_cancelled()  # an idle connection would be written to before anything is awaited
        if not lease.granted:
            granted = trio.Event()
            lease.wake = granted.set
            await granted.wait()
        if lease.connection is not None and not is_quiet(lease.connection):
            discard(self._pool, lease)
        if lease.connection is None:
            failure = await self._connect(lease, origin, deadline, limits)
            if failure is not None:
                return failure
        stream = lease.connection
        assert stream is not None, "it was connected"
        return stream

    async def _connect(self, lease: Lease[Stream], origin: Origin, deadline: float, limits: Limits) -> TransportError | None:
        """Connect for this lease; answers with why there is no connection."""
        until = min(deadline, trio.current_time() + limits.connect_seconds_max)
        error: Exception | None = None
        with trio.CancelScope(deadline=until) as scope:
            try:
                opened = await trio.open_tcp_stream(origin.host, origin.port)
                stream = Stream(socket.socket(fileno=opened.socket.detach()))
                self._pool.attach(lease, stream)
                error = await self._secure(stream, origin)
            except (OSError, ValueError) as failure:
                error = failure
        if scope.cancelled_caught:
            return connect_late(origin, until, deadline)
        return None if error is None else connect_error(error, origin)

    async def _secure(self, stream: Stream, origin: Origin) -> Exception | None:
        context = context_for(origin, self._ssl_context)
        if context is None:
            return None
        secure = stream.sock = wrapped(stream.sock, context, origin.host)
        return await _drive(handshake(secure), stream)


async def _drive(steps: Steps[T], stream: Stream) -> T:
    """Do the steps and wait between them."""
    try:
        while True:
            await _ready(stream.sock, next(steps))
    except StopIteration as stop:
        return cast("T", stop.value)


async def _let_flow(steps: FlowSteps, stream: Stream, scope: trio.CancelScope, flow: AsyncFlow) -> Response | TransportError:
    """Do the steps, wait between them and call the caller's code. The scope ends all of it, and earlier what waits for the network."""
    pieces = None if flow.pieces is None else flow.pieces()
    sink, piece, deadline = flow.sink, None, scope.deadline
    while True:
        try:
            step = steps.send(piece)
        except StopIteration as stop:
            return cast("Response | TransportError", stop.value)
        match step:
            case Wait():
                scope.deadline = min(deadline, trio.current_time() + flow.idle_seconds_max)
                await _ready(stream.sock, step)
                scope.deadline = deadline
            case Next():
                await trio.lowlevel.checkpoint()  # neither a socket that takes all at once nor theirs needs to have one
                piece = b"" if pieces is None else await anext(pieces, b"")
            case Begin(head):
                assert sink is not None, "only a sink is told"
                await sink.begin(head)
            case Take(came):
                assert sink is not None, "only a sink is told"
                await sink.take(came)
            case _:
                assert_never(step)


async def _ready(sock: socket.socket, wait: Wait) -> None:
    match wait:
        case Wait.READ:
            await trio.lowlevel.wait_readable(sock)
        case Wait.WRITE:
            await trio.lowlevel.wait_writable(sock)
        case Wait.EITHER:
            async with trio.open_nursery() as nursery:
                for each in (trio.lowlevel.wait_readable, trio.lowlevel.wait_writable):
                    nursery.start_soon(_first, each, sock, nursery.cancel_scope)


async def _first(wait: Callable[[socket.socket], Awaitable[None]], sock: socket.socket, scope: trio.CancelScope) -> None:
    await wait(sock)
    scope.cancel()
