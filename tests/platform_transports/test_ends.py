"""The ends of many calls, each as it ends: in their order, also where one raises; and what becomes of calls that are left."""

import gc
import threading
from collections.abc import Callable, Iterable
from functools import partial

import anyio
import pytest

from platform_transports.ends import AsyncEnds, sync_ends
from platform_transports.runs import AsyncRuns
from tests.support.patience import HANG_SECONDS

Tell = Callable[[Callable[[], int]], None]


class Calls:
    """Work whose ends come when they are told to, or with the runs that they are of."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.gates = [anyio.Event() for _ in range(count)]
        self.left: list[int] = []
        self.begun = 0
        self.runs = AsyncRuns()
        self.ends = AsyncEnds(lambda: self, self.runs, 100)

    async def work(self, tell: Tell) -> None:
        number = self.begun
        self.begun += 1
        left = True
        with self.runs.alive():
            await self.gates[number].wait()
            left = False
        if left:
            self.left.append(number)
        tell(lambda: number)

    def have_left(self) -> bool:
        """Whether those of the first and the third gate were left."""
        return sorted(self.left) == [0, 2]


class Ready:
    """Work of which everything has ended at once: one worker may tell all of it."""

    def __init__(self, ends: Iterable[Callable[[], int]]) -> None:
        self._ends = list(ends)
        self.count = len(self._ends)
        self.workers = 0

    async def work(self, tell: Tell) -> None:
        self.workers += 1
        self.tell(tell)

    def tell(self, tell: Tell) -> None:
        while self._ends:
            tell(self._ends.pop(0))


class Broken:
    """Work that has a bug."""

    count = 3

    async def work(self, tell: Tell) -> None:
        tell(lambda: 1)
        raise LookupError("a bug of the work")


def fail() -> int:
    raise LookupError("a bug")


async def settled(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(HANG_SECONDS):
        while not condition():
            await anyio.lowlevel.checkpoint()


class TestInTasks:
    async def test_each_comes_as_it_ends(self) -> None:
        calls = Calls(3)
        found: list[int] = []
        for number in (2, 0, 1):
            calls.gates[number].set()
            found.append(await anext(calls.ends))
        assert found == [2, 0, 1]
        with pytest.raises(StopAsyncIteration):
            await anext(calls.ends)

    async def test_none_has_no_end(self) -> None:
        assert [each async for each in Calls(0).ends] == []

    async def test_nothing_is_begun_before_the_first_is_asked_for(self) -> None:
        calls = Calls(1)
        await anyio.lowlevel.checkpoint()
        assert calls.begun == 0

    async def test_an_error_is_raised_where_somebody_waits_and_the_others_come(self) -> None:
        ready = Ready([fail, lambda: 1])
        ends = AsyncEnds(lambda: ready, AsyncRuns(), 100)
        with pytest.raises(LookupError, match=r"^a bug$"):
            await anext(ends)
        assert await anext(ends) == 1
        with pytest.raises(StopAsyncIteration):
            await anext(ends)

    async def test_there_are_no_more_tasks_than_allowed_nor_than_ends(self) -> None:
        for concurrency, workers in ((2, 2), (100, 3)):
            ready = Ready([partial(int, number) for number in range(3)])
            assert [each async for each in AsyncEnds(lambda: ready, AsyncRuns(), concurrency)] == [0, 1, 2]  # noqa: B023 -- looped over here
            await settled(lambda: ready.workers == workers)  # noqa: B023 -- waited for here

    async def test_a_bug_of_the_work_is_raised_and_nobody_waits_for_ever(self) -> None:
        ends = AsyncEnds(Broken, AsyncRuns(), 1)
        assert await anext(ends) == 1
        with anyio.fail_after(HANG_SECONDS), pytest.raises(ExceptionGroup) as raised:
            await anext(ends)
        assert raised.group_contains(LookupError, match=r"^a bug of the work$")
        with pytest.raises(StopAsyncIteration):
            await anext(ends)

    async def test_several_tasks_may_wait(self) -> None:
        calls, found = Calls(3), list[int]()

        async def wait() -> None:
            found.append(await anext(calls.ends))

        with anyio.fail_after(HANG_SECONDS):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(wait)
                await settled(lambda: calls.begun == 3)
                for gate in calls.gates:
                    gate.set()
        assert sorted(found) == [0, 1, 2]

    async def test_who_goes_away_leaves_the_others(self) -> None:
        for leave in ("break", "close", "cancel"):
            calls = Calls(3)
            calls.gates[1].set()
            assert await anext(calls.ends) == 1
            if leave == "break":
                del calls.ends
                gc.collect()
            elif leave == "close":
                await calls.ends.aclose()
            else:
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await anext(calls.ends)
            assert calls.runs.closed
            await settled(calls.have_left)

    async def test_to_close_all_runs_closes_these_as_well_and_not_the_other_way_round(self) -> None:
        every = AsyncRuns()
        part, other = every.part(), every.part()
        part.close()
        assert (every.closed, part.closed, other.closed) == (False, True, False)
        every.close()
        assert other.closed


class Gated:
    """Work of threads, each of which ends when it is told to."""

    def __init__(self, gates: list[threading.Event]) -> None:
        self._gates = list(enumerate(gates))
        self.count = len(gates)
        self.told: list[int] = []

    def work(self, tell: Tell) -> None:
        number, gate = self._gates.pop(0)
        gate.wait()
        self.told.append(number)
        tell(lambda: number)


class AtOnce:
    """`Ready`, for threads."""

    def __init__(self, ends: Iterable[Callable[[], int]]) -> None:
        self._ready = Ready(ends)
        self.count = self._ready.count

    def work(self, tell: Tell) -> None:
        self._ready.tell(tell)


class BrokenInThreads:
    """`Broken`, for threads."""

    count = 3

    def work(self, tell: Tell) -> None:
        raise KeyboardInterrupt


class TestInThreads:
    def test_each_comes_as_it_ends(self) -> None:
        gates = [threading.Event() for _ in range(3)]
        ends = sync_ends(lambda: Gated(gates), threading.Event(), 100)
        found: list[int] = []
        for number in (2, 0, 1):
            gates[number].set()
            found.append(next(ends))
        assert found == [2, 0, 1]
        assert next(ends, None) is None

    def test_none_has_no_end(self) -> None:
        assert list(sync_ends(lambda: Gated([]), threading.Event(), 100)) == []

    def test_an_error_is_raised_where_somebody_waits(self) -> None:
        with pytest.raises(LookupError, match=r"^a bug$"):
            list(sync_ends(lambda: AtOnce([fail]), threading.Event(), 100))
        with pytest.raises(KeyboardInterrupt):
            list(sync_ends(BrokenInThreads, threading.Event(), 100))

    def test_who_goes_away_closes_the_others_and_waits_for_them(self) -> None:
        closed, done = threading.Event(), threading.Event()
        done.set()
        work = Gated([done, closed])
        ends = sync_ends(lambda: work, closed, 100)
        assert next(ends) == 0
        assert work.told == [0]
        del ends
        assert work.told == [0, 1]

    def test_fewer_threads_than_ends_tell_all_of_them(self) -> None:
        assert list(sync_ends(lambda: AtOnce(partial(int, number) for number in range(300)), threading.Event(), 1)) == list(range(300))
