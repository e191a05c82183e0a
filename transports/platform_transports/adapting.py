"""What an adapter over an HTTP library needs, also one of your own: what is left to write is how the library sends, and what it raises.

`AsyncAdapter` and `SyncAdapter` keep the deadline as far as the library lets them, and tell what became of a call. Nothing here
knows any library.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import anyio

from platform_core.limits import Limits
from platform_core.messages import Headers, OutgoingRequest, Response
from platform_core.outcomes import FailureCause

from ._connections import connect_kind
from .closing import AsyncClosing, SyncClosing
from .contract import AsyncFlow, Credentials, Progress, SyncFlow, TransportError
from .http1.request import encoded

__all__ = ["AsyncAdapter", "Call", "Incoming", "Refusal", "SyncAdapter", "check_sayable", "connect_kind"]

_FINAL_STATUS_MIN = 200
_RESET_CONTENT = 205


class Refusal(NamedTuple):
    """Why an answer is none."""

    kind: FailureCause
    detail: str


def check_sayable(request: OutgoingRequest, credentials: Credentials, flow: AsyncFlow | SyncFlow | None = None) -> None:
    """Raise `TransportError` for a request that cannot be said in HTTP, which a library may find out while it sends, or never.

    Raises `TypeError` where its body is external and no flow has the pieces of it.
    """
    said = encoded(request, credentials, flow)
    if isinstance(said, TransportError):
        raise said


class Incoming:
    """An answer as a library hands it on, within the limits. What is wrong with it is its `refused`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._status = 0
        self._headers = Headers()
        self._size = 0
        self._chunks: list[bytes] = []
        self.refused: Refusal | None = None

    @property
    def has_head(self) -> bool:
        """Whether a head was taken."""
        return self._status > 0

    def head(self, status: int, fields: tuple[tuple[str, str], ...], reason: str = "") -> bool:
        """Take the head; False where it is refused."""
        # As on the wire: the status line, then "name: value" for each field, each line ended by two bytes, and an empty line.
        size = len("HTTP/1.1 200 \r\n") + len(reason) + sum(len(name) + len(value) + 4 for name, value in fields) + 2
        codings = [value.lower() for name, value in fields if name.lower() == "transfer-encoding"]
        if status < _FINAL_STATUS_MIN:
            return self._refuse(FailureCause.PROTOCOL, f"unasked status {status}")
        if len(fields) > self._limits.headers_count_max or size > self._limits.header_bytes_max:
            return self._refuse(FailureCause.TOO_LARGE, f"{len(fields)} header fields of {size} bytes")
        if codings and (codings != ["chunked"] or any(name.lower() == "content-length" for name, _ in fields)):  # RFC 9112, section 6.3
            return self._refuse(FailureCause.PROTOCOL, "both Content-Length and Transfer-Encoding, or a coding that was not asked for")
        self._status, self._headers = status, Headers(_with_one_length(fields))
        return True

    def lets_flow(self) -> bool:
        """Whether the body is a sink's, where there is one: that of a 2xx answer that has one."""
        return self.response().is_success and self._status != _RESET_CONTENT

    def add(self, chunk: bytes) -> bool:
        """Take some of the body; False where it is longer than the limit."""
        self._size += len(chunk)
        if self._size > self._limits.response_body_bytes_max:
            return self._refuse(FailureCause.TOO_LARGE, f"more than {self._limits.response_body_bytes_max} body bytes")
        self._chunks.append(chunk)
        return True

    def response(self) -> Response:
        """The answer, whole."""
        assert self.refused is None, "what was refused is no answer"
        # 205 has no body, whatever was sent (RFC 9110, section 15.3.6).
        return Response(self._status, self._headers, b"" if self._status == _RESET_CONTENT else b"".join(self._chunks))

    def _refuse(self, kind: FailureCause, detail: str) -> bool:
        self.refused = Refusal(kind, detail)
        return False


