"""The token store of tasks: numbers, one call of the provider for all, and who may leave."""

import asyncio
import gc
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from platform_transports import tokens as tokens_module
from platform_transports.contract import Credentials
from platform_transports.tokens import AsyncTokens, Denied, Granted, SyncTokens
from platform_transports.virtual_time import VirtualClock, VirtualTime
from tests.platform_transports.token_cases import ANSWERS, AWAY, LATE, LONG_SECONDS, NEW, OLD, SHARED, bearer, token


class CurrentClock:
    """The clock of whatever loop is running: one for the tests of both worlds."""

    def now(self) -> float:
        return anyio.current_time()

    async def sleep_until(self, at: float) -> None:
        await anyio.sleep_until(at)


CLOCK = CurrentClock()


def soon() -> float:
    return CLOCK.now() + LONG_SECONDS


class Provider:
    """An async provider that the test lets go on, call by call."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.asked = anyio.Event()
        self.go_on = anyio.Event()
        self.cancelled = False

    async def __call__(self) -> str:
        self.calls += 1
        self.asked.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled = True
            raise
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def at_once(*answers: Any) -> Any:
    provider = Provider(*answers)
    provider.go_on.set()
    return provider


@pytest.mark.parametrize("store", [AsyncTokens, SyncTokens])
def test_the_first_token_has_number_1(store: type[AsyncTokens | SyncTokens]) -> None:
    assert store(token()).current() == (1, bearer(OLD))


@pytest.mark.parametrize("store", [AsyncTokens, SyncTokens])
def test_without_a_token_there_is_none(store: type[AsyncTokens | SyncTokens]) -> None:
    assert store(None).current() is None


@pytest.mark.parametrize("store", [AsyncTokens, SyncTokens])
def test_an_api_key_has_its_own_header(store: type[AsyncTokens | SyncTokens]) -> None:
    assert store(token("fl_key")).current() == (1, Credentials("X-API-Key", "fl_key"))


@pytest.mark.parametrize(("answer", "denied"), ANSWERS)
async def test_a_refresh_that_fails_keeps_the_token_and_can_be_tried_again(answer: Any, denied: Denied) -> None:
    tokens = AsyncTokens(token(), at_once(answer, NEW))
    assert await tokens.refresh(1, soon(), CLOCK) == denied
    assert tokens.current() == (1, bearer(OLD))
    assert await tokens.refresh(1, soon(), CLOCK) == Granted()
    assert tokens.current() == (2, bearer(NEW))


async def test_without_a_provider_a_refresh_is_denied_for_good() -> None:
    assert await AsyncTokens(token()).refresh(1, soon(), CLOCK) == Denied("no token provider", permanent=True)


async def test_without_a_token_the_provider_gives_the_first() -> None:
    tokens = AsyncTokens(None, at_once(NEW))
    assert await tokens.refresh(None, soon(), CLOCK) == Granted()
    assert tokens.current() == (1, bearer(NEW))


async def test_any_token_is_granted_where_there_is_one() -> None:
    provider = at_once(NEW)
    assert await AsyncTokens(token(), provider).refresh(None, soon(), CLOCK) == Granted()
    assert provider.calls == 0


async def test_a_late_refusal_of_an_old_number_gets_the_newer_token_without_a_call() -> None:
    provider = at_once(NEW, "other")
    tokens = AsyncTokens(token(), provider)
    await tokens.refresh(1, soon(), CLOCK)
    assert await tokens.refresh(1, soon(), CLOCK) == Granted()
    assert (provider.calls, tokens.current()) == (1, (2, bearer(NEW)))
    assert await tokens.refresh(2, soon(), CLOCK) == Granted()
    assert (provider.calls, tokens.current()) == (2, (3, bearer("other")))


@pytest.mark.parametrize(("answer", "expected"), SHARED)
async def test_ten_tasks_that_wait_share_one_call(answer: Any, expected: Granted | Denied) -> None:
    provider = Provider(answer)
    tokens = AsyncTokens(token(), provider)
    answers: list[Granted | Denied] = []

    async def refresh() -> None:
        answers.append(await tokens.refresh(1, soon(), CLOCK))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(refresh)
        await anyio.wait_all_tasks_blocked()
        provider.go_on.set()
    assert (answers, provider.calls) == ([expected] * 10, 1)


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_a_waiter_that_is_cancelled_does_not_end_the_call_for_the_others(leaving: int) -> None:
    provider = Provider(NEW)
    tokens = AsyncTokens(token(), provider)
    answers: list[tuple[int, Granted | Denied]] = []
    scopes = [anyio.CancelScope() for _ in range(3)]

    async def refresh(number: int) -> None:
        with scopes[number]:
            answers.append((number, await tokens.refresh(1, soon(), CLOCK)))

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(refresh, number)
            await anyio.wait_all_tasks_blocked()
        scopes[leaving].cancel()
        await anyio.wait_all_tasks_blocked()
        provider.go_on.set()
    assert sorted(answers, key=lambda each: each[0]) == [(number, Granted()) for number in range(3) if number != leaving]
    assert (provider.calls, provider.cancelled) == (1, False)


async def test_a_call_goes_on_when_all_have_left() -> None:
    provider = Provider(NEW)
    tokens = AsyncTokens(token(), provider)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(tokens.refresh, 1, soon(), CLOCK)
            await provider.asked.wait()
            gc.collect()
            scope.cancel()
    provider.go_on.set()
    await anyio.wait_all_tasks_blocked()
    assert tokens.current() == (2, bearer(NEW))


async def test_waiting_ends_by_the_deadline_and_the_call_goes_on() -> None:
    provider = Provider(NEW)
    tokens = AsyncTokens(token(), provider)
    assert await tokens.refresh(1, CLOCK.now() + 0.01, CLOCK) == LATE
    provider.go_on.set()
    assert await tokens.refresh(1, soon(), CLOCK) == Granted()
    assert provider.calls == 1


async def test_closing_ends_the_call_and_denies_who_waits() -> None:
    provider = Provider(NEW)
    tokens = AsyncTokens(token(), provider)
    answers: list[Granted | Denied] = []

    async def refresh() -> None:
        answers.append(await tokens.refresh(1, soon(), CLOCK))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh)
        group.start_soon(refresh)
        await provider.asked.wait()
        await tokens.aclose()
        assert provider.cancelled
    assert answers == [AWAY, AWAY]
    await tokens.aclose()
    assert await tokens.refresh(None, soon(), CLOCK) == AWAY


async def test_closing_does_not_wait_for_ever_for_a_provider_that_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "CLOSE_SECONDS_MAX", 0.01)
    asked, go_on = anyio.Event(), anyio.Event()

    async def stubborn() -> str:
        asked.set()
        with anyio.CancelScope(shield=True):
            await go_on.wait()
        return NEW

    tokens = AsyncTokens(token(), stubborn)
    answers: list[Granted | Denied] = []

    async def refresh() -> None:
        answers.append(await tokens.refresh(1, soon(), CLOCK))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh)
        await asked.wait()
        with anyio.fail_after(LONG_SECONDS):
            await tokens.aclose()
        assert answers == [AWAY]
        go_on.set()


async def test_closing_without_a_call_is_nothing() -> None:
    await AsyncTokens(token()).aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_provider_that_is_cancelled_by_itself_is_transient(anyio_backend: str) -> None:
    async def cancelled() -> str:
        raise anyio.get_cancelled_exc_class()

    answer = await AsyncTokens(token(), cancelled).refresh(1, soon(), CLOCK)
    assert answer == Denied("token provider interrupted", permanent=False)


FACTORIES = [None, getattr(asyncio, "eager_task_factory", None)]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("factory", FACTORIES)
async def test_a_task_that_ends_as_it_is_made_is_not_waited_for(anyio_backend: str, factory: Any) -> None:
    async def provider() -> str:
        return NEW

    tokens = AsyncTokens(token(), provider)
    asyncio.get_running_loop().set_task_factory(factory)
    assert await tokens.refresh(1, soon(), CLOCK) == Granted()


async def test_the_new_token_is_handed_on_before_the_waiters_go_on() -> None:
    handed: list[str] = []

    async def on_refresh(text: str) -> None:
        await anyio.lowlevel.checkpoint()
        handed.append(text)

    await AsyncTokens(token(), at_once(NEW), on_refresh).refresh(1, soon(), CLOCK)
    assert handed == [NEW]


async def test_a_token_is_there_although_it_could_not_be_handed_on() -> None:
    async def on_refresh(text: str) -> None:
        raise LookupError(text)

    tokens = AsyncTokens(token(), at_once(NEW), on_refresh)
    with pytest.warns(RuntimeWarning) as caught:
        assert await tokens.refresh(1, soon(), CLOCK) == Granted()
    assert [str(each.message) for each in caught] == ["on_auth_token_refresh failed: LookupError"]
    assert tokens.current() == (2, bearer(NEW))


async def test_a_token_is_there_although_warnings_are_errors() -> None:
    async def on_refresh(text: str) -> None:
        raise LookupError(text)

    tokens = AsyncTokens(token(), at_once(NEW), on_refresh)
    assert await tokens.refresh(1, soon(), CLOCK) == Granted()


async def test_a_token_is_there_for_all_while_it_is_handed_on() -> None:
    handing, go_on = anyio.Event(), anyio.Event()
    provider = at_once(NEW, "third")

    async def on_refresh(text: str) -> None:
        handing.set()
        await go_on.wait()

    tokens = AsyncTokens(token(), provider, on_refresh)
    answers: list[Granted | Denied] = []

    async def refresh(rejected: int) -> None:
        answers.append(await tokens.refresh(rejected, soon(), CLOCK))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh, 1)
        await handing.wait()
        assert await tokens.refresh(1, soon(), CLOCK) == Granted()
        assert await tokens.refresh(2, CLOCK.now() + 0.01, CLOCK) == LATE
        group.start_soon(refresh, 2)  # the new one is refused at once: it waits its turn, and asks
        await anyio.wait_all_tasks_blocked()
        assert (answers, provider.calls) == ([], 1)
        go_on.set()
    assert (answers, provider.calls, tokens.current()) == ([Granted(), Granted()], 2, (3, bearer("third")))


async def test_a_deadline_that_passes_while_the_token_is_handed_on_finds_it_there() -> None:
    handing = anyio.Event()

    async def on_refresh(text: str) -> None:
        handing.set()
        await anyio.sleep_forever()

    tokens = AsyncTokens(token(), at_once(NEW), on_refresh)
    assert await tokens.refresh(1, CLOCK.now() + 0.05, CLOCK) == Granted()
    assert handing.is_set()
    await tokens.aclose()


async def test_virtual_time_stands_still_while_the_provider_works() -> None:
    clock_time = VirtualTime()
    clock = VirtualClock(clock_time)
    provider = Provider(NEW)
    tokens = AsyncTokens(token(), provider)
    at: list[float] = []

    async def run() -> None:
        with clock.run():
            assert await tokens.refresh(1, 5.0, clock) == Granted()
            at.append(clock.now())
            await clock.sleep_until(clock.now() + 1.0)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        provider.go_on.set()
    assert (at, clock.now()) == ([0.0] * 3, 1.0)


async def test_a_virtual_deadline_passes_while_the_provider_sleeps_in_virtual_time() -> None:
    clock = VirtualClock(VirtualTime())

    async def slow() -> str:
        await clock.sleep_until(60.0)
        return NEW

    tokens = AsyncTokens(token(), slow)
    with clock.run():
        assert await tokens.refresh(1, 5.0, clock) == LATE
        assert clock.now() == 5.0
