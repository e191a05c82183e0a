"""What the native transports do with a lease, by one rule: who is woken, what is closed and what kept, how a call has ended."""

from collections.abc import Hashable
from typing import Protocol, TypeVar

from platform_core.outcomes import FailureCause

from .contract import Progress, TransportError
from .http1.connection import Connection
from .http1.pool import Changes, Lease, Pool


class Carrier(Hashable, Protocol):
    """A connection as a transport has it: what HTTP has come to on it, and how it is closed."""

    http: Connection

    def close(self) -> None:
        """Close at once."""
        ...


C = TypeVar("C", bound=Carrier)


def perform(changes: Changes[C]) -> None:
    """Do what the pool has decided."""
    for lease in changes.granted:
        wake(lease)
    for connection in changes.closing:
        connection.close()


def wake(lease: Lease[C]) -> None:
    """Tell whoever waits for this lease to look at it."""
    if lease.wake is not None:
        lease.wake()


def release(pool: Pool[C], lease: Lease[C], at: float) -> Changes[C]:
    """Give the lease back, and its connection, which is kept where another call may use it."""
    kept = lease.connection is not None and lease.connection.http.may_be_kept
    return pool.release(lease, at, reusable=kept)


def discard(pool: Pool[C], lease: Lease[C]) -> None:
    """Close the connection of this lease, which keeps its slot."""
    connection = pool.detach(lease)
    if connection is not None:
        connection.close()


def ended(lease: Lease[C] | None, progress: Progress, *, closed: bool) -> TransportError:
    """The error of a call that has lasted to its deadline, or to the closing of its transport."""
    kind = FailureCause.CLOSED if closed else FailureCause.TIMEOUT
    connection = None if lease is None else lease.connection
    return TransportError(kind, progress.sent) if connection is None or progress.sent == "no" else connection.http.failed(kind)
