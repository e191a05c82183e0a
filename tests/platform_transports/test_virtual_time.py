"""Virtual time: it jumps when nobody can do anything else, wakes one sleeper at a time, and is the same in every world."""

import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from platform_core import operations
from platform_core.machine import Operation
from platform_core.messages import Request, Response
from platform_core.tokens import Token
from platform_transports.contract import CountsRuns
from platform_transports.fake import FakePlatform
from platform_transports.tokens import AsyncTokens, SyncTokens
from platform_transports.virtual_time import VirtualClock, VirtualSyncClock, VirtualTime
from tests.support.driven import IDS, drive, drive_sync, platform, seed
from tests.support.patience import HANG_SECONDS

Received = tuple[float, str, str | None]
MINUTES = 60.0


def in_threads(*functions: Callable[[], object]) -> None:
    """Run them all, each in a thread; raise what one of them raised."""
    errors: list[BaseException] = []

    def run(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 -- raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,), daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
        assert not thread.is_alive(), "virtual time stands still"
    if errors:
        raise errors[0]


async def in_tasks(*functions: Callable[[], Coroutine[Any, Any, object]]) -> None:
    with anyio.fail_after(HANG_SECONDS):
        async with anyio.create_task_group() as group:
            for function in functions:
                group.start_soon(function)


def long_run(number: int, minutes: float) -> Operation[Any]:
    seconds = minutes * MINUTES + number / 7
    return operations.execute_code_block(IDS["sleep"], {"seconds": seconds}, poll_interval_seconds=60.0, seed=seed(number))


def noted(received: list[Received]) -> FakePlatform:
    """A platform that refuses the token of every fiftieth request, and is busy at every thirtieth."""

    def script(request: Request) -> Response | None:
        received.append((fake.now, request.target, request.headers.get("X-Request-ID")))
        if len(received) % 50 == 0:
            return Response(401)
        return Response(503) if len(received) % 30 == 0 else None

    fake = platform(script)
    return fake


async def trace_in_tasks(runs: int, minutes: float) -> list[Received]:
    received: list[Received] = []
    fake, numbers = noted(received), iter(range(2, 10_000))
    transport = fake.asynchronous()

    async def provider() -> str:
        await anyio.lowlevel.checkpoint()
        return f"token-{next(numbers)}"

    tokens = AsyncTokens(Token.checked("token-1", "token"), provider)
    ended: list[str] = []

    async def run(number: int) -> None:
        ended.append((await drive(long_run(number, minutes), fake, transport=transport, tokens=tokens))["status"])

    await in_tasks(*(partial(run, number) for number in range(runs)))
    assert ended == ["completed"] * runs
    return received


def trace_in_threads(runs: int, minutes: float) -> list[Received]:
    received: list[Received] = []
    fake, numbers = noted(received), iter(range(2, 10_000))
    fake.together(runs)
    transport = fake.synchronous()
    tokens = SyncTokens(Token.checked("token-1", "token"), lambda: f"token-{next(numbers)}")
    in_threads(*(partial(drive_sync, long_run(number, minutes), fake, transport=transport, tokens=tokens) for number in range(runs)))
    return received


def test_a_hundred_runs_over_fifty_minutes_have_the_same_trace_on_asyncio_and_on_trio() -> None:
    on_asyncio = anyio.run(trace_in_tasks, 100, 50.0, backend="asyncio")
    on_trio = anyio.run(trace_in_tasks, 100, 50.0, backend="trio")
    assert on_asyncio == on_trio
    assert on_asyncio[-1][0] > 50 * MINUTES
    assert len(on_asyncio) > 5000
    times = [at for at, _, _ in on_asyncio]
    assert times == sorted(times)


def test_ten_threads_have_the_same_trace_as_ten_tasks() -> None:
    in_ten_threads = trace_in_threads(10, 20.0)
    assert in_ten_threads == anyio.run(trace_in_tasks, 10, 20.0, backend="trio")
    assert in_ten_threads == trace_in_threads(10, 20.0)


def test_both_clocks_count_runs() -> None:
    assert isinstance(VirtualClock(VirtualTime()), CountsRuns)
    assert isinstance(VirtualSyncClock(VirtualTime()), CountsRuns)


def test_time_jumps_to_the_timer_and_never_back() -> None:
    clock = VirtualSyncClock(VirtualTime())
    clock.sleep_until(10.0)
    assert clock.now() == 10.0
    clock.sleep_until(5.0)
    assert clock.now() == 10.0
    with clock.run():
        clock.sleep_until(20.0)
    assert clock.now() == 20.0


