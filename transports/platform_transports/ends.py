"""What many runs end in, each as it ends, in a row for whoever asks for the next one: the work is done in tasks or in threads of its own.

Whoever leaves the row early, or closes the client, leaves the runs that are still under way: they send nothing more.

asyncio and anyio are imported where an event loop runs, and has loaded them: a blocking client would pay for both and use neither.
"""

import queue
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, NoReturn, Protocol, TypeVar

from .clock import is_asyncio
from .runs import AsyncRuns

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class AsyncWork(Protocol[T_co]):
    """So many ends, for as many tasks as one likes."""

    @property
    def count(self) -> int:
        """How many ends there will be."""
        ...

    async def work(self, tell: Callable[[Callable[[], T_co]], None], /) -> None:
        """What each task does; tells each end as what answers with it or raises it."""
        ...


class SyncWork(Protocol[T_co]):
    """The same for threads."""

    @property
    def count(self) -> int:
        """How many ends there will be."""
        ...

    def work(self, tell: Callable[[Callable[[], T_co]], None], /) -> None:
        """What each thread does."""
        ...


class AsyncEnds(AsyncIterator[T], Generic[T]):
    """The ends of the work that `begin` answers with once the first end is asked for; in a row for one event loop.

    `runs` are those of the work, left with the row; at most `concurrency` tasks do it.
    """

    def __init__(self, begin: Callable[[], AsyncWork[T]], runs: AsyncRuns, concurrency: int) -> None:
        self._begin = begin
        self._tasks: _Tasks[T] | None = None
        self._concurrency = concurrency
        # Who breaks out of a loop says nothing more. The tasks do not hold this object, so that it goes when nobody waits any more.
        self._leave = weakref.finalize(self, runs.close)
        self._leave.atexit = False

    async def __anext__(self) -> T:
        import anyio

        if self._tasks is None:
            self._tasks = _Tasks(self._begin(), self._concurrency)
        try:
            return await self._tasks.next()
        except anyio.get_cancelled_exc_class():
            self._leave()
            raise

    async def aclose(self) -> None:
        """Leave the runs that are still under way."""
        self._leave()


class _Tasks(Generic[T]):
    """The tasks, which no cancellation of a waiter reaches."""

    def __init__(self, work: AsyncWork[T], concurrency: int) -> None:
        import anyio

        self._work = work
        self._left = work.count
        self._ends: deque[Callable[[], T]] = deque()
        self._came = anyio.Event()
        self._concurrency = min(concurrency, work.count)
        if is_asyncio():
            import asyncio

            self._task = asyncio.get_running_loop().create_task(self._perform())
        else:
            import trio

            trio.lowlevel.spawn_system_task(self._perform)

    async def next(self) -> T:
        """The end of the next one that ends."""
        while not self._ends:
            if not self._left:
                raise StopAsyncIteration
            await self._came.wait()
        return self._ends.popleft()()

    async def _perform(self) -> None:
        import anyio

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(self._concurrency):
                    tasks.start_soon(self._work.work, self._tell)
        except Exception as error:  # noqa: BLE001 -- a bug of the work, raised where somebody waits
            self._left = 1
            self._tell(partial(_raise, error))

    def _tell(self, end: Callable[[], T]) -> None:
        import anyio

        self._ends.append(end)
        self._left -= 1
        self._came.set()
        self._came = anyio.Event()


def sync_ends(begin: Callable[[], SyncWork[T]], closed: threading.Event, concurrency: int) -> Iterator[T]:
    """The same in threads: `closed` is set where the row is left early, and ends the runs of this work."""
    work = begin()
    ends: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def perform() -> None:
        try:
            work.work(ends.put)
        except BaseException as error:  # noqa: BLE001 -- raised where somebody waits
            ends.put(partial(_raise, error))

    if not work.count:
        return
    workers = min(work.count, concurrency)
    with ThreadPoolExecutor(workers, "platform-client") as threads:
        try:
            for _ in range(workers):
                threads.submit(perform)
            for _ in range(work.count):
                yield ends.get()()
        finally:
            closed.set()


def _raise(error: BaseException) -> NoReturn:
    raise error
