"""The HTTP server around the platform: tokens and faults first, then the model; and its start and stop on uvicorn."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Inline, Request, Response

from .answers import error_answer
from .faults import Delay, Drop, Status, Unauthorized, answer_of
from .service import Service
from .workers import Workers

KEEP_ALIVE_SECONDS = 30
"""Longer than clients keep an idle connection (`limits.idle_seconds_max`), so that the client closes first."""

BODY_BYTES_MAX = DEFAULT_LIMITS.request_body_bytes_max
"""As much as a client of ours sends."""

DATE_SECONDS = 1.0
"""How old the `Date` of an answer may be."""

_ABORT = "platform_emulator.abort"


class Application:
    """The ASGI application of one event loop. `stopping` ends the waits that faults impose."""

    def __init__(self, service: Service, workers: Workers, stopping: asyncio.Event) -> None:
        self._service = service
        self._workers = workers
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _head(scope)
        try:
            body = await _body(scope, receive)
        except ClientDisconnect:
            return
        if body is None:
            response: Response | None = error_answer(413, "TOO_LARGE", f"at most {BODY_BYTES_MAX} bytes are taken")
        else:
            response = await self._answered(replace(request, body=Inline(body)))
        if response is None:
            await _drop(scope, receive)
        else:
            await _answer(self._service.with_request_id(request, response), scope, receive, send)

    async def _answered(self, request: Request) -> Response | None:
        """The answer; None: end the connection without one."""
        fault, refusal = self._service.met(request)
        after_effect = False
        if fault is not None:
            match fault.effect:
                case Status() | Unauthorized():
                    return answer_of(fault.effect)
                case Drop(after_effect):
                    if not after_effect:
                        return None
                case Delay(seconds):
                    if await self._stopped_within(seconds):
                        return None
                case _:
                    assert_never(fault.effect)
        if refusal is None:
            response = self._service.apply(request)
            self._workers.wake()
        else:
            response = refusal
        return None if after_effect else response

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True


class Server(uvicorn.Server):
    """A server in a thread other than the main one, so that signals stay whoever's they are.

    `started` is called in its loop once requests are taken; `stop` may be called from any thread after that.
    """

    def __init__(self, service: Service, on_started: Callable[[], None]) -> None:
        self._workers = Workers(service)
        self._stopping = asyncio.Event()
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None
        application = Application(service, self._workers, self._stopping)
        super().__init__(
            uvicorn.Config(
                Starlette(routes=[Mount("/", app=application)]),
                http=_AbortableProtocol,
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


class _AbortableProtocol(H11Protocol):
    """Lets the application end its TCP connection, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def with_abort(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_ABORT] = transport.abort
            await inner(scope, receive, send)

        self.app = with_abort


def _abort_if_busy(connection: object) -> None:
    if isinstance(connection, H11Protocol):
        # uvicorn's own type leaves out that there is none before the first request.
        cycle = cast(RequestResponseCycle | None, connection.cycle)
        if cycle is not None and not cycle.response_complete:
            connection.transport.abort()


def _head(scope: Scope) -> Request:
    """The request without its body."""
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = Headers(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]))
    return Request(scope["method"], target, headers)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The body, whole; None where it is too large."""
    chunks: list[bytes] = []
    body_bytes = 0
    async for chunk in HttpRequest(scope, receive).stream():
        body_bytes += len(chunk)
        if body_bytes > BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await HttpResponse(response.body, response.status, headers=dict(response.headers))(scope, receive, send)


async def _drop(scope: Scope, receive: Receive) -> None:
    """End the connection, and return only when the server knows, since it answers 500 for an application that says nothing."""
    scope["extensions"][_ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass
