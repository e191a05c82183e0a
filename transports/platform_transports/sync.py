"""The native transport of blocking calls: sockets that never block, and one place where a thread waits for them.

Usable from many threads. After a fork each process has connections of its own.
"""

import os
import select
import socket
import ssl
import sys
import threading
import time
from math import ceil
from typing import TypeVar, cast

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response

from ._native_common import (
    Address,
    Found,
    checked_context,
    connect_error,
    connect_late,
    context_for,
    ended,
    look_up,
    numeric_addresses,
    share_seconds,
)
from ._sockets import Steps, Stream, Wait, connect, exchange, handshake, is_quiet, wrapped
from .contract import Credentials, Progress, TransportError
from .http1.pool import Changes, Lease, Pool
from .http1.request import EncodedRequest, Origin, encoded

T = TypeVar("T")

_LOOK_SECONDS = 0.1
"""Who waits for another thread looks this often for himself: the other one may have been interrupted before he told."""
_POLL_SECONDS_MAX = 1000.0


class BlockingTransport:
    """A `SyncTransport` that needs h11 alone. Deadlines are in the time of `time.monotonic`.

    `limits` bounds its connections; `ssl_context` is used as it is, and may hold a client's certificate.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._limits = limits
        self._ssl_context = checked_context(ssl_context)
        self._slots_of: dict[int, _Slots] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """See `SyncTransport`."""
        return "native-sync"

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """See `SyncTransport`."""
        made = encoded(request, credentials)
        if isinstance(made, TransportError):
            raise made
        if self._closed or time.monotonic() >= deadline:
            raise ended(None, progress, closed=self._closed)
        slots = self._slots()
        lease = slots.acquire(made.origin)
        answer: Response | TransportError | None = None
        try:
            answer = self._answer(slots, lease, made, deadline, limits, progress)
            if answer is None or (self._is_closed() and isinstance(answer, TransportError)):
                answer = ended(None if lease.connection is None else lease.connection.http, progress, closed=self._is_closed())
        finally:
            slots.release(lease, reusable=isinstance(answer, Response))
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

    def _slots(self) -> "_Slots":
        """Those of this process. After a fork the sockets are the other process's, and its locks may be held for ever."""
        here = self._slots_of.get(os.getpid())
        if here is not None:
            return here
        here = self._slots_of.setdefault(os.getpid(), _Slots(self._limits))
        for pid in tuple(self._slots_of):
            before = None if pid == os.getpid() else self._slots_of.pop(pid, None)
            if before is not None:
                before.drop()
        return here

    def _answer(
        self, slots: "_Slots", lease: Lease[Stream], request: EncodedRequest, deadline: float, limits: Limits, progress: Progress
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
        answer = self._drive(exchange(stream, request, limits, progress), stream, deadline)
        return None if isinstance(answer, TimeoutError) else answer

    def _connect(self, slots: "_Slots", lease: Lease[Stream], origin: Origin, until: float) -> Exception | None:
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

    def _try(self, slots: "_Slots", lease: Lease[Stream], address: Address, until: float) -> Exception | None:
        """Connect to one address. The socket belongs to the lease before it connects, so that closing the transport ends that too."""
        try:
            stream = Stream(socket.socket(address.family, socket.SOCK_STREAM))
        except OSError as error:
            return error.with_traceback(None)
        slots.attach(lease, stream)
        return self._drive(connect(stream.sock, address.sockaddr), stream, until)

    def _looked_up(self, origin: Origin, until: float) -> Found:
        told = threading.Event()
        found: list[Found] = []

        def tell(addresses: Found) -> None:
            found.append(addresses)
            told.set()

        look_up(origin, tell)
        while not told.wait(min(_LOOK_SECONDS, until - time.monotonic())):
            if self._closed or time.monotonic() >= until:
                return TimeoutError()
        return found[0]

    def _drive(self, steps: Steps[T], stream: Stream, until: float) -> T | TimeoutError:
        """Do the steps and wait between them."""
        try:
            while True:
                wait = next(steps)
                if self._closed or not _ready(stream.sock, wait, until):
                    return TimeoutError()
        except StopIteration as stop:
            return cast("T", stop.value)


class _Slots:
    """The connections of one process. The lock is held for what the pool does in memory, never while anybody waits."""

    def __init__(self, limits: Limits) -> None:
        self._lock = threading.Lock()
        self._pool: Pool[Stream] = Pool(limits.connections_max, limits.idle_seconds_max)

    def acquire(self, origin: Origin) -> Lease[Stream]:
        with self._lock:
            lease, changes = self._pool.acquire(origin, time.monotonic())
        _perform(changes)
        return lease

    def wait(self, lease: Lease[Stream], deadline: float) -> bool:
        """Wait for a while, until woken or not; False where the deadline has come."""
        left = deadline - time.monotonic()
        told = threading.Event()
        with self._lock:
            changes = self._pool.look(time.monotonic())
            if lease.granted:
                told.set()
            lease.wake = told.set
        _perform(changes)
        if left > 0:
            told.wait(min(left, _LOOK_SECONDS))
        return left > 0

    def attach(self, lease: Lease[Stream], stream: Stream) -> None:
        with self._lock:
            self._pool.attach(lease, stream)

    def discard(self, lease: Lease[Stream]) -> None:
        """Close the connection of this lease, which keeps its slot."""
        with self._lock:
            stream = self._pool.detach(lease)
        if stream is not None:
            stream.close()

    def release(self, lease: Lease[Stream], *, reusable: bool) -> None:
        with self._lock:
            whole = reusable and lease.connection is not None and lease.connection.http.reusable
            changes = self._pool.release(lease, time.monotonic(), reusable=whole)
        _perform(changes)

    def close(self) -> None:
        with self._lock:
            contents = self._pool.close()
        for stream in contents.in_use:
            stream.interrupt()
        for lease in contents.waiting:
            _wake(lease)
        for stream in contents.idle:
            stream.close()

    def drop(self) -> None:
        """Close our copies of another process's sockets; its lock may be held for ever, and its calls are not here."""
        contents = self._pool.close()
        for stream in (*contents.idle, *contents.in_use):
            stream.drop()


def _perform(changes: Changes[Stream]) -> None:
    for lease in changes.granted:
        _wake(lease)
    for stream in changes.closing:
        stream.close()


def _wake(lease: Lease[Stream]) -> None:
    if lease.wake is not None:
        lease.wake()


def _ready(sock: socket.socket, wait: Wait, until: float) -> bool:
    """Wait until the socket is ready; False where it has not been by then."""
    while (left := until - time.monotonic()) > 0:
        if _is_ready(sock, wait, min(left, _POLL_SECONDS_MAX)):
            return True
    return False


if sys.platform == "win32":

    def _is_ready(sock: socket.socket, wait: Wait, seconds: float) -> bool:
        reading = [] if wait is Wait.WRITE else [sock]
        writing = [] if wait is Wait.READ else [sock]
        return any(select.select(reading, writing, writing, seconds))

else:
    _EVENTS = {Wait.READ: select.POLLIN, Wait.WRITE: select.POLLOUT, Wait.EITHER: select.POLLIN | select.POLLOUT}

    def _is_ready(sock: socket.socket, wait: Wait, seconds: float) -> bool:
        poller = select.poll()
        poller.register(sock, _EVENTS[wait])
        return bool(poller.poll(ceil(seconds * 1000)))
