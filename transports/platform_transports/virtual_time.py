"""Time that only passes when nobody can do anything else: for tests that are exact, and over at once.

It jumps to the next timer when as many runs wait as are alive, and wakes one sleeper at a time, so that what a run does depends
neither on how an event loop orders its tasks nor on how threads are scheduled. It works the same for tasks and for threads,
since a sleeper is only a function that wakes it.

Rule 1: a run is awake from `run()` on, unless it sleeps or is idle, and again from the moment at which it is woken, not from when
        its task or thread goes on. While one run is awake, time stands still for all.
Rule 2: time never goes back. A timer in the past is due at once, after those that were due before it.
Rule 3: what is due at the same time is due in the order of its turns, and of falling asleep where the turn is the same.
Rule 4: before `run()` nobody knows of a run, and time may jump. On an event loop whoever is about to sleep first lets all tasks go
        that are ready, so that tasks which were started together begin at the same time. Threads do where `together` says how many.
Rule 5: whatever sleeps counts as a run, so it should be one: a test that sleeps itself does so inside `run()`, else time may jump
        while another run is awake. Who is cancelled in its sleep is awake once its task goes on: whoever cancels it lets it go on.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import anyio
import anyio.lowlevel


class VirtualTime:
    """The time, who is alive in it, and who waits.

    Whoever waits is entered under a name of its own, before it is, so that an interrupt between any two lines leaves nobody behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self._runs: set[object] = set()
        self._announced = 0
        self._idle: dict[object, int] = {}
        self._numbers = itertools.count()
        self._timers: list[tuple[float, str, int]] = []
        self._sleepers: dict[int, Callable[[], None]] = {}
        self._light: set[int] = set()
        self.stirs: int = 0
        """How often something has happened for which a light sleeper is woken."""

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def together(self, runs: int) -> None:
        """Let time stand still until so many runs more have begun: until then they count as awake."""
        with self._lock:
            self._announced += runs

    @contextmanager
    def run(self) -> Generator[None, None, None]:
        """A run is alive inside it."""
        run = object()
        try:
            with self._lock:
                self._runs.add(run)
                self._announced = max(0, self._announced - 1)
            yield
        finally:
            with self._lock:
                self._runs.discard(run)
                self._jump_if_all_wait()

    @contextmanager
    def idle(self, waiter: int) -> Generator[None, None, None]:
        """A run waits inside it for another one, not for the time; `waiter` names its task or thread, which counts once."""
        wait = object()
        try:
            with self._lock:
                self._idle[wait] = waiter
                self._jump_if_all_wait()
            yield
        finally:
            with self._lock:
                self._idle.pop(wait, None)

    def sleeper(self) -> int:
        """A name for whoever is about to fall asleep."""
        return next(self._numbers)

    def stir(self) -> None:
        """Wake all light sleepers, now: whoever does this is awake, so that they wait for their turn."""
        with self._lock:
            self.stirs += 1
            for sleeper in sorted(self._light):
                heapq.heappush(self._timers, (self._now, "", sleeper))

    def fall_asleep(
        self, sleeper: int, at: float, wake: Callable[[], None], turn: str = "", unless_stirred_since: int | None = None
    ) -> None:
        """Have `wake` called at this time; among those of the same time, in the order of their turns.

        `unless_stirred_since` makes a light sleeper, who knows of so many `stirs`.
        """
        with self._lock:
            if unless_stirred_since is not None:
                self._light.add(sleeper)
                at = at if unless_stirred_since == self.stirs else self._now
            heapq.heappush(self._timers, (max(at, self._now), turn, sleeper))
            self._sleepers[sleeper] = wake
            self._jump_if_all_wait()

    def get_up(self, sleeper: int) -> None:
        """Sleep no longer, woken or not."""
        with self._lock:
            self._sleepers.pop(sleeper, None)
            self._light.discard(sleeper)

    def _jump_if_all_wait(self) -> None:
        while self._timers and len(self._sleepers) + len(set(self._idle.values())) >= len(self._runs) + self._announced:
            at, _, sleeper = self._timers[0]
            wake = self._sleepers.get(sleeper)
            if wake is not None:
                self._now = at
                wake()
                del self._sleepers[sleeper]
            heapq.heappop(self._timers)


class VirtualClock:
    """The virtual time as the async driver takes it."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.now: Callable[[], float] = time.now
        self.run: Callable[[], AbstractContextManager[None]] = time.run

    def idle(self) -> AbstractContextManager[None]:
        """See `CountsRuns`."""
        return self._time.idle(anyio.get_current_task().id)

    async def sleep_until(self, at: float) -> None:
        """See `Clock`."""
        await self._sleep_until(at, "")

    async def listen_until(self, at: float, stirs: int) -> None:
        """As `sleep_until`, but no longer than to the next stir after so many."""
        await self._sleep_until(at, "", stirs)

    async def take_turn(self, turn: str) -> None:
        """Return without a pause, but after whoever is due now, and in the order of the turns."""
        await self._sleep_until(self._time.now(), turn)

    async def _sleep_until(self, at: float, turn: str, stirs: int | None = None) -> None:
        await anyio.lowlevel.checkpoint()
        woken = anyio.Event()
        sleeper = self._time.sleeper()
        try:
            self._time.fall_asleep(sleeper, at, woken.set, turn, stirs)
            await woken.wait()
        finally:
            self._time.get_up(sleeper)


class VirtualSyncClock:
    """The virtual time as the blocking driver takes it."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self.now: Callable[[], float] = time.now
        self.run: Callable[[], AbstractContextManager[None]] = time.run

    def idle(self) -> AbstractContextManager[None]:
        """See `CountsRuns`."""
        return self._time.idle(threading.get_ident())

    def sleep_until(self, at: float) -> None:
        """See `SyncClock`."""
        self._sleep_until(at, "")

    def listen_until(self, at: float, stirs: int) -> None:
        """See `VirtualClock`."""
        self._sleep_until(at, "", stirs)

    def take_turn(self, turn: str) -> None:
        """Return without a pause, but after whoever is due now, and in the order of the turns."""
        self._sleep_until(self._time.now(), turn)

    def _sleep_until(self, at: float, turn: str, stirs: int | None = None) -> None:
        # A plain lock: an interrupt inside of a `threading.Event` may leave its inner lock taken for ever.
        gate = threading.Lock()
        gate.acquire()
        sleeper = self._time.sleeper()
        try:
            self._time.fall_asleep(sleeper, at, gate.release, turn, stirs)
            gate.acquire()
        finally:
            self._time.get_up(sleeper)