def test_time_stands_still_while_one_run_is_awake() -> None:
    time = VirtualTime()
    woken: list[str] = []
    with time.run(), time.run():
        time.fall_asleep(time.sleeper(), 5.0, lambda: woken.append("first"))
        assert (time.now(), woken) == (0.0, [])
        time.fall_asleep(time.sleeper(), 3.0, lambda: woken.append("second"))
        assert (time.now(), woken) == (3.0, ["second"])


def test_who_was_woken_is_awake_before_it_goes_on() -> None:
    time = VirtualTime()
    woken: list[str] = []
    with time.run(), time.run():
        first = time.sleeper()
        time.fall_asleep(first, 5.0, lambda: woken.append("first"))
        time.fall_asleep(time.sleeper(), 6.0, lambda: woken.append("second"))
        assert woken == ["first"]
        with time.run():
            pass
        assert woken == ["first"]
        time.get_up(first)
        time.fall_asleep(time.sleeper(), 7.0, lambda: woken.append("first again"))
        assert (time.now(), woken) == (6.0, ["first", "second"])


def test_those_of_the_same_time_are_woken_by_turn_and_then_in_the_order_of_falling_asleep() -> None:
    time = VirtualTime()
    order: list[str] = []
    with time.run():
        for number, (turn, at) in enumerate((("b", 1.0), ("a", 1.0), ("", 1.0), ("a", 1.0), ("", 0.5))):
            name = f"{turn}{number}@{at}"
            time.together(1)
            time.fall_asleep(time.sleeper(), at, partial(order.append, name), turn)
        for _ in range(5):
            with time.run():
                pass
    assert order == ["4@0.5", "2@1.0", "a1@1.0", "a3@1.0", "b0@1.0"]


def test_a_time_that_has_passed_is_due_after_what_was_due_before() -> None:
    time = VirtualTime()
    order: list[float] = []
    time.fall_asleep(time.sleeper(), 10.0, lambda: None)
    with time.run():
        time.together(2)
        for at in (10.0, 5.0):
            time.fall_asleep(time.sleeper(), at, partial(order.append, at))
        for _ in range(2):
            with time.run():
                pass
    assert order == [10.0, 5.0]
    assert time.now() == 10.0


def test_one_sleeper_is_woken_at_a_time() -> None:
    time = VirtualTime()
    woken: list[float] = []
    time.together(3)
    for at in (3.0, 1.0, 2.0):
        time.fall_asleep(time.sleeper(), at, partial(woken.append, at))
    assert woken == [1.0]


def test_a_light_sleeper_is_woken_by_a_stir_and_another_one_is_not() -> None:
    time = VirtualTime()
    woken: list[tuple[str, float]] = []

    def asleep(name: str, at: float, stirs: int | None) -> None:
        time.fall_asleep(time.sleeper(), at, lambda: woken.append((name, time.now())), unless_stirred_since=stirs)

    with time.run(), time.run(), time.run():
        asleep("light", 9.0, time.stirs)
        asleep("deep", 5.0, None)
        time.stir()
        assert woken == [], "who stirs is awake"
    assert woken == [("light", 0.0), ("deep", 5.0)]


def test_a_light_sleeper_that_nothing_stirs_sleeps_to_its_time_and_one_that_missed_a_stir_not_at_all() -> None:
    time = VirtualTime()
    clock = VirtualSyncClock(time)
    before = time.stirs
    clock.listen_until(9.0, before)
    assert time.now() == 9.0
    time.stir()
    clock.listen_until(20.0, before)
    assert time.now() == 9.0
    clock.listen_until(20.0, time.stirs)
    assert time.now() == 20.0


def test_a_run_that_ends_lets_time_go_on_for_those_who_sleep() -> None:
    time = VirtualTime()
    woken: list[float] = []
    with time.run():
        with time.run():
            time.fall_asleep(time.sleeper(), 9.0, lambda: woken.append(9.0))
            assert not woken
        assert woken == [9.0]


def test_who_is_idle_waits_and_counts_once_however_deep() -> None:
    time = VirtualTime()
    woken: list[str] = []
    with time.run(), time.run(), time.run():
        time.fall_asleep(time.sleeper(), 4.0, lambda: woken.append("sleeper"))
        with time.idle(1), time.idle(1), time.idle(1):
            assert not woken
            with time.idle(2):
                assert woken == ["sleeper"]


