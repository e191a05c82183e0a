"""A call whose pieces are asked for one after another: never more than one ahead, left in many ways, and never cut off in silence."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable

import anyio
import pytest

from flow_sdk import pulling
from flow_sdk.platform_client import PlatformClientError
from flow_sdk.pulling import AsyncPut, AsyncStream, SyncPut, SyncStream
from tests.support.flowing import all_of
from tests.support.patience import HANG_SECONDS


class OursError(Exception):
    """What a call raises."""


async def counting(put: AsyncPut[int], made: list[int], error: Exception | None = None) -> None:
    for number in range(5):
        made.append(number)
        await put(number)
    if error is not None:
        raise error


def counting_in_thread(put: SyncPut[int], made: list[int], error: BaseException | None = None) -> None:
    for number in range(5):
        made.append(number)
        put(number)
    if error is not None:
        raise error


class TestAsync:
    async def test_each_piece_comes_in_turn_and_then_the_end(self) -> None:
        assert [number async for number in AsyncStream[int](lambda put: counting(put, []))] == [0, 1, 2, 3, 4]

    async def test_it_is_one_piece_ahead_and_no_more(self) -> None:
        made: list[int] = []
        stream = AsyncStream[int](lambda put: counting(put, made))
        await anext(stream)
        await anyio.wait_all_tasks_blocked()
        assert made == [0, 1, 2]
        await stream.aclose()

    async def test_its_error_comes_once_after_the_pieces(self) -> None:
        stream = AsyncStream[int](lambda put: counting(put, [], OursError("mine")))
        found: list[int] = []
        with pytest.raises(OursError, match="mine"):
            await all_of(stream, found)
        assert found == [0, 1, 2, 3, 4]
        assert [number async for number in stream] == []

    async def test_who_leaves_interrupts_it_and_hears_no_more(self) -> None:
        ended: list[str] = []

        async def call(put: AsyncPut[int]) -> None:
            try:
                await counting(put, [])
            finally:
                ended.append("ended")

        async with AsyncStream(call) as stream:
            await anext(stream)
        assert ended == ["ended"]
        assert [number async for number in stream] == []
        await stream.aclose()

    async def test_who_leaves_waits_for_its_clean_up_but_not_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulling, "LEAVE_SECONDS_MAX", 0.01)
        let_go = anyio.Event()

        async def call(put: AsyncPut[int]) -> None:
            try:
                await counting(put, [])
            finally:
                with anyio.CancelScope(shield=True):
                    await let_go.wait()

        async with AsyncStream(call) as stream:
            await anext(stream)
        let_go.set()
        await stream.aclose()

    async def test_a_cancelled_waiter_interrupts_it(self) -> None:
        ended: list[str] = []

        async def call(put: AsyncPut[int]) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("ended")

        stream = AsyncStream[int](call)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anext, stream)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert ended == ["ended"]

    async def test_who_drops_it_interrupts_it(self) -> None:
        ended = anyio.Event()

        async def call(put: AsyncPut[int]) -> None:
            try:
                await counting(put, [])
            finally:
                ended.set()

        async for _ in AsyncStream(call):
            break
        gc.collect()
        with anyio.fail_after(HANG_SECONDS):
            await ended.wait()

    async def test_one_that_was_never_asked_never_begins(self) -> None:
        made: list[int] = []
        async with AsyncStream[int](lambda put: counting(put, made)):
            pass
        assert made == []

    def test_where_the_loop_cancels_it_the_end_is_no_silent_one(self) -> None:
        async def scenario() -> None:
            stream = AsyncStream[int](lambda put: counting(put, []))
            await anext(stream)
            (others,) = [asyncio.all_tasks() - {asyncio.current_task()}]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            with pytest.raises(PlatformClientError, match="cancelled with its event loop"):
                async for _ in stream:
                    pass

        asyncio.run(scenario())


class TestThread:
    def test_each_piece_comes_in_turn_and_then_the_end(self) -> None:
        assert list(SyncStream[int](lambda put: counting_in_thread(put, []))) == [0, 1, 2, 3, 4]

    def test_its_error_comes_once_after_the_pieces(self) -> None:
        stream = SyncStream[int](lambda put: counting_in_thread(put, [], OursError("mine")))
        found: list[int] = []
        with pytest.raises(OursError, match="mine"):
            found.extend(stream)
        assert found == [0, 1, 2, 3, 4]
        assert list(stream) == []

    def test_who_leaves_interrupts_it_at_its_next_piece_and_hears_no_more(self) -> None:
        made: list[int] = []
        with SyncStream[int](lambda put: counting_in_thread(put, made)) as stream:
            next(stream)
        assert len(made) < 5
        assert list(stream) == []
        stream.close()

    def test_who_drops_it_interrupts_it(self) -> None:
        ended = threading.Event()

        def call(put: SyncPut[int]) -> None:
            try:
                counting_in_thread(put, [])
            finally:
                ended.set()

        for _ in SyncStream(call):
            break
        gc.collect()
        assert ended.wait(HANG_SECONDS)

    def test_an_interrupt_of_who_waits_interrupts_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = SyncStream[int](lambda put: counting_in_thread(put, []))
        next(stream)

        def interrupted(_: object) -> int:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("flow_sdk.pulling._Thread.next", interrupted)
            with pytest.raises(KeyboardInterrupt):
                next(stream)
        assert list(stream) == []

    def test_one_that_hears_nothing_is_helped_to_its_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulling, "STUCK_SECONDS", 0.01)
        silence = threading.Event()
        stream = SyncStream[int](stuck_until(silence), silence.set)
        next(stream)
        stream.close()
        assert silence.is_set()

    def test_one_that_nothing_helps_is_left_to_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulling, "STUCK_SECONDS", 0.01)
        silence = threading.Event()
        stream = SyncStream[int](stuck_until(silence))
        next(stream)
        stream.close()
        assert list(stream) == []
        silence.set()

    def test_one_that_was_never_asked_never_begins(self) -> None:
        made: list[int] = []
        with SyncStream[int](lambda put: counting_in_thread(put, made)):
            pass
        assert made == []

    def test_a_program_that_ends_amid_it_lets_it_end(self) -> None:
        program = """
from flow_sdk.pulling import SyncStream
def call(put):
    try:
        while True:
            put(1)
    finally:
        print("ended")
stream = SyncStream(call)
print(next(stream))
"""
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert (ended.stdout.split(), ended.stderr) == (["1", "ended"], "")


def stuck_until(silence: threading.Event) -> Callable[[SyncPut[int]], object]:
    def call(put: SyncPut[int]) -> None:
        put(1)
        silence.wait()

    return call
