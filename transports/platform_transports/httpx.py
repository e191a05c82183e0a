"""Transports over httpx, or its maintained continuation httpx2: whichever is installed, or a client that is handed in.

Nothing of either library is imported before a transport is made. The library connects, keeps connections and parses HTTP; it
gets no chance to retry, redirect, authorize, keep cookies, look at the environment or decode.

What the library underneath cannot do, for both transports:

- a head of more than 100 KiB is refused by the library (`too_large` all the same), so that `header_bytes_max` cannot be more;
- interim answers (1xx) are skipped without a count;
- a kept connection that ends in the middle of an answer's head looks as if no byte of it had come;
- httpx (not httpx2) refuses a redirect whose `Location` is no URL as `protocol`.
"""

import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import anyio

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause

from ._connections import CLOSE_SECONDS_MAX
from ._httpx_common import Course, built, client_options, fields_of, library_of, load, reason_of
from .adapting import Incoming, check_sayable
from .closing import AsyncClosing, SyncClosing
from .contract import AsyncFlow, Credentials, Progress, SyncFlow, TransportError

_NO_TIMEOUTS = {"connect": None, "read": None, "write": None, "pool": None}
_SECONDS_MIN = 0.001
"""A timeout of 0 means "do not block" to a socket, which is another thing."""


class HttpxTransport(AsyncClosing):
    """An `AsyncTransport` over an `AsyncClient`, on asyncio and on trio. Deadlines are in the event loop's time.

    `client` is one of httpx or httpx2, used as it is and never closed; its timeouts, redirects and auth do not apply. Without
    one we make our own: `library` ("httpx2" or "httpx") chooses, `proxy` is a URL, `verify` as the library takes it, `limits`
    bounds its connections. Raises `ImportError` where neither library is installed.
    """

    def __init__(
        self,
        client: object = None,
        *,
        proxy: str | None = None,
        verify: bool | ssl.SSLContext = True,
        limits: Limits = DEFAULT_LIMITS,
        library: str | None = None,
    ) -> None:
        _check_not_both(client, proxy, verify)
        self._httpx: Any = load(library) if client is None else library_of(client, "AsyncClient", library)
        self._owned = client is None
        self._client: Any = client
        if client is None:
            self._client = self._httpx.AsyncClient(**client_options(self._httpx, limits, proxy, verify))
        self._closed = False
        self._scopes: set[anyio.CancelScope] = set()

    @property
    def name(self) -> str:
        """See `AsyncTransport`."""
        return f"{self._httpx.__name__}/{self._httpx.__version__}"

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
        check_sayable(request, credentials, flow)
        if self._is_closed():
            raise TransportError(FailureCause.CLOSED, "no")
        if anyio.current_time() >= deadline:
            raise TransportError(FailureCause.TIMEOUT, "no")
        course = Course(progress, deadline, limits.connect_seconds_max, pessimistic=not self._owned)
        response: Response | None = None
        with anyio.CancelScope(deadline=deadline) as scope:
            self._scopes.add(scope)
            try:
                response = await self._exchange(request, credentials, limits, course, scope, flow)
            finally:
                self._scopes.discard(scope)
        if response is not None:
            return response
        # Raised here, outside of any `except`, so that nothing of the library hangs on it: its requests hold the token.
        if self._is_closed():
            raise course.failed(FailureCause.CLOSED)
        raise course.failure or course.failed(course.late)

    async def aclose(self) -> None:
        """End every call under way with `closed`; close the client if it is our own."""
        self._closed = True
        for scope in tuple(self._scopes):
            scope.cancel()
        if self._owned:
            with anyio.move_on_after(CLOSE_SECONDS_MAX, shield=True), suppress(Exception):
                await self._client.aclose()

    def _is_closed(self) -> bool:
        return self._closed or bool(self._client.is_closed)

    async def _exchange(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        limits: Limits,
        course: Course,
        scope: anyio.CancelScope,
        flow: AsyncFlow | None,
    ) -> Response | None:
        """The answer; None where `course.failure` says why there is none."""

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            course.note(event, info, anyio.current_time())
            scope.deadline = course.bound

        response: Any = None
        timeouts = _NO_TIMEOUTS if flow is None else _NO_TIMEOUTS | {"read": flow.idle_seconds_max, "write": flow.idle_seconds_max}
        try:
            outgoing = built(self._httpx, request, credentials, trace, timeouts, flow)
            course.begin()
            response = await self._client.send(outgoing, stream=True, auth=None, follow_redirects=False)
            course.answered = True
            incoming = Incoming(limits)
            if incoming.head(response.status_code, fields_of(response), reason_of(response)):
                await self._read(response, incoming, course, scope, flow)
            if incoming.refused is None:
                return incoming.response()
            course.refuse(incoming.refused)
        except Exception as error:  # noqa: BLE001 -- whatever it is, no exception of a library leaves here
            course.failure = course.failed_by(error, self._httpx)
        finally:
            unfinished = course.stream if response is None or response.is_closed else response
            if unfinished is not None:
                with anyio.move_on_after(CLOSE_SECONDS_MAX, shield=True), suppress(Exception):
                    await unfinished.aclose()
        return None

    async def _read(
        self,
        response: Any,  # noqa: ANN401 -- the library's
        incoming: Incoming,
        course: Course,
        scope: anyio.CancelScope,
        flow: AsyncFlow | None,
    ) -> None:
        """Read the body, within the limits or to the sink.

        The library's generators are nested: they end well only if the innermost raises, not if we leave. So it is made to.
        """
        sink = None if flow is None or not incoming.lets_flow() else flow.sink
        if sink is not None:
            await sink.begin(incoming.response())
        left: BaseException | None = None
        async for chunk in response.stream:  # not aiter_raw: it refuses what a MockTransport has at hand already
            try:
                if sink is not None:
                    await sink.take(chunk)
                elif not incoming.add(chunk) and incoming.refused:
                    course.refuse(incoming.refused)
                    scope.cancel()
            except (Exception, anyio.get_cancelled_exc_class()) as error:  # noqa: BLE001 -- the driver has kept what is the caller's own
                course.failure = course.failed(FailureCause.LOCAL) if isinstance(error, Exception) else None
                left = error
                scope.cancel()
        if left is not None:
            raise left


