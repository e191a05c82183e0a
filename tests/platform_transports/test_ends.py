"""The ends of many calls, each as it ends: in their order, also where one raises; and what becomes of calls that are left."""

import gc
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio
import pytest

from platform_transports.drive import AsyncRuns
from platform_transports.ends import THREADS_MAX, AsyncEnds, sync_ends

Call = Callable[[AsyncRuns], Awaitable[int]]


class Calls:
    """Calls that end when they are told to, or with the runs that they are of."""

    def __init__(self, count: int) -> None:
        self.gates = [anyio.Event() for _ in range(count)]
        self.left: list[int] = []
        self.begun = 0
        self.runs = AsyncRuns()
        self.ends = AsyncEnds(self._begin, self.runs)

    def have_left(self) -> bool:
        """Whether those of the first and the third gate were left."""
        return sorted(self.left) == [0, 2]

    def _begin(self) -> Sequence[Call]:
        return [self._call(number) for number in range(len(self.gates))]

    def _call(self, number: int) -> Call:
        async def call(runs: AsyncRuns) -> int:
            assert runs is self.runs
            self.begun += 1
            with runs.alive() as scope:
                await self.gates[number].wait()
            if scope.cancelled_caught:
                self.left.append(number)
            return number

        return call


async def settled(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
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

    async def test_an_error_is_raised_where_somebody_waits_and_the_others_go_on(self) -> None:
        gate = anyio.Event()

        async def fail(_: AsyncRuns) -> int:
            raise LookupError("a bug")

        async def succeed(_: AsyncRuns) -> int:
            await gate.wait()
            return 1

        ends = AsyncEnds(lambda: [fail, succeed], AsyncRuns())
        with pytest.raises(LookupError, match=r"^a bug$"):
            await anext(ends)
        gate.set()
        assert await anext(ends) == 1

    async def test_several_tasks_may_wait(self) -> None:
        calls, found = Calls(3), list[int]()

        async def wait() -> None:
            found.append(await anext(calls.ends))

        with anyio.fail_after(30):
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


class TestInThreads:
    def test_each_comes_as_it_ends(self) -> None:
        gates = [threading.Event() for _ in range(3)]

        def call(number: int) -> int:
            gates[number].wait()
            return number

        closed = threading.Event()
        ends = sync_ends([partial(call, number) for number in range(3)], closed)
        found: list[int] = []
        for number in (2, 0, 1):
            gates[number].set()
            found.append(next(ends))
        assert found == [2, 0, 1]
        assert next(ends, None) is None

    def test_none_has_no_end(self) -> None:
        calls: list[Callable[[], int]] = []
        assert list(sync_ends(calls, threading.Event())) == []

    def test_an_error_is_raised_where_somebody_waits(self) -> None:
        def fail() -> int:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(sync_ends([fail], threading.Event()))

    def test_who_goes_away_closes_the_others_and_waits_for_them(self) -> None:
        closed, left = threading.Event(), list[int]()

        def wait() -> int:
            closed.wait()
            left.append(1)
            return 1

        ends = sync_ends([wait, lambda: 2], closed)
        assert next(ends) == 2
        assert left == []
        del ends
        assert left == [1]

    def test_more_than_there_are_threads_end_all_the_same(self) -> None:
        count = THREADS_MAX + 5
        assert sum(sync_ends([partial(int, 1)] * count, threading.Event())) == count
