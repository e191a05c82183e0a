"""Five hundred executions at once from one client, over real HTTP: each gets its own result, and no slot stays behind."""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from flow_sdk import PlatformClient
from platform_core.limits import DEFAULT_LIMITS
from platform_core.records import ExecutionRecord
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports.asyncio import AsyncioTransport
from platform_transports.httpx import HttpxTransport
from platform_transports.trio import TrioTransport

IDS = {each.name: each.component_id for each in COMPONENTS}
CALLS = 500


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.mark.parametrize("over", ["native", "httpx2"])  # httpx is the same adapter, and its pool takes half a minute for this
async def test_each_of_500_gets_its_own_result_and_leaves_no_slot_in_use(platform: Emulator, anyio_backend_name: str, over: str) -> None:
    transport = transport_of(anyio_backend_name, over)
    begun: list[int] = []
    begun_at_first_end: list[int] = []
    ended: dict[int, ExecutionRecord] = {}

    async with PlatformClient(platform.url, platform.token, transport=transport) as client, anyio.create_task_group() as tasks:

        async def call(number: int) -> None:
            begun.append(number)
            ended[number] = await execute(client, number)
            begun_at_first_end[:] = begun_at_first_end or [len(begun)]

        for number in range(CALLS):
            tasks.start_soon(call, number)

    assert begun_at_first_end == [CALLS]
    assert {number: record["result"] for number, record in ended.items()} == {number: {"number": number} for number in range(CALLS)}
    started = {each.execution_id: each.record["result"] for each in platform.executions}
    assert len(platform.executions) == len(started) == CALLS
    assert started == {record["execution_id"]: {"number": number} for number, record in ended.items()}
    assert slots_in_use(transport) == 0
    await transport.aclose()


async def execute(client: PlatformClient, number: int) -> ExecutionRecord:
    """A code block, an agent or a workflow, whose result is its input."""
    match number % 3:
        case 0:
            return await client.execute_code_block(IDS["echo"], {"number": number})
        case 1:
            return await client.execute_agent(IDS["answer"], {"number": number})
        case _:
            return await client.execute_workflow(IDS["pipeline"], {"number": number})


def transport_of(backend: str, over: str) -> Any:
    if over == "native":
        return TrioTransport() if backend == "trio" else AsyncioTransport()
    return HttpxTransport(library=over)


def slots_in_use(transport: Any) -> int:
    """Connections that are held by a call, or waited for; the idle ones may be kept."""
    if isinstance(transport, HttpxTransport):
        pool = transport._client._transport._pool
        assert 0 < len(pool.connections) <= DEFAULT_LIMITS.connections_max
        return len(pool._requests) + len([each for each in pool.connections if not each.is_idle()])
    held, idle, waiting = transport._pool.counts
    assert 0 < held + idle <= DEFAULT_LIMITS.connections_max
    return int(held + waiting)