class HttpxSyncTransport(SyncClosing):
    """A `SyncTransport` over a `Client`, for many threads. Deadlines are in the time of `time.monotonic`.

    Arguments as for `HttpxTransport`. The library only knows timeouts for each operation. They are cut to what is left of the
    deadline when connecting, sending, or reading of the head or the body begins, and it is looked at between the chunks of a
    body. So a server that lets its head trickle is not bound by the deadline, one that stalls within a body outlasts it by
    less than the time that was left when the body began, `connect_seconds_max` holds for each address and for the TLS
    handshake apart, and `close` reaches a call under way when its next bytes arrive.
    """

    def __init__(
        self,
        client: object = None,
        *,
        proxy: str | None = None,
        verify: bool | ssl.SSLContext = True,
        limits: Limits = DEFAULT_LIMITS,
        library: str | None = None,
    ) -> None:
        _check_not_both(client, proxy, verify)
        self._httpx: Any = load(library) if client is None else library_of(client, "Client", library)
        self._owned = client is None
        self._client: Any = client
        if client is None:
            self._client = self._httpx.Client(**client_options(self._httpx, limits, proxy, verify))
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """See `SyncTransport`."""
        return f"{self._httpx.__name__}/{self._httpx.__version__}"

    @property
    def carries_flows(self) -> Literal[True]:
        """See `CarriesSyncFlows`."""
        return True

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        """See `CarriesSyncFlows`."""
        check_sayable(request, credentials, flow)
        if self._is_closed():
            raise TransportError(FailureCause.CLOSED, "no")
        if time.monotonic() >= deadline:
            raise TransportError(FailureCause.TIMEOUT, "no")
        course = Course(progress, deadline, limits.connect_seconds_max, pessimistic=not self._owned)
        response = self._exchange(request, credentials, limits, course, flow)
        if response is not None:
            return response
        # Raised here, outside of any `except`, so that nothing of the library hangs on it: its requests hold the token.
        if self._is_closed():
            raise course.failed(FailureCause.CLOSED)
        raise course.failure or course.failed(course.late)

    def close(self) -> None:
        """End every call under way with `closed`, as soon as it notices; close the client if it is our own."""
        self._closed.set()
        if self._owned:
            with suppress(Exception):
                self._client.close()

    def _is_closed(self) -> bool:
        return self._closed.is_set() or bool(self._client.is_closed)

    def _exchange(
        self, request: OutgoingRequest, credentials: Credentials, limits: Limits, course: Course, flow: SyncFlow | None
    ) -> Response | None:
        """The answer; None where `course.failure` says why there is none, or where there is no time left."""
        timeouts: dict[str, float | None] = {}

        def cut_timeouts() -> None:
            left = max(course.deadline - time.monotonic(), _SECONDS_MIN)
            idle = left if flow is None else min(left, flow.idle_seconds_max)
            timeouts.update(connect=min(left, course.connect_seconds_max), read=idle, write=idle, pool=left)

        def trace(event: str, info: Mapping[str, Any]) -> None:
            course.note(event, info, time.monotonic())
            cut_timeouts()

        cut_timeouts()
        response: Any = None
        try:
            outgoing = built(self._httpx, request, credentials, trace, timeouts, flow)
            course.begin()
            response = self._client.send(outgoing, stream=True, auth=None, follow_redirects=False)
            course.answered = True
            incoming = Incoming(limits)
            if incoming.head(response.status_code, fields_of(response), reason_of(response)):
                self._read(response, incoming, course, flow)
            if incoming.refused is not None:
                course.refuse(incoming.refused)
            elif course.failure is None:
                return incoming.response()
        except Exception as error:  # noqa: BLE001 -- whatever it is, no exception of a library leaves here
            course.failure = course.failed_by(error, self._httpx)
        finally:
            unfinished = course.stream if response is None else response
            if unfinished is not None:
                with suppress(Exception):
                    unfinished.close()
        return None

    def _read(self, response: Any, incoming: Incoming, course: Course, flow: SyncFlow | None) -> None:  # noqa: ANN401 -- the library's
        """Read the body, within the limits or to the sink, as long as there is time."""
        sink = None if flow is None or not incoming.lets_flow() else flow.sink
        if sink is not None:
            sink.begin(incoming.response())
        for chunk in response.stream:  # as above
            if self._closed.is_set() or time.monotonic() >= course.deadline:
                course.failure = course.failed(course.late)
                return
            if sink is not None:
                sink.take(chunk)
            elif not incoming.add(chunk):
                return


def _check_not_both(client: object, proxy: str | None, verify: bool | ssl.SSLContext) -> None:  # noqa: FBT001 -- as the libraries name it
    if client is not None and (proxy is not None or verify is not True):
        raise ValueError("proxy and verify belong to the client, and one was handed in")
