"""What many runs end in, each as it ends: at the same time, in tasks or in threads.

Whoever leaves the row early, or closes the client, leaves the runs that are still under way: they send nothing more.
"""

import asyncio
import queue
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, NoReturn, TypeVar

import anyio

from .drive import AsyncRuns

T = TypeVar("T")

THREADS_MAX = 100
"""As many as a client has connections: who waits for a thread has not begun, and its clock stands still."""


class AsyncEnds(AsyncIterator[T], Generic[T]):
    """The ends of the calls that `begin` answers with once the first end is asked for; in a row for one event loop.

    Each call is handed the runs that it has to be one of.
    """

    def __init__(self, begin: Callable[[], Sequence[Callable[[AsyncRuns], Awaitable[T]]]], runs: AsyncRuns) -> None:
        self._begin = begin
        self._calls: _Calls[T] | None = None
        self._runs = runs
        # Who breaks out of a loop says nothing more. The calls do not hold this object, so that it goes when nobody waits any more.
        self._leave = weakref.finalize(self, runs.close)
        self._leave.atexit = False

    async def __anext__(self) -> T:
        if self._calls is None:
            self._calls = _Calls(self._begin(), self._runs)
        try:
            return await self._calls.next()
        except anyio.get_cancelled_exc_class():
            self._leave()
            raise

    async def aclose(self) -> None:
        """Leave the runs that are still under way."""
        self._leave()


class _Calls(Generic[T]):
    """The calls, in tasks of their own, which no cancellation of a waiter reaches."""

    def __init__(self, calls: Sequence[Callable[[AsyncRuns], Awaitable[T]]], runs: AsyncRuns) -> None:
        self._calls = calls
        self._runs = runs
        self._left = len(calls)
        self._ends: deque[Callable[[], T]] = deque()
        self._came = anyio.Event()
        # What anyio raises on cancellation tells the two worlds apart.
        if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
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
        async with anyio.create_task_group() as tasks:
            for call in self._calls:
                tasks.start_soon(self._end, call)

    async def _end(self, call: Callable[[AsyncRuns], Awaitable[T]]) -> None:
        try:
            value = await call(self._runs)
        except Exception as error:  # noqa: BLE001 -- raised where somebody waits for it
            self._ends.append(partial(_raise, error))
        else:
            self._ends.append(lambda: value)
        finally:
            self._left -= 1
            self._came.set()
            self._came = anyio.Event()


def sync_ends(calls: Sequence[Callable[[], T]], closed: threading.Event) -> Iterator[T]:
    """The same in threads: `closed` is set where the row is left early, and ends the runs of these calls."""
    ends: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def perform(call: Callable[[], T]) -> None:
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001 -- raised where somebody waits for it
            ends.put(partial(_raise, error))
        else:
            ends.put(lambda: value)

    if not calls:
        return
    with ThreadPoolExecutor(min(len(calls), THREADS_MAX), "platform-client") as threads:
        try:
            for call in calls:
                threads.submit(perform, call)
            for _ in calls:
                yield ends.get()()
        finally:
            closed.set()
            threads.shutdown(wait=True, cancel_futures=True)


def _raise(error: BaseException) -> NoReturn:
    raise error
