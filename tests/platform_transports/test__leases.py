"""What becomes of a lease and of its connection, whatever transport has it."""

from typing import Literal

import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_core.outcomes import FailureCause
from platform_transports._leases import discard, ended, perform, release
from platform_transports.contract import Progress
from platform_transports.http1.connection import Connection
from platform_transports.http1.pool import Lease, Pool
from platform_transports.http1.request import EncodedRequest, Origin

ORIGIN = Origin("http", "platform.test", 80)
REQUEST = EncodedRequest(ORIGIN, "GET", (b"GET / HTTP/1.1\r\n\r\n",))


class Carrier:
    """A connection without a socket."""

    def __init__(self) -> None:
        self.http = Connection()
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def serve(self, progress: Progress | None = None, *, answered: bool = True) -> None:
        self.http.begin(REQUEST, DEFAULT_LIMITS, progress or Progress())
        if answered:
            assert self.http.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", is_sent=True)


def lent() -> tuple[Pool[Carrier], Lease[Carrier], Carrier]:
    pool: Pool[Carrier] = Pool(1, 20.0)
    lease, _ = pool.acquire(ORIGIN, 0.0)
    carrier = Carrier()
    pool.attach(lease, carrier)
    return pool, lease, carrier


def test_a_connection_that_has_served_whole_is_kept_and_its_slot_wakes_who_waits() -> None:
    pool, lease, carrier = lent()
    waiting, _ = pool.acquire(ORIGIN, 0.0)
    woken: list[bool] = []
    waiting.wake = lambda: woken.append(True)
    carrier.serve()
    perform(release(pool, lease, 1.0))
    assert (woken, waiting.connection, carrier.closed) == ([True], carrier, 0)


@pytest.mark.parametrize("began", [False, True], ids=["never used", "in the middle of an answer"])
def test_any_other_connection_is_closed_as_its_lease_is_given_back(began: bool) -> None:
    pool, lease, carrier = lent()
    if began:
        carrier.serve(answered=False)
    perform(release(pool, lease, 1.0))
    assert (carrier.closed, pool.counts) == (1, (0, 0, 0))


def test_a_discarded_connection_is_closed_and_its_slot_stays() -> None:
    pool, lease, carrier = lent()
    discard(pool, lease)
    discard(pool, lease)
    assert (carrier.closed, lease.connection, pool.counts) == (1, None, (1, 0, 0))


@pytest.mark.parametrize(("closed", "kind"), [(False, FailureCause.TIMEOUT), (True, FailureCause.CLOSED)])
@pytest.mark.parametrize("sent", ["no", "maybe"])
def test_an_end_says_why_and_whether_the_connection_had_served(closed: bool, kind: FailureCause, sent: Literal["no", "maybe"]) -> None:
    _, lease, carrier = lent()
    carrier.serve()
    progress = Progress()
    if sent == "maybe":
        carrier.serve(progress, answered=False)
    error = ended(lease, progress, closed=closed)
    assert (error.kind, error.sent, error.reused) == (kind, sent, sent == "maybe")


def test_an_end_before_there_was_a_lease_has_sent_nothing() -> None:
    error = ended(None, Progress(), closed=False)
    assert (error.kind, error.sent, error.reused) == (FailureCause.TIMEOUT, "no", False)
