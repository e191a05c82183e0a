"""The native transport of blocking calls: sockets that never block, and one place where a thread waits for them.

Usable from many threads. After a fork each process has connections of its own.
"""

import os
import socket
import ssl
import threading
import time
from typing import Literal, TypeVar, assert_never, cast

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response

from ._leases import ended
from ._native_common import (
    Address,
    Found,
    checked_context,
    connect_error,
    connect_late,
    context_for,
    looked_up,
    numeric_addresses,
    share_seconds,
)
from ._sockets import (
    Begin,
    FlowSteps,
    Next,
    Steps,
    Stream,
    Take,
    Wait,
    connect,
    exchange,
    exchange_flowing,
    handshake,
    is_quiet,
    ready,
    wrapped,
)
from ._thread_slots import LOOK_SECONDS, Slots
from .closing import SyncClosing
from .contract import Credentials, Progress, SyncFlow, TransportError
from .http1.pool import Lease
from .http1.request import EncodedRequest, Origin, encoded

T = TypeVar("T")


class BlockingTransport(SyncClosing):
    """A `SyncTransport` that needs h11 alone. Deadlines are in the time of `time.monotonic`.

    `limits` bounds its connections; `ssl_context` is used as it is, and may hold a client's certificate.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._limits = limits
        self._ssl_context = checked_context(ssl_context)
        self._slots_of: dict[int, Slots] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """See `SyncTransport`."""
        return "native-sync"

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
        made = encoded(request, credentials, flow)
        if isinstance(made, TransportError):
            raise made
        if self._closed or time.monotonic() >= deadline:
            raise ended(None, progress, closed=self._closed)
        slots = self._slots()
        lease = slots.acquire(made.origin)
        answer: Response | TransportError | None = None
        try:
            answer = self._answer(slots, lease, made, deadline, limits, progress, flow)
            if answer is None or (self._is_closed() and isinstance(answer, TransportError)):
                answer = ended(lease, progress, closed=self._is_closed())
        finally:
            slots.release(lease)
        if not isinstance(answer, Response):
            assert answer is not None, "else something was raised"
            raise answer
        return answer

    def close(self) -> None:
        """Close every connection; calls under way, in whatever thread, end with kind `closed`."""
        self._closed = True
        self._slots().close()

    def _is_closed(self) -> bool:
        return self._closed

    def _slots(self) -> Slots:
        """Those of this process. After a fork the sockets are the other process's, and its locks may be held for ever."""
        here = self._slots_of.get(os.getpid())
        if here is not None:
            return here
        here = self._slots_of.setdefault(os.getpid(), Slots(self._limits))
        for pid in tuple(self._slots_of):
            before = None if pid == os.getpid() else self._slots_of.pop(pid, None)
            if before is not None:
                before.drop()
        return here

    def _answer(
        self,
        slots: Slots,
        lease: Lease[Stream],
        request: EncodedRequest,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None,
    ) -> Response | TransportError | None:
        """The answer, or why there is none; None where the deadline, or the closing, came first."""
        while not lease.granted:
            if self._closed or not slots.wait(lease, deadline):
                return None
        if lease.connection is not None and not is_quiet(lease.connection):
            slots.discard(lease)
        if lease.connection is None:
            until = min(deadline, time.monotonic() + limits.connect_seconds_max)
            failure = self._connect(slots, lease, request.origin, until)
            if isinstance(failure, TimeoutError):
                return connect_late(request.origin, until, deadline)
            if failure is not None:
                return connect_error(failure, request.origin)
        stream = lease.connection
        assert stream is not None, "it was connected"
        if flow is not None:
            return self._let_flow(exchange_flowing(stream, request, limits, progress, sinks=flow.sink is not None), stream, deadline, flow)
        answer = self._drive(exchange(stream, request, limits, progress), stream, deadline)
        return None if isinstance(answer, TimeoutError) else answer

    def _connect(self, slots: Slots, lease: Lease[Stream], origin: Origin, until: float) -> Exception | None:
        """Connect for this lease; answers with why there is no connection, which is a `TimeoutError` where it has lasted until then."""
        addresses = numeric_addresses(origin) or self._looked_up(origin, until)
        if isinstance(addresses, OSError):
            return addresses
        failure: Exception | None = TimeoutError()
        for number, address in enumerate(addresses):
            now = time.monotonic()
            failure = self._try(slots, lease, address, now + share_seconds(until - now, len(addresses) - number))
            if failure is None:
                break
            slots.discard(lease)
        context = context_for(origin, self._ssl_context)
        stream = lease.connection
        if failure is not None or context is None or stream is None:
            return failure
        try:
            secure = stream.sock = wrapped(stream.sock, context, origin.host)
        except (OSError, ValueError) as error:
            return error.with_traceback(None)
        return self._drive(handshake(secure), stream, until)

    def _try(self, slots: Slots, lease: Lease[Stream], address: Address, until: float) -> Exception | None:
        """Connect to one address. The socket belongs to the lease before it connects, so that closing the transport ends that too."""
        try:
            stream = Stream(socket.socket(address.family, socket.SOCK_STREAM))
        except OSError as error:
            return error.with_traceback(None)
        slots.attach(lease, stream)
        return self._drive(connect(stream.sock, address.sockaddr), stream, until)

    def _looked_up(self, origin: Origin, until: float) -> Found:
        told = threading.Event()
        with looked_up(origin, told.set) as found:
            while not told.wait(min(LOOK_SECONDS, until - time.monotonic())):
                if self._closed or time.monotonic() >= until:
                    return TimeoutError()
        return found[0]

    def _drive(self, steps: Steps[T], stream: Stream, until: float) -> T | TimeoutError:
        """Do the steps and wait between them."""
        try:
            while True:
                wait = next(steps)
                if self._closed or not ready(stream.sock, wait, until):
                    return TimeoutError()
        except StopIteration as stop:
            return cast("T", stop.value)

    def _let_flow(self, steps: FlowSteps, stream: Stream, deadline: float, flow: SyncFlow) -> Response | TransportError | None:
        """Do the steps, wait between them and call the caller's code; None where the deadline, or the closing, came first."""
        pieces = iter(()) if flow.pieces is None else flow.pieces()
        sink, piece = flow.sink, None
        while True:
            try:
                step = steps.send(piece)
            except StopIteration as stop:
                return cast("Response | TransportError", stop.value)
            now = time.monotonic()
            if self._closed or now >= deadline:
                return None
            match step:
                case Wait():
                    if not ready(stream.sock, step, min(deadline, now + flow.idle_seconds_max)):
                        return None
                case Next():
                    piece = next(pieces, b"")
                case Begin(head):
                    assert sink is not None, "only a sink is told"
                    sink.begin(head)
                case Take(came):
                    assert sink is not None, "only a sink is told"
                    sink.take(came)
                case _:
                    assert_never(step)
