"""What is particular to the async client: cancellation, many tasks, and leaving its context, on asyncio and on trio."""

from contextlib import ExitStack
from typing import Any

import anyio
import pytest

from flow_sdk import PlatformClient
from flow_sdk.platform_client import PlatformClientError, PlatformExecutionCancelledError
from platform_core.actions import Fate, Gone
from platform_core.execution import Waiting
from platform_core.handles import OnAbandon
from platform_core.machine import Decision
from platform_transports.fake import FakePlatform, FakeTransport
from tests.support.patience import HANG_SECONDS
from tests.support.platform import ECHO, SLEEP, executions, modelled


def client_of(platform: Any, **arguments: Any) -> PlatformClient:
    return PlatformClient("https://platform.test", "a-token", env={}, transport=platform, **arguments)


class Leaving:
    """Cancels a scope once a run waits for its next poll, and keeps what became of the run."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.fates: list[Fate] = []

    def observer(self, decision: Decision) -> None:
        if isinstance(decision.after, Waiting):
            self.scope.cancel()
        if isinstance(decision.action, Gone):
            self.fates.append(decision.action.report.fate)


@pytest.mark.parametrize(("on_abandon", "status", "fate"), [("cancel", "cancelled", Fate.CANCELLED), ("detach", "pending", Fate.LEFT)])
async def test_a_cancelled_task_cancels_its_execution_unless_detached(on_abandon: OnAbandon, status: str, fate: Fate) -> None:
    platform, leaving = modelled(), Leaving()
    async with client_of(platform, observers=[leaving.observer]) as client:
        with leaving.scope:
            await client.execute_code_block(SLEEP, {"seconds": 1000}, on_abandon=on_abandon)
        assert leaving.scope.cancelled_caught
    assert leaving.fates == [fate]
    assert [execution.status for execution in executions(platform)] == [status]
    assert platform.now < 5


async def test_a_cancelled_task_that_only_watched_cancels_nothing() -> None:
    platform, leaving = modelled(), Leaving()
    async with client_of(platform, observers=[leaving.observer]) as client:
        record = await client.submit_code_block_execution(SLEEP, {"seconds": 1000})
        with leaving.scope:
            await client.await_execution_result(record["execution_id"])
    assert leaving.fates == [Fate.LEFT]
    assert [execution.status for execution in executions(platform)] == ["pending"]


async def test_a_cancelled_task_leaves_the_others_alone() -> None:
    platform, leaving, results = modelled(), Leaving(), list[Any]()

    async def run(client: PlatformClient, seconds: int) -> None:
        results.append((await client.execute_code_block(SLEEP, {"seconds": seconds})).get("result"))

    async with client_of(platform) as others, client_of(platform, observers=[leaving.observer]) as left, anyio.create_task_group() as tasks:
        for seconds in (10, 20):
            tasks.start_soon(run, others, seconds)
        with leaving.scope:
            await run(left, 30)
    assert results == [{"seconds": 10}, {"seconds": 20}]
    assert sorted(execution.status for execution in executions(platform)) == ["cancelled", "completed", "completed"]


async def test_closing_ends_a_call_before_any_time_passes() -> None:
    platform, waits, ended = modelled(), anyio.Event(), anyio.Event()

    def observer(decision: Decision) -> None:
        if isinstance(decision.after, Waiting) and not waits.is_set():
            stopped.enter_context(platform.asynchronous().clock.run())
            waits.set()

    async def call(client: PlatformClient) -> None:
        with pytest.raises(PlatformClientError, match="closed while"):
            await client.execute_code_block(SLEEP, {"seconds": 1000})
        ended.set()

    client = client_of(platform, observers=[observer])
    with ExitStack() as stopped, anyio.fail_after(HANG_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, client)
            await waits.wait()
            await client.close()
            await ended.wait()


async def test_closing_ends_a_token_provider_that_is_being_asked() -> None:
    asked, stopped = anyio.Event(), anyio.Event()

    async def provider() -> str:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return "never"

    async def call(client: PlatformClient) -> None:
        with pytest.raises(PlatformClientError, match="closed while"):
            await client.execute_code_block(ECHO)

    client = PlatformClient("https://platform.test", env={}, transport=modelled(), token_provider=provider)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, client)
        await asked.wait()
        await client.close()
        assert stopped.is_set()


async def test_leaving_the_context_closes_even_where_it_is_cancelled() -> None:
    closed: list[str] = []

    class Closing(FakeTransport):
        async def aclose(self) -> None:
            closed.append(self.name)

    class Making(FakePlatform):
        def asynchronous(self) -> FakeTransport:
            return Closing(self, super().asynchronous().clock)

    asked = anyio.Event()

    async def provider() -> str:
        asked.set()
        await anyio.sleep_forever()
        return "never"

    client = PlatformClient("https://platform.test", env={}, transport=Making(), token_provider=provider)
    with anyio.CancelScope() as scope:
        async with client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.execute_code_block, ECHO)
            await asked.wait()
            scope.cancel()
    assert closed == ["fake"]


async def test_an_exception_in_the_context_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with client_of(modelled()):
            raise ZeroDivisionError


async def test_a_cancel_by_another_task_is_heard_by_the_one_that_waits() -> None:
    platform = modelled()
    async with client_of(platform) as client, anyio.create_task_group() as tasks:
        record = await client.submit_code_block_execution(SLEEP, {"seconds": 1000})
        tasks.start_soon(client.cancel_execution, record["execution_id"])
        with pytest.raises(PlatformExecutionCancelledError):
            await client.await_execution_result(record["execution_id"])
    assert platform.now < 1
