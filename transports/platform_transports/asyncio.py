"""The native transport on asyncio: a buffered protocol on the loop's own transports, whatever loop it is."""

import asyncio
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Literal

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause

from ._asyncio_protocol import AnswerProtocol, connected, settle
from ._connections import CLOSE_SECONDS_MAX
from ._leases import discard, ended, perform, release, wake
from ._native_common import checked_context, connect_error, connect_late, context_for, same_loop
from .closing import AsyncClosing
from .contract import AsyncFlow, Credentials, Progress, TransportError
from .http1.pool import Lease, Pool
from .http1.request import Origin, encoded


class AsyncioTransport(AsyncClosing):
    """An `AsyncTransport` for one event loop of asyncio, or of uvloop. Deadlines are in the time of the loop.

    `limits` bounds its connections; `ssl_context` is used as it is, and may hold a client's certificate.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = checked_context(ssl_context)
        self._pool: Pool[AnswerProtocol] = Pool(limits.connections_max, limits.idle_seconds_max)
        self._timeouts: set[asyncio.Timeout] = set()
        """Those of calls that connect, or in which the caller's code runs: closing ends them."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """See `AsyncTransport`."""
        return "native-asyncio"

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
        loop = asyncio.get_running_loop()
        self._loop = same_loop(self._loop, loop)
        now = loop.time()
        if self._closed or now >= deadline:
            raise ended(None, progress, closed=self._closed)
        lease, changes = self._pool.acquire(made.origin, now)
        answer: Response | TransportError | None = None
        try:
            perform(changes)
            protocol = await self._connected(loop, lease, made.origin, deadline, limits)
            if not isinstance(protocol, AnswerProtocol):
                answer = protocol
            elif flow is None:
                answer = await protocol.exchange(made, deadline, limits, progress)
            else:
                answer = await self._let_flow(protocol.exchange_flowing(made, limits, progress, flow), deadline)
            if answer is None:
                answer = ended(lease, progress, closed=self._closed)
        finally:
            perform(release(self._pool, lease, loop.time()))
        if not isinstance(answer, Response):
            assert answer is not None, "else something was raised"
            raise answer
        return answer

    async def aclose(self) -> None:
        """Close every connection; calls under way end with kind `closed`."""
        if not self._closed:
            same_loop(self._loop, asyncio.get_running_loop())
        self._closed = True
        contents = self._pool.close()
        for timeout in tuple(self._timeouts):
            with suppress(RuntimeError):  # it ends already
                timeout.reschedule(0.0)
        for protocol in contents.in_use:
            protocol.end(FailureCause.CLOSED)
        for lease in contents.waiting:
            wake(lease)
        for protocol in (*contents.idle, *contents.in_use):
            protocol.close()
        lost = [protocol.lost for protocol in (*contents.idle, *contents.in_use)]
        if lost:
            await asyncio.wait(lost, timeout=CLOSE_SECONDS_MAX)

    async def _connected(
        self, loop: asyncio.AbstractEventLoop, lease: Lease[AnswerProtocol], origin: Origin, deadline: float, limits: Limits
    ) -> AnswerProtocol | TransportError | None:
        """The connection of this lease, once it is granted, or why there is none; None where the deadline, or the closing, came first."""
        if not lease.granted:
            await self._granted(loop, lease, deadline)
            if self._is_closed() or not lease.granted:  # not the time: uvloop's timers may be early by the resolution of its clock
                return None
        if lease.connection is not None and not lease.connection.is_quiet():
            discard(self._pool, lease)
        if lease.connection is None:
            failure = await self._connect(loop, lease, origin, deadline, limits)
            if self._is_closed():
                return None
            if failure is not None:
                return failure
        protocol = lease.connection
        assert protocol is not None, "it was connected"
        return protocol

    async def _let_flow(self, exchange: Awaitable[Response | TransportError], deadline: float) -> Response | TransportError | None:
        """What comes of an exchange in which the caller's code runs; None where the deadline, or the closing, has ended that."""
        timeout = asyncio.timeout_at(deadline)
        self._timeouts.add(timeout)
        try:
            async with timeout:
                return await exchange
        except TimeoutError:
            if not timeout.expired():
                raise
        finally:
            self._timeouts.discard(timeout)
        return None

    async def _granted(self, loop: asyncio.AbstractEventLoop, lease: Lease[AnswerProtocol], deadline: float) -> None:
        told: asyncio.Future[None] = loop.create_future()
        lease.wake = partial(settle, told, None)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await told

    async def _connect(
        self, loop: asyncio.AbstractEventLoop, lease: Lease[AnswerProtocol], origin: Origin, deadline: float, limits: Limits
    ) -> TransportError | None:
        """Connect for this lease; answers with why there is no connection."""
        until = min(deadline, loop.time() + limits.connect_seconds_max)
        error: Exception | None = None
        timeout = asyncio.timeout_at(until)
        self._timeouts.add(timeout)
        try:
            async with timeout:
                self._pool.attach(lease, await connected(loop, origin, context_for(origin, self._ssl_context), until))
        except (OSError, ValueError) as failure:
            error = failure
        finally:
            self._timeouts.discard(timeout)
        if error is None:
            return None
        return connect_late(origin, until, deadline) if isinstance(error, TimeoutError) else connect_error(error, origin)

    def _is_closed(self) -> bool:
        return self._closed
