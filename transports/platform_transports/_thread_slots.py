"""The connections of the blocking transport in one process, shared by its threads: the pool under a lock, and who waits for it."""

import threading
import time

from platform_core.limits import Limits

from ._leases import perform, release, wake
from ._sockets import Stream
from .http1.pool import Lease, Pool
from .http1.request import Origin

LOOK_SECONDS = 0.5
"""Who waits for another thread looks this often for himself: the other one may have been interrupted before he told."""


class Slots:
    """The connections of one process. The lock is held for what the pool does in memory, never while anybody waits."""

    def __init__(self, limits: Limits) -> None:
        self._lock = threading.Lock()
        self._pool: Pool[Stream] = Pool(limits.connections_max, limits.idle_seconds_max)

    def acquire(self, origin: Origin) -> Lease[Stream]:
        """A lease, granted or waiting in line."""
        with self._lock:
            lease, changes = self._pool.acquire(origin, time.monotonic())
        perform(changes)
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
        perform(changes)
        if left > 0:
            told.wait(min(left, LOOK_SECONDS))
        return left > 0

    def attach(self, lease: Lease[Stream], stream: Stream) -> None:
        """A connection is being opened for this lease."""
        with self._lock:
            self._pool.attach(lease, stream)

    def discard(self, lease: Lease[Stream]) -> None:
        """Close the connection of this lease, which keeps its slot."""
        with self._lock:
            stream = self._pool.detach(lease)
        if stream is not None:
            stream.close()

    def release(self, lease: Lease[Stream]) -> None:
        """Give the lease back, and its connection, which is kept where another call may use it."""
        with self._lock:
            changes = release(self._pool, lease, time.monotonic())
        perform(changes)

    def close(self) -> None:
        """Lend nothing any more, and end what is under way in other threads."""
        with self._lock:
            contents = self._pool.close()
            for stream in contents.in_use:
                stream.interrupt()  # under the lock: else it might be closed meanwhile, and its number be another socket's
        for lease in contents.waiting:
            wake(lease)
        for stream in contents.idle:
            stream.close()

    def drop(self) -> None:
        """Close our copies of another process's sockets; its lock may be held for ever, and its calls are not here."""
        contents = self._pool.close()
        for stream in (*contents.idle, *contents.in_use):
            stream.drop()
