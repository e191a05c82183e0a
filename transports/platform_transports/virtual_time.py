"""Time that only passes when nobody can do anything else: for tests that are exact, and over at once.

It jumps to the next timer when as many runs sleep as are alive, and wakes one sleeper at a time, so that a run's trace does not
depend on how an event loop orders its tasks. It works the same for tasks and for threads, since a sleeper is only a function
that wakes it.
"""

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio


class VirtualTime:
    """The time, who is alive in it, and who sleeps until when."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self._alive = 0
        self._idle = 0
        self._order = 0
        self._timers: list[tuple[float, int]] = []
        self._sleepers: dict[int, Callable[[], None]] = {}

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    @contextmanager
    def run(self) -> Iterator[None]:
        """A run is alive inside it."""
        with self._lock:
            self._alive += 1
        try:
            yield
        finally:
            with self._lock:
                self._alive -= 1
                self._jump_if_all_wait()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """A run waits inside it for another one, not for the time."""
        with self._lock:
            self._idle += 1
            self._jump_if_all_wait()
        try:
            yield
        finally:
            with self._lock:
                self._idle -= 1

    def fall_asleep(self, at: float, wake: Callable[[], None]) -> int:
        """Have `wake` called at this time; answers with what `get_up` takes."""
        with self._lock:
            self._order += 1
            heapq.heappush(self._timers, (max(at, self._now), self._order))
            self._sleepers[self._order] = wake
            self._jump_if_all_wait()
            return self._order

    def get_up(self, sleeper: int) -> None:
        """Sleep no longer, woken or not."""
        with self._lock:
            self._sleepers.pop(sleeper, None)

    def _jump_if_all_wait(self) -> None:
        while self._timers and len(self._sleepers) + self._idle >= self._alive:
            at, sleeper = heapq.heappop(self._timers)
            wake = self._sleepers.pop(sleeper, None)
            if wake is None:
                continue
            self._now = max(self._now, at)
            wake()
            return


class VirtualClock:
    """The virtual time as the async driver takes it."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.now = time.now
        self.run = time.run
        self.idle = time.idle

    async def sleep_until(self, at: float) -> None:
        """See `Clock`."""
        woken = anyio.Event()
        sleeper = self._time.fall_asleep(at, woken.set)
        try:
            await woken.wait()
        finally:
            self._time.get_up(sleeper)


class VirtualSyncClock:
    """The virtual time as the blocking driver takes it."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.now = time.now
        self.run = time.run
        self.idle = time.idle

    def sleep_until(self, at: float) -> None:
        """See `SyncClock`."""
        woken = threading.Event()
        sleeper = self._time.fall_asleep(at, woken.set)
        try:
            woken.wait()
        finally:
            self._time.get_up(sleeper)
