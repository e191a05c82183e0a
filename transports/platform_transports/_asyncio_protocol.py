"""One connection of the asyncio transport: how it is opened; its loop hands it bytes, and it hands the answer to the call that waits."""

import asyncio
import select
import ssl
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

from platform_core.limits import Limits
from platform_core.messages import Response
from platform_core.outcomes import FailureCause

from ._connections import CLOSE_SECONDS_MAX
from ._native_common import (
    PIECE_BYTES,
    RECEIVE_BYTES,
    Address,
    broken_detail,
    looked_up,
    numeric_addresses,
    share_seconds,
)
from .contract import AsyncFlow, AsyncSink, Progress, TransportError
from .http1.connection import Connection
from .http1.request import EncodedRequest, Flowing, Origin

T = TypeVar("T")


class AnswerProtocol(asyncio.BufferedProtocol):
    """A connection that is in the hands of one call at a time, or idle. What comes while it is idle is its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.http = Connection()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response | TransportError] | None = None
        self._deadline = inf
        """Of the exchange under way, if it has one."""
        self._timer: asyncio.TimerHandle | None = None
        """Rings at the deadline, or before: one call leaves it to the next, since nearly all are over long before their deadlines."""
        self._unsent: deque[bytes | memoryview] = deque()
        self._paused = False
        self._look: Callable[[], bool] | None = None
        self._flowing: Flowing | None = None
        """The body of the request, while it flows in."""
        self._event: asyncio.Future[None] | None = None
        """For a call whose bodies flow: settled when something has come, has gone, or has ended."""
        self._reading_paused = False

    async def exchange(self, request: EncodedRequest, deadline: float, limits: Limits, progress: Progress) -> Response | TransportError:
        """Send the request and wait for the answer."""
        answer: asyncio.Future[Response | TransportError] = self._loop.create_future()
        self._answer = answer
        self._set_timer(deadline)
        try:
            for piece in self.http.begin(request, limits, progress):
                self._unsent.extend(_cut(piece))
            self._send()
            return await answer
        finally:
            self._answer = None
            self._deadline = inf
            self._unsent.clear()

    async def exchange_flowing(
        self, request: EncodedRequest, limits: Limits, progress: Progress, flow: AsyncFlow
    ) -> Response | TransportError:
        """The same, piece by piece, all in the task of the caller, whose code is part of it: the caller's timeout ends that too."""
        answer: asyncio.Future[Response | TransportError] = self._loop.create_future()
        self._answer = answer
        self._flowing = flowing = request.flowing
        pieces = None if flow.pieces is None else flow.pieces()
        is_told = False
        try:
            for each in self.http.begin(request, limits, progress, flows=flow.sink is not None):
                self._unsent.extend(_cut(each))
            self._send()
            while True:
                # Both before the look at what has come, so that nothing is missed that comes meanwhile.
                event = self._event = self._loop.create_future()
                is_over = answer.done()
                is_told = await self._hand_on(flow.sink, is_told=is_told)
                if is_over:
                    return answer.result()
                if flowing is not None and not flowing.is_over and not self._unsent and not self._paused:
                    piece = b"" if pieces is None else await anext(pieces, b"")
                    self._unsent.extend(_cut(flowing.framed(piece)))
                    self._send()
                    await asyncio.sleep(0)  # a socket may take all at once, and an early answer is only seen by the loop
                else:
                    await self._happened(event, flow.idle_seconds_max)
        finally:
            self._answer = self._event = self._flowing = None
            self._unsent.clear()
            self._read_on()

    def end(self, kind: FailureCause) -> None:
        """End the call under way, if there is one."""
        self._tell(self.http.failed(kind))

    def is_quiet(self) -> bool:
        """Whether nothing has come while it was idle, also nothing that the loop has not seen yet."""
        if not self.http.reusable or self._transport is None or self._transport.is_closing():
            return False
        if self._look is None:
            self._look = _look_at(self._transport)
        return self._look()

    def close(self) -> None:
        """Close; politely where nothing is under way. The loop bounds how long a polite end of TLS may take."""
        if self._transport is not None:
            self._transport.close() if self.http.is_settled else self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self._is_waiting():
            if self._event is not None and self._event.done():
                self._read_no_further()  # until the call has taken what came before
            self._tell(self.http.receive(bytes(self._buffer[:nbytes]), is_sent=self._is_sent()))
            if self._event is not None:
                settle(self._event, None)
        else:  # nobody asked for it, and nobody would read it
            self.http.reusable = False
            self.close()

    def eof_received(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self._is_waiting():
            self._tell(self._end_of_stream())
        self.http.reusable = False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._is_waiting():
            sending = bool(self._unsent) or isinstance(exc, BrokenPipeError)
            lost = None if exc is None else self.http.lost(broken_detail(exc), while_sending=sending)
            self._tell(lost or self._end_of_stream())
        self.http.reusable = False
        self._stop_timer()
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._paused = True

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._paused = False
        self._send()
        if self._event is not None:
            settle(self._event, None)

    async def _hand_on(self, sink: AsyncSink | None, *, is_told: bool) -> bool:
        """Hand on what has come of a body that flows; answers whether its head is told by now."""
        if sink is None or self.http.flowing is None:
            return False
        if not is_told:
            await sink.begin(self.http.flowing)
        came = self.http.came()
        if came:
            await sink.take(came)
        return True

    async def _happened(self, event: asyncio.Future[None], idle_seconds_max: float) -> None:
        """Wait until something has come, has gone or has ended; where nothing does, that ends it."""
        self._read_on()
        timer = self._loop.call_later(idle_seconds_max, self.end, FailureCause.TIMEOUT)
        try:
            await event
        finally:
            timer.cancel()

    def _read_no_further(self) -> None:
        if not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            with suppress(RuntimeError):  # uvloop: it is closing
                self._transport.resume_reading()

    def _set_timer(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._stop_timer()
            self._timer = self._loop.call_at(deadline, self._ring)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() >= self._deadline:
            self.end(FailureCause.TIMEOUT)
        elif self._deadline < inf:
            self._set_timer(self._deadline)

    def _is_waiting(self) -> bool:
        return self._answer is not None and not self._answer.done()

    def _is_sent(self) -> bool:
        more = self._unsent or (self._flowing is not None and not self._flowing.is_over)
        return not more and self._transport is not None and not self._transport.get_write_buffer_size()

    def _end_of_stream(self) -> Response | TransportError | None:
        """What the end makes of the answer.

        With TLS the loop may have kept back what came before it, and does not tell whether it was a proper one, with
        close_notify (RFC 9112, section 9.8): the TLS object knows.
        """
        secure = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        if not isinstance(secure, ssl.SSLObject):
            return self.http.receive(b"", is_sent=False)
        with suppress(OSError):
            while True:
                data = secure.read(RECEIVE_BYTES)
                answer = self.http.receive(data, is_sent=False)
                if answer is not None or not data:
                    return answer
        return self.http.lost("closed without close_notify")

    def _tell(self, answer: Response | TransportError | None) -> None:
        if answer is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)
            if self._event is not None:
                settle(self._event, None)

    def _send(self) -> None:
        while self._unsent and not self._paused and self._transport is not None:
            self._transport.write(self._unsent.popleft())


async def connected(loop: asyncio.AbstractEventLoop, origin: Origin, context: ssl.SSLContext | None, until: float) -> AnswerProtocol:
    """A connection to the first address that lets us. Raises `OSError` or `ValueError`."""
    addresses = numeric_addresses(origin) or await _looked_up(loop, origin)
    for number, address in enumerate(addresses[:-1]):
        now = loop.time()
        try:
            async with asyncio.timeout_at(now + share_seconds(until - now, len(addresses) - number)):
                return await _opened(loop, origin, address, context)
        except ssl.SSLError:
            raise
        except OSError:
            continue
    return await _opened(loop, origin, addresses[-1], context)


def settle(future: "asyncio.Future[T]", value: T) -> None:
    """Give the future its result, unless it has one, or was cancelled."""
    if not future.done():
        future.set_result(value)


async def _looked_up(loop: asyncio.AbstractEventLoop, origin: Origin) -> list[Address]:
    told: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop may be closed by then
            loop.call_soon_threadsafe(settle, told, None)

    with looked_up(origin, tell) as found:
        await told
    addresses = found[0]
    if isinstance(addresses, OSError):
        raise addresses
    return addresses


async def _opened(loop: asyncio.AbstractEventLoop, origin: Origin, address: Address, context: ssl.SSLContext | None) -> AnswerProtocol:
    secure: dict[str, Any] = {} if context is None else {"server_hostname": origin.host, "ssl_shutdown_timeout": CLOSE_SECONDS_MAX}
    host, port = str(address.sockaddr[0]), int(address.sockaddr[1])
    _, protocol = await loop.create_connection(partial(AnswerProtocol, loop), host, port, family=address.family, ssl=context, **secure)
    return protocol


def _cut(piece: bytes) -> list[bytes | memoryview]:
    if len(piece) <= PIECE_BYTES:
        return [piece]
    view = memoryview(piece)
    return [view[start : start + PIECE_BYTES] for start in range(0, len(piece), PIECE_BYTES)]


def _look_at(transport: asyncio.Transport) -> Callable[[], bool]:
    """A look at the transport's socket: whether nothing has come that the loop has not seen yet. Made once for each connection."""
    if sys.platform == "win32":
        return lambda: True  # the loop reads ahead
    poller = select.poll()
    poller.register(transport.get_extra_info("socket"), select.POLLIN)

    def is_quiet() -> bool:
        try:
            return not poller.poll(0)
        except (OSError, ValueError):
            return False

    return is_quiet
