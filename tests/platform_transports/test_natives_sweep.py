"""A call over a native transport is cancelled at each of its checkpoints, and once more at each of its clean-up.

After each: no slot is held, no connection is kept whose answer was not read whole, the next call works over the only slot, and, but for
a second cancel on asyncio, nothing runs on the platform that nobody waits for.
"""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

from collections.abc import Callable, Iterator

import anyio
import anyio.to_thread
import pytest

from flow_sdk import Limits, PlatformClient
from platform_core.lifecycle import ExecutionStatus
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.sender import LONG_SECONDS, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, OK_BYTES, READ, WAIT
from platform_transports.contract import Progress
from platform_transports.trio import TrioTransport
from tests.platform_transports.checkpoints import Cut, cut, swept
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import Kind, Native, held, idle
from tests.platform_transports.sendings import SENDINGS, Sending

SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")
EXECUTION_SECONDS = 0.02
POLL_SECONDS_MAX = 0.01
ONE_SLOT = Limits(connections_max=1)
OVER = {ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED}

Record = Callable[[str, str], None]


@pytest.mark.parametrize("sending", SENDINGS.values(), ids=SENDINGS)
async def test_a_send_that_is_cancelled_anywhere_loses_nothing(cancelling: Native, sending: Sending, record_property: Record) -> None:
    async def run(*cancelled_at: int) -> Cut:
        sender = cancelling.make(ONE_SLOT, sending.client_context)
        if sending.is_warm:
            await sender.send(sending.short_request(url, "warm"))
        progress = Progress()
        found = await cut(lambda: sender.send(sending.request(url, "cut off"), progress=progress, flow=sending.flow), *cancelled_at)
        assert held(sender.transport) == 0, f"cancelled at {cancelled_at}"
        # What flows may have been read whole, and be in the hands of its sink.
        is_whole = not found.is_cancelled or progress.sent == "no" or sending.flows
        assert idle(sender.transport) == 0 or is_whole, f"cancelled at {cancelled_at}"
        assert (await sender.send(sending.short_request(url, "next"))).body == b"next"
        await sender.close()
        return found

    with echo_server(sending.server_context) as (url, connections):
        result = await swept(run)
        await anyio.to_thread.run_sync(connections.wait_until_closed)
    record_property("swept", str(result))
    assert result.once > 0


async def test_a_send_that_is_cancelled_after_any_byte_of_its_answer_loses_nothing(cancelling: Native, record_property: Record) -> None:
    sender = cancelling.make(ONE_SLOT)
    for length in range(len(OK_BYTES)):
        with raw_server((READ, OK_BYTES[:length], AWAIT_CLOSE), (READ, OK, WAIT)) as server, anyio.fail_after(LONG_SECONDS):
            async with anyio.create_task_group() as group:
                group.start_soon(sender.send, request_to(server.url))
                await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
                await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()
            await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
            assert (await sender.send(request_to(server.url))).body == b"ok"
    record_property("swept", f"cancelled after each of {len(OK_BYTES)} bytes")


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


async def test_an_execution_that_is_cancelled_anywhere_loses_nothing(platform: Emulator, async_kind: Kind, record_property: Record) -> None:
    async def run(*cancelled_at: int) -> Cut:
        async with PlatformClient(platform.url, platform.token, limits=ONE_SLOT, env={}) as client:
            before = len(platform.executions)
            found = await cut(
                lambda: client.execute_code_block(SLEEP, {"seconds": EXECUTION_SECONDS}, poll_interval_seconds=POLL_SECONDS_MAX),
                *cancelled_at,
            )
            statuses = {each.status for each in platform.executions[before:]}
            # After a second cancel the clean-up has its time on trio; on asyncio it ends at once.
            assert statuses <= OVER or (len(cancelled_at) == 2 and async_kind != "trio"), f"cancelled at {cancelled_at}"
            transport = client._binding.get(client._runs).transport
            assert isinstance(transport, AsyncioTransport | TrioTransport)
            assert held(transport) == 0, f"cancelled at {cancelled_at}"
            assert await client.request("GET", "/api/v1/tenants/orgs")
        return found

    result = await swept(run)
    record_property("swept", str(result))
    assert result.once > 3, "a connection, a submission, a pause and a poll at least"
    assert result.twice > 3
