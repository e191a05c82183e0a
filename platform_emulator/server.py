"""The HTTP server around the platform: its start and stop on uvicorn, and what a connection may do to it."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import cast

import h11
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from .application import TRANSPORT, Application
from .live_page import LivePage
from .registration import Registered
from .service import Service
from .workers import Workers

KEEP_ALIVE_SECONDS = 30
"""Longer than clients keep an idle connection (`limits.idle_seconds_max`), so that the client closes first."""

HEAD_SECONDS_MAX = 60.0
"""For the head of a request to arrive, from the connection or from its first byte on."""

DATE_SECONDS = 1.0
"""How old the `Date` of an answer may be."""


class Server(uvicorn.Server):
    """A server in a thread other than the main one, so that signals stay whoever's they are.

    `started` is called in its loop once requests are taken; `stop` may be called from any thread after that.
    """

    def __init__(self, service: Service, on_started: Callable[[], None], functions: Iterable[Registered] = ()) -> None:
        self._workers = Workers(service, functions)
        self._stopping = asyncio.Event()
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                LivePage(Application(service, self._workers, self._stopping), service),
                http=_Connection,
                interface="asgi3",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )

    def stop(self) -> None:
        """End `serve`: no new connections, those under way are closed."""
        assert self._loop is not None, "stop before on_started was called"
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """What uvicorn does between start and stop, woken by `stop` at once instead of looking for it ten times a second."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(self._workers.run())
            self._on_started()
            while not self._stopping.is_set():
                try:
                    async with asyncio.timeout(DATE_SECONDS):
                        await self._stopping.wait()
                except TimeoutError:
                    await self.on_tick(0)
            working.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but a client that sends its request for ever cannot keep it up."""
        for connection in list(self.server_state.connections):
            _abort_if_busy(connection)
        await super().shutdown(sockets)


class _Connection(H11Protocol):
    """One that the application may end, and that ends itself where no request comes of it."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = with_transport
        self._mind_the_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._mind_the_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget_the_head()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's; where an answer is under way already, it cannot be told."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def _mind_the_head(self) -> None:
        """While no request is being served, what comes is part of a head, or the rest of a body that was refused: it must end soon."""
        if _is_busy(self) or self.transport.is_closing():
            self._forget_the_head()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self.transport.abort)

    def _forget_the_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _is_busy(connection: H11Protocol) -> bool:
    # uvicorn's own type leaves out that there is none before the first request.
    cycle = cast(RequestResponseCycle | None, connection.cycle)
    return cycle is not None and not cycle.response_complete


def _abort_if_busy(connection: object) -> None:
    if isinstance(connection, H11Protocol) and _is_busy(connection):
        connection.transport.abort()