def test_time_waits_for_all_who_were_announced() -> None:
    time = VirtualTime()
    woken: list[str] = []
    time.together(2)
    with time.run():
        time.fall_asleep(time.sleeper(), 4.0, lambda: woken.append("first"))
        assert not woken
        with time.run():
            assert not woken
            time.fall_asleep(time.sleeper(), 2.0, lambda: woken.append("second"))
            assert woken == ["second"]


async def test_a_sleeper_that_is_cancelled_does_not_stop_the_others() -> None:
    clock = VirtualClock(VirtualTime())
    scope = anyio.CancelScope()
    times: list[float] = []

    async def sleeper() -> None:
        with clock.run(), scope:
            await clock.sleep_until(1000.0)
        times.append(clock.now())

    async def canceller() -> None:
        with clock.run():
            await clock.sleep_until(5.0)
            scope.cancel()
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            await clock.sleep_until(50.0)
        times.append(clock.now())

    await in_tasks(sleeper, canceller)
    assert times == [5.0, 50.0]


async def test_tasks_that_are_started_together_begin_at_the_same_time() -> None:
    clock = VirtualClock(VirtualTime())
    begun: list[float] = []

    async def run() -> None:
        with clock.run():
            begun.append(clock.now())
            await clock.sleep_until(clock.now() + 10.0)

    await in_tasks(*(run for _ in range(20)))
    assert begun == [0.0] * 20
    assert clock.now() == 10.0


async def test_waiting_for_a_token_does_not_stop_time_for_others_nor_let_it_pass_the_refresh() -> None:
    fake = platform(lambda _: Response(401) if fake.now < 5.0 else None)
    transport = fake.asynchronous()
    told: list[float] = []

    async def provider() -> str:
        await transport.clock.sleep_until(7.0)
        told.append(fake.now)
        return "second"

    tokens = AsyncTokens(Token.checked("first", "token"), provider)

    async def run(number: int) -> None:
        await drive(long_run(number, 1.0), fake, transport=transport, tokens=tokens)
        told.append(fake.now)

    await in_tasks(*(partial(run, number) for number in range(1, 4)))
    assert told[0] == 7.0
    assert all(67.0 < at < 77.0 for at in told[1:])
    assert len(told) == 4


def test_threads_that_wait_for_a_token_let_time_go_on_for_others() -> None:
    refused: set[str | None] = set()
    asked: list[float] = []

    def script(request: Request) -> Response | None:
        key = request.headers.get("Idempotency-Key")
        if key in refused or key is None:
            return None
        refused.add(key)
        return Response(401)

    def provider() -> str:
        transport.clock.sleep_until(7.0)
        asked.append(fake.now)
        return "second"

    fake = platform(script)
    fake.together(3)
    transport = fake.synchronous()
    tokens = SyncTokens(Token.checked("first", "token"), provider)
    in_threads(*(partial(drive_sync, long_run(number, 1.0), fake, transport=transport, tokens=tokens) for number in range(3)))
    assert asked == [7.0]
    assert 67.0 < fake.now < 77.0


def test_threads_that_are_no_runs_meet_at_the_platform_one_by_one() -> None:
    fake = platform()
    transport = fake.synchronous()
    in_threads(*(partial(drive_sync, long_run(number, 0.1), fake, transport=transport) for number in range(8)))
    assert len(fake.requests) > 16


@pytest.mark.parametrize("turns", [("c", "a", "b"), ("a", "b", "c")])
async def test_turns_are_taken_in_order_on_any_loop(turns: tuple[str, ...]) -> None:
    clock = VirtualClock(VirtualTime())
    taken: list[str] = []

    async def take(turn: str) -> None:
        with clock.run():
            await clock.take_turn(turn)
            taken.append(turn)

    await in_tasks(*(partial(take, turn) for turn in turns))
    assert taken == ["a", "b", "c"]
    assert clock.now() == 0.0


async def test_a_task_that_is_idle_lets_time_go_on_for_the_others() -> None:
    clock = VirtualClock(VirtualTime())
    over = anyio.Event()
    times: list[float] = []

    async def wait() -> None:
        with clock.run(), clock.idle(), clock.idle():
            await over.wait()

    async def sleep() -> None:
        with clock.run():
            await clock.sleep_until(3.0)
            times.append(clock.now())
            over.set()

    await in_tasks(wait, sleep, wait)
    assert times == [3.0]
