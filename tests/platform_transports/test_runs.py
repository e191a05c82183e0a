"""Runs that are alive end with their client: early, all of them, and without a trace in the task that they ran in."""

import asyncio

import anyio
import anyio.lowlevel
import pytest

from platform_transports.clock import is_asyncio
from platform_transports.runs import AsyncRuns, Closed
from tests.support.patience import HANG_SECONDS


async def test_closing_ends_every_run_and_those_of_its_parts() -> None:
    runs, left = AsyncRuns(), list[str]()

    async def run(name: str, of: AsyncRuns) -> None:
        with of.alive():
            await anyio.sleep_forever()
        left.append(name)

    with anyio.fail_after(HANG_SECONDS):
        async with anyio.create_task_group() as tasks:
            for name, of in (("one", runs), ("another", runs), ("of a part", runs.part())):
                tasks.start_soon(run, name, of)
            await anyio.wait_all_tasks_blocked()
            runs.close()
    assert runs.closed
    assert sorted(left) == ["another", "of a part", "one"]


@pytest.mark.parametrize("whole", [AsyncRuns, Closed])
def test_parts_end_by_themselves_and_with_the_whole_whoever_holds_them(whole: type[AsyncRuns] | type[Closed]) -> None:
    runs = whole()
    ended, sibling, child = runs.part(), runs.part(), runs.part().part()  # nobody holds the one in the middle
    assert [each.is_part for each in (runs, ended, child)] == [False, True, True]
    _end(ended)
    assert [_is_ended(each) for each in (runs, ended, ended.part(), sibling, child)] == [False, True, True, False, False]
    _end(runs)
    assert all(_is_ended(each) for each in (runs, sibling, child, runs.part(), child.part()))


async def test_a_run_that_closes_its_client_and_waits_no_more_leaves_nothing_behind() -> None:
    runs = AsyncRuns()
    with runs.alive():
        runs.close()
    await anyio.lowlevel.checkpoint()
    assert not is_asyncio() or not _cancellations()


async def test_closing_twice_ends_a_run_once() -> None:
    runs = AsyncRuns()
    with anyio.fail_after(HANG_SECONDS), runs.alive():
        runs.close()
        runs.close()
        await anyio.sleep_forever()
    await anyio.lowlevel.checkpoint()
    assert not is_asyncio() or not _cancellations()


async def test_an_error_of_the_run_is_raised_also_where_the_client_is_closed() -> None:
    runs = AsyncRuns()

    async def fail() -> None:
        with runs.alive():
            runs.close()
            with pytest.raises(anyio.get_cancelled_exc_class()):
                await anyio.sleep_forever()
            raise LookupError("its own")

    with anyio.fail_after(HANG_SECONDS), pytest.raises(LookupError, match="its own"):
        await fail()
    assert not is_asyncio() or not _cancellations()


async def test_a_shielded_run_is_left_by_closing_alone() -> None:
    runs, steps = AsyncRuns(), list[str]()
    with anyio.fail_after(HANG_SECONDS):
        with anyio.CancelScope() as scope:
            with runs.alive_shielded():
                scope.cancel()
                await anyio.lowlevel.checkpoint()
                steps.append("shielded")
                runs.close()
                await anyio.sleep_forever()
            steps.append("left")
    assert steps == ["shielded", "left"]


def test_a_cancellation_from_elsewhere_goes_on_its_way_though_the_client_is_closed_as_well() -> None:
    async def run(runs: AsyncRuns) -> None:
        with runs.alive():
            await asyncio.sleep(3600)

    async def both(close_first: bool) -> None:
        runs = AsyncRuns()
        task = asyncio.create_task(run(runs))
        await asyncio.sleep(0)
        for do in (runs.close, task.cancel) if close_first else (task.cancel, runs.close):
            do()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(both(close_first=True))
    asyncio.run(both(close_first=False))


def test_what_a_timeout_around_the_run_does_is_not_taken_for_the_closing() -> None:
    async def end() -> None:
        runs = AsyncRuns()
        async with asyncio.timeout(0):
            with runs.alive():
                runs.close()
                await asyncio.sleep(3600)

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await end()
        assert not _cancellations()

    asyncio.run(run())


def test_closing_after_the_event_loop_has_gone_does_nothing() -> None:
    runs = AsyncRuns()

    async def enter() -> None:
        runs.alive().__enter__()  # and never left: its task was thrown away

    asyncio.run(enter())
    runs.close()


def _cancellations() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


def _end(runs: AsyncRuns | Closed) -> None:
    runs.close() if isinstance(runs, AsyncRuns) else runs.set()


def _is_ended(runs: AsyncRuns | Closed) -> bool:
    return runs.closed if isinstance(runs, AsyncRuns) else runs.is_set()