def _with_one_length(fields: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The same length said twice is one (RFC 9110, section 8.6)."""
    lengths = [number for number, (name, _) in enumerate(fields) if name.lower() == "content-length"]
    return tuple([field for number, field in enumerate(fields) if number not in lengths[1:]])


@dataclass(slots=True, eq=False)
class Call:
    """One call over a library. The adapter tells it how far the library has come."""

    deadline: float
    limits: Limits
    progress: Progress
    incoming: Incoming
    now: Callable[[], float]
    """The time that the deadline is in."""
    scope: anyio.CancelScope | None = None
    """Ends an async call."""
    reused: bool = False
    is_connecting: bool = False

    def connecting(self) -> None:
        """The library begins to make a connection: an async call is bounded by `connect_seconds_max` from here on."""
        self.is_connecting = True
        if self.scope is not None:
            self.scope.deadline = min(self.deadline, self.now() + self.limits.connect_seconds_max)

    def sending(self, *, reused: bool) -> None:
        """The library has a connection, and is about to send on it."""
        self.is_connecting = False
        self.reused = reused
        self.progress.sent = "maybe"
        if self.scope is not None:
            self.scope.deadline = self.deadline

    def left(self) -> float:
        """Seconds to the deadline."""
        return self.deadline - self.now()

    def late(self) -> FailureCause:
        """What it is called when it has lasted too long."""
        return FailureCause.CONNECT_TIMEOUT if self.is_connecting and self.left() > 0 else FailureCause.TIMEOUT

    def ended(self, failure: Refusal | None, *, closed: bool) -> Response:
        """The answer. Raises `TransportError` where there is none."""
        failure = self.incoming.refused or failure
        if failure is None:
            return self.incoming.response()
        raise TransportError(FailureCause.CLOSED if closed else failure.kind, self.progress.sent, self.reused, failure.detail)


class AsyncAdapter(AsyncClosing):
    """An `AsyncTransport` but for three methods, which know the library. Keeps the deadline, on asyncio and on trio."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._closed = False

    async def exchange(self, request: OutgoingRequest, credentials: Credentials, call: Call) -> None:
        """Let the library send, and hand what comes to `call.incoming`."""
        raise NotImplementedError

    def cause(self, error: Exception, call: Call) -> FailureCause:
        """What an exception from `exchange` means."""
        raise NotImplementedError

    async def close_library(self) -> None:
        """Close the library's connections, where it keeps any."""

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        """See `AsyncTransport`."""
        check_sayable(request, credentials)
        call = Call(deadline, limits, progress, Incoming(limits), anyio.current_time)
        failure: Refusal | None = Refusal(FailureCause.TIMEOUT, "")
        if not self._closed and call.left() > 0:
            self._calls.add(call)
            try:
                with anyio.CancelScope(deadline=deadline) as scope:
                    call.scope = scope
                    await self.exchange(request, credentials, call)
                failure = Refusal(call.late(), "") if scope.cancelled_caught else None
            except Exception as error:  # noqa: BLE001 -- whatever it is, no exception of a library leaves here
                failure = Refusal(self.cause(error, call), type(error).__name__)
            finally:
                self._calls.discard(call)
        return call.ended(failure, closed=self._closed)  # outside of `except`, so that nothing of a library hangs on an error

    async def aclose(self) -> None:
        """See `AsyncTransport`."""
        self._closed = True
        for call in tuple(self._calls):
            if call.scope is not None:
                call.scope.cancel()
        await self.close_library()


class SyncAdapter(SyncClosing):
    """A `SyncTransport` but for three methods, which know the library, and what it can do to keep the deadline."""

    def __init__(self) -> None:
        self.closed: threading.Event = threading.Event()

    def exchange(self, request: OutgoingRequest, credentials: Credentials, call: Call) -> None:
        """Let the library send, and hand what comes to `call.incoming`. `call.deadline` is in the time of `time.monotonic`."""
        raise NotImplementedError

    def cause(self, error: Exception, call: Call) -> FailureCause:
        """What an exception from `exchange` means."""
        raise NotImplementedError

    def close_library(self) -> None:
        """Close the library's connections, where it keeps any."""

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """See `SyncTransport`."""
        check_sayable(request, credentials)
        call = Call(deadline, limits, progress, Incoming(limits), time.monotonic)
        failure: Refusal | None = Refusal(FailureCause.TIMEOUT, "")
        if not self.closed.is_set() and call.left() > 0:
            try:
                self.exchange(request, credentials, call)
                failure = None
            except TimeoutError:
                failure = Refusal(call.late(), "")
            except Exception as error:  # noqa: BLE001 -- whatever it is, no exception of a library leaves here
                failure = Refusal(self.cause(error, call), type(error).__name__)
        return call.ended(failure, closed=self.closed.is_set())  # as above

    def take(self, call: Call, chunk: bytes) -> bool:
        """Take some of the body; False where it is longer than the limit. Raises `TimeoutError` where it is too late for it."""
        if self.closed.is_set() or call.left() <= 0:
            raise TimeoutError
        return call.incoming.add(chunk)

    def close(self) -> None:
        """See `SyncTransport`."""
        self.closed.set()
        self.close_library()
