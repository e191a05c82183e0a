"""A cancellation at every await of the async driver, on both event loops and in every way there is; and a second one after it."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import anyio
import pytest
import trio

from platform_core.actions import Fate
from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Request, Response
from platform_transports.fake import Act, FakePlatform, Lose
from tests.support.cuts import TRUE_STATUSES, Cuts, Happening, fate, renewable_tokens, statuses
from tests.support.driven import Told, drive, executions, platform, sleeping

T = TypeVar("T")
Cancel = Callable[[], object]


class Ended:
    """Whether what was cancelled ended by that."""

    cancelled = False


@contextmanager
def anyio_scope() -> Generator[tuple[Cancel, Ended], None, None]:
    ended = Ended()
    with anyio.CancelScope() as scope:
        yield scope.cancel, ended
    ended.cancelled = scope.cancelled_caught


@contextmanager
def anyio_deadline() -> Generator[tuple[Cancel, Ended], None, None]:
    ended = Ended()
    with anyio.CancelScope() as scope:
        yield lambda: setattr(scope, "deadline", anyio.current_time()), ended
    ended.cancelled = scope.cancelled_caught


@contextmanager
def trio_scope() -> Generator[tuple[Cancel, Ended], None, None]:
    ended = Ended()
    with trio.CancelScope() as scope:
        yield scope.cancel, ended
    ended.cancelled = scope.cancelled_caught


@contextmanager
def trio_deadline() -> Generator[tuple[Cancel, Ended], None, None]:
    ended = Ended()
    with trio.CancelScope() as scope:
        yield lambda: setattr(scope, "deadline", trio.current_time()), ended
    ended.cancelled = scope.cancelled_caught


@contextmanager
def asyncio_task() -> Generator[tuple[Cancel, Ended], None, None]:
    task, ended = asyncio.current_task(), Ended()
    assert task is not None
    try:
        yield task.cancel, ended
    except asyncio.CancelledError:
        ended.cancelled = task.uncancel() == 0


WAYS: dict[str, tuple[Callable[[], AbstractContextManager[tuple[Cancel, Ended]]], ...]] = {
    "asyncio": (anyio_scope, anyio_deadline, asyncio_task),
    "trio": (anyio_scope, anyio_deadline, trio_scope, trio_deadline),
}
SCRIPT: tuple[Response | None, ...] = (Response(401), Response(503), None)


async def points() -> int:
    fake = platform(SCRIPT)
    cuts = Cuts(fake, {})
    await drive(sleeping(0.1), fake, transport=cuts, tokens=renewable_tokens())
    return cuts.points


async def test_a_cancellation_at_any_await_leaves_no_execution_running_and_is_raised_again(anyio_backend_name: str) -> None:
    for way in WAYS[anyio_backend_name]:
        fates: Counter[Fate | None] = Counter()
        for point in range(await points()):
            fake, told = platform(SCRIPT), Told()
            with way() as (cancel, ended):
                await drive(sleeping(0.1), fake, transport=Cuts(fake, {point: cancel}), tokens=renewable_tokens(), observers=[told])
            assert ended.cancelled, (way, point)
            assert statuses(fake) == TRUE_STATUSES[fate(told)], (way, point)
            fates[fate(told)] += 1
        assert set(fates) == {Fate.NEVER_STARTED, Fate.CANCELLED, Fate.FINISHED}
        assert sum(fates.values()) > 12


async def test_what_became_of_the_run_is_a_note_on_the_cancellation() -> None:
    fake, told, notes = platform(), Told(), list[str]()
    with anyio.CancelScope() as scope:
        try:
            await drive(sleeping(0.1), fake, transport=Cuts(fake, {2: scope.cancel}), observers=[told])
        except anyio.get_cancelled_exc_class() as cancellation:
            notes = cancellation.__notes__
            raise
    assert notes == [str(told.report)]
    assert notes[0].endswith("was cancelled on the platform")


def lost_cancels(fake_now: Callable[[], float], until: float) -> Callable[[Request], Act | None]:
    return lambda request: Lose() if request.target.endswith("/cancel") and fake_now() < until else None


def with_lost_cancels(until: float) -> FakePlatform:
    """A platform that hears of no cancel until then."""
    found: list[FakePlatform] = []
    found.append(platform(lost_cancels(lambda: found[0].now, until)))
    return found[0]


async def test_the_cleanup_goes_on_until_the_platform_has_recorded_the_cancel() -> None:
    fake, told = with_lost_cancels(4.0), Told()
    with anyio.CancelScope() as scope:
        await drive(sleeping(100.0), fake, transport=Cuts(fake, {2: scope.cancel}), observers=[told])
    assert fate(told) is Fate.CANCELLED
    assert 4.0 <= fake.now < 4.3
    assert statuses(fake) == [ExecutionStatus.CANCELLED]


async def test_the_cleanup_ends_after_five_seconds() -> None:
    fake, told = with_lost_cancels(1000.0), Told()
    with anyio.CancelScope() as scope:
        await drive(sleeping(100.0), fake, transport=Cuts(fake, {2: scope.cancel}), observers=[told])
    assert scope.cancelled_caught
    assert fate(told) is Fate.UNKNOWN
    assert 4.7 < fake.now <= 5.0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_second_cancel_on_asyncio_ends_the_cleanup_at_once(anyio_backend: str) -> None:
    end = await cleanup_points()
    for second in range(3, end):
        fake, told = with_lost_cancels(1.0), Told()
        task = asyncio.current_task()
        assert task is not None
        cuts = Cuts(fake, {2: task.cancel, second: task.cancel})
        with pytest.raises(asyncio.CancelledError) as raised:
            await drive(sleeping(100.0), fake, transport=cuts, observers=[told])
        assert (task.uncancel(), task.uncancel()) == (1, 0)
        assert cuts.points == second + 1
        assert fate(told) is Fate.UNKNOWN
        assert told.report.handle is not None
        assert told.report.handle.execution_id == executions(fake)[0].execution_id
        assert raised.value.__notes__ == [str(told.report)]


async def cleanup_points() -> int:
    fake, scope = with_lost_cancels(1.0), anyio.CancelScope()
    cuts = Cuts(fake, {2: scope.cancel})
    with scope:
        await drive(sleeping(100.0), fake, transport=cuts)
    return cuts.points


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_second_cancel_on_trio_leaves_the_cleanup_its_five_seconds(anyio_backend: str) -> None:
    fake, told = with_lost_cancels(4.0), Told()
    with trio.CancelScope() as outer, trio.CancelScope() as inner:
        cuts = Cuts(fake, {2: inner.cancel})
        await drive(sleeping(100.0), fake, transport=cuts, observers=[told, cancel_at_decision(4, outer.cancel)])
    assert outer.cancelled_caught
    assert fate(told) is Fate.CANCELLED
    assert statuses(fake) == [ExecutionStatus.CANCELLED]


def cancel_at_decision(number: int, cancel: Cancel) -> Callable[[Any], None]:
    seen: list[object] = []

    def observe(decision: object) -> None:
        seen.append(decision)
        if len(seen) == number:
            cancel()

    return observe


async def with_timeout(fake: FakePlatform, told: Told, point: int) -> None:
    async with asyncio.timeout(None) as timeout:
        cuts = Cuts(fake, {point: lambda: timeout.reschedule(asyncio.get_running_loop().time())})
        await drive(sleeping(0.1), fake, transport=cuts, tokens=renewable_tokens(), observers=[told])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_timeout_of_asyncio_is_a_timeout_after_the_cleanup(anyio_backend: str) -> None:
    for point in range(await points()):
        fake, told = platform(SCRIPT), Told()
        with pytest.raises(TimeoutError) as raised:
            await with_timeout(fake, told, point)
        assert statuses(fake) == TRUE_STATUSES[fate(told)], point
        assert isinstance(raised.value.__cause__, asyncio.CancelledError)


class Begun:
    """A run that is driven by hand until it waits at a point, and no further."""

    def __init__(self, point: int, happenings: Mapping[int, Happening]) -> None:
        self.platform, self.told = platform(SCRIPT), Told()
        self.point = point
        self._cuts = Cuts(self.platform, {**happenings, point: lambda: None})
        self.coroutine = drive(sleeping(0.1), self.platform, transport=self._cuts, tokens=renewable_tokens(), observers=[self.told])

    def __await__(self) -> Generator[Any, Any, None]:
        asked = self.coroutine.send(None)
        while self._cuts.points <= self.point:
            try:
                answer = yield asked
            except BaseException as error:  # noqa: BLE001 -- handed on
                asked = self.coroutine.throw(error)
            else:
                asked = self.coroutine.send(answer)

    def check_closes(self) -> None:
        """Nothing is sent, nothing is awaited, and the observer hears of the end."""
        sent = len(self.platform.requests)
        self.coroutine.close()
        assert fate(self.told) in {Fate.NEVER_STARTED, Fate.UNKNOWN, Fate.LEFT}
        assert len(self.platform.requests) == sent


def fail() -> None:
    raise LookupError("an error of the transport")


async def points_after_failure() -> int:
    fake = platform(SCRIPT)
    cuts = Cuts(fake, {FAILURE: fail})
    with pytest.raises(LookupError):
        await drive(sleeping(0.1), fake, transport=cuts, tokens=renewable_tokens())
    return cuts.points


FAILURE = 12
"""The point at which a run that had begun on the platform fails, so that the points after it are those of its clean-up."""


def on_asyncio(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


def on_trio(main: Coroutine[Any, Any, T]) -> T:
    async def run() -> T:
        return await main

    return trio.run(run)


async def test_a_coroutine_that_is_closed_sends_nothing_more_and_observers_are_told() -> None:
    for point in range(await points()):
        begun = Begun(point, {})
        await begun
        begun.check_closes()


async def test_a_coroutine_that_is_closed_in_its_cleanup_sends_nothing_more_and_observers_are_told() -> None:
    end = await points_after_failure()
    assert end > FAILURE + 2
    for point in range(FAILURE + 1, end):
        begun = Begun(point, {FAILURE: fail})
        await begun
        begun.check_closes()


@pytest.mark.parametrize("loop", [on_asyncio, on_trio])
def test_a_coroutine_that_is_closed_after_its_event_loop_has_ended_does_so_as_well(loop: Callable[[Any], Any]) -> None:
    cases: list[tuple[int, Mapping[int, Happening]]] = [(point, {}) for point in range(loop(points()))]
    cases += [(point, {FAILURE: fail}) for point in range(FAILURE + 1, loop(points_after_failure()))]
    for case in cases:
        begun = Begun(*case)

        async def main() -> None:
            await begun  # noqa: B023 -- called at once

        loop(main())
        begun.check_closes()


async def test_a_run_inside_of_a_generator_that_is_closed_is_left_like_any_other() -> None:
    fake, told = platform(), Told()
    scope = anyio.CancelScope()

    async def generate() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            with scope:
                await drive(sleeping(0.1), fake, transport=Cuts(fake, {2: scope.cancel}), observers=[told])

    generator = generate()
    await anext(generator)
    await generator.aclose()
    assert scope.cancelled_caught
    assert fate(told) is Fate.CANCELLED
