"""The world's own clocks."""

import threading
import time
from types import SimpleNamespace

import anyio
import pytest

from platform_transports.clock import EventLoopClock, MonotonicClock

SECONDS = 0.01


async def test_the_clock_of_an_event_loop_is_the_loops_own() -> None:
    clock = EventLoopClock()
    before = anyio.current_time()
    assert before <= clock.now() <= anyio.current_time()
    at = clock.now() + SECONDS
    await clock.sleep_until(at)
    assert clock.now() >= at


async def test_a_time_that_has_passed_is_not_waited_for() -> None:
    clock = EventLoopClock()
    before = clock.now()
    await clock.sleep_until(before - 1000.0)
    assert clock.now() < before + 1.0


def test_the_monotonic_clock_sleeps_until_the_time() -> None:
    clock = MonotonicClock()
    assert clock.now() == pytest.approx(time.monotonic(), abs=1.0)
    at = clock.now() + SECONDS
    clock.sleep_until(at)
    assert clock.now() >= at


def test_a_sleep_ends_early_where_the_client_is_closed() -> None:
    closed = threading.Event()
    clock = MonotonicClock(closed)
    threading.Timer(SECONDS, closed.set).start()
    before = clock.now()
    clock.sleep_until(before + 1000.0)
    assert SECONDS / 2 < clock.now() - before < 100.0


def test_a_client_that_is_closed_does_not_sleep() -> None:
    closed = threading.Event()
    closed.set()
    MonotonicClock(closed).sleep_until(time.monotonic() + 1000.0)


def test_a_sleep_that_is_longer_than_a_lock_can_wait_is_cut_into_pieces() -> None:
    waits: list[float] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            return len(waits) == 3

    MonotonicClock(Closed()).sleep_until(float("inf"))
    assert waits == [threading.TIMEOUT_MAX] * 3


def test_a_wait_that_returns_early_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.9, 1.0])
    monkeypatch.setattr("platform_transports.clock.time", SimpleNamespace(monotonic=lambda: next(times)))
    waits: list[float | None] = []

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return False

    MonotonicClock(Closed()).sleep_until(1.0)
    assert waits == [1.0, pytest.approx(0.1)]
