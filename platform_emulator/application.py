"""The platform as an ASGI application: faults and credentials first, then the model; answers that wait, and broken ones."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar, assert_never

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Body, Headers, Inline, Request, Response
from platform_core.records import ExecutionRecord

from .answers import error_answer, json_answer
from .callers import Caller
from .faults import Delay, Drop, Html, MalformedJson, Spoiling, StaleStatus, Status, Trickle, Truncated, Unauthorized
from .flowing import Flowing, Pieces, cut_off, flow, trickled
from .made_up import Measured, is_discarded, missing_part, pieces
from .ranges import Part
from .service import Service
from .spoiling import Wire, answer_of, spoiled
from .streaming import KEEP_ALIVE_SECONDS, Told, going_on, streamed
from .submissions import awaited
from .workers import Workers

T = TypeVar("T")

BODY_BYTES_MAX = DEFAULT_LIMITS.request_body_bytes_max
"""As much as a client of ours sends."""

BODY_SECONDS_MAX = 120.0
"""For a body to arrive, or for the next piece of one that is not kept: a client that sends for ever holds nothing for ever."""

TRANSPORT = "platform_emulator.transport"
"""The extension of the scope that holds the connection: ASGI has no word for ending it, and none for broken HTTP."""


class Application:
    """Serves in one event loop. `stopping` ends the waits that faults impose."""

    def __init__(self, service: Service, workers: Workers, stopping: asyncio.Event) -> None:
        self._service = service
        self._workers = workers
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _head(scope)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX) as timer:
                body = await (_measured(scope, receive, timer) if is_discarded(request) else _body(scope, receive))
        except ClientDisconnect:
            return
        except TimeoutError:
            answer: _Answer = error_answer(408, "REQUEST_TIMEOUT", f"the body must come within {BODY_SECONDS_MAX:g} s")
        else:
            if body is None:
                answer = error_answer(413, "TOO_LARGE", f"at most {BODY_BYTES_MAX} bytes are taken")
            else:
                answer = await self._answered(request._replace(body=body), receive)
        match answer:
            case Response():
                answer = self._service.with_request_id(request, answer)
                await HttpResponse(answer.body, answer.status, headers=dict(answer.headers))(scope, receive, send)
            case Flowing():
                head = self._service.with_request_id(request, answer.head)
                await _unless_gone(flow(answer, head, send, scope[_EXTENSIONS][TRANSPORT]), receive)
                if answer.cut:
                    await _gone(receive)
            case Wire():
                await self._write(answer, scope[_EXTENSIONS][TRANSPORT])
                await _gone(receive)
            case None:
                scope[_EXTENSIONS][TRANSPORT].abort()
                await _gone(receive)

    async def _answered(self, request: Request, receive: Receive) -> "_Answer":
        """The answer; None: end the connection without one."""
        fault, refusal, caller = self._service.met(request)
        effect = None if fault is None else fault.effect
        match effect:
            case Status() | Html() | Unauthorized():
                return answer_of(effect)
            case Delay(seconds):
                if await self._stopped_within(seconds):
                    return None
                return await self._course(request, refusal, caller, receive)
            case Drop(after_effect):
                if after_effect and refusal is None:
                    self._applied(request, caller)
                return None
            case Truncated() | Trickle() | MalformedJson() | StaleStatus():
                response = await self._course(request, refusal, caller, receive)
                if isinstance(response, Flowing):
                    return self._spoiled_flow(effect, response)
                return None if response is None else spoiled(effect, self._service.with_request_id(request, response))
            case None:
                return await self._course(request, refusal, caller, receive)
            case _:
                assert_never(effect)

    async def _course(self, request: Request, refusal: Response | None, caller: Caller, receive: Receive) -> Response | Flowing | None:
        """What the platform answers; None where the client has gone before, or the server stops."""
        if refusal is not None:
            return refusal
        response = self._applied(request, caller)
        part = missing_part(request, response)
        if part is not None:
            return Flowing(response, _made(part), part.stop - part.start)
        begun = streamed(request, response)
        if begun is not None:
            return Flowing(response, self._events(response.body, *begun))
        execution_id = awaited(request, response)
        if execution_id is None:
            return response
        record = await _unless_gone(self._workers.ended(execution_id), receive)
        if record is None:
            return None
        return json_answer(response.status, record, *(each for each in response.headers if each[0] != "Content-Type"))

    def _applied(self, request: Request, caller: Caller) -> Response:
        response = self._service.apply(request, caller)
        self._workers.wake()
        return response

    async def _events(self, beginning: bytes, execution_id: str, told: Told) -> Pieces:
        yield beginning
        while told.status is not None and not told.is_over:
            moved: ExecutionRecord | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    moved = await self._workers.moved(execution_id, frozenset({told.status}))
            told, pieces = going_on(told, moved)
            for piece in pieces:
                yield piece

    def _spoiled_flow(self, effect: Spoiling, flowing: Flowing) -> Flowing:
        """As `spoiled`; what is no JSON as a whole is not broken as such, and none of it answers for a status."""
        match effect:
            case Truncated():
                return cut_off(effect, flowing)
            case Trickle():
                return trickled(effect, flowing, self._stopped_within)
            case MalformedJson() | StaleStatus():
                return flowing
            case _:
                assert_never(effect)

    async def _write(self, wire: Wire, transport: asyncio.Transport) -> None:
        """Write past the HTTP library, as long as there is somebody to read it, and end the connection."""
        for part in wire.parts:
            if transport.is_closing():
                break
            transport.write(part)
            if wire.interval_seconds and await self._stopped_within(wire.interval_seconds):
                break
        transport.close()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True


_EXTENSIONS = "extensions"
_Answer: TypeAlias = Response | Flowing | Wire | None


def _head(scope: Scope) -> Request:
    """The request without its body."""
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = Headers(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]))
    return Request(scope["method"], target, headers)


async def _body(scope: Scope, receive: Receive) -> Body | None:
    """The body, whole; None where it is too large."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if int(declared) > BODY_BYTES_MAX:  # the HTTP library has seen to it that these are digits
        return None
    chunks: list[bytes] = []
    body_bytes = 0
    async for chunk in HttpRequest(scope, receive).stream():
        body_bytes += len(chunk)
        if body_bytes > BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
    return Inline(b"".join(chunks))


async def _measured(scope: Scope, receive: Receive, timer: asyncio.Timeout) -> Measured:
    """What came, but for its bytes."""
    now, digest, body_bytes = asyncio.get_running_loop().time, sha256(), 0
    async for chunk in HttpRequest(scope, receive).stream():
        timer.reschedule(now() + BODY_SECONDS_MAX)
        digest.update(chunk)
        body_bytes += len(chunk)
    return Measured(body_bytes, replayable=False, sha256=digest.hexdigest())


async def _made(part: Part) -> Pieces:
    for piece in pieces(part):
        yield piece


async def _unless_gone(wait: Coroutine[Any, Any, T], receive: Receive) -> T | None:
    """What is waited for; None where the client goes before, as it also does when the server stops."""
    waited, gone = asyncio.ensure_future(wait), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((waited, gone), return_when=asyncio.FIRST_COMPLETED)
        return waited.result() if waited.done() else None
    finally:
        waited.cancel()
        gone.cancel()
        await asyncio.gather(waited, gone, return_exceptions=True)


async def _gone(receive: Receive) -> bool:
    """Wait until the client has gone. After an end of ours it is also the word that the server has seen it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return True
