"""A cancel at each checkpoint of a call over a native transport, and a second one at each checkpoint of its clean-up.

A call is run once for each of its checkpoints and cancelled there. After each: no slot is held, the next call works, over another
connection unless the answer had come whole, and nothing runs on the platform that nobody waits for.
"""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import anyio
import pytest
import trio

from flow_sdk import Limits, PlatformClient
from platform_core.lifecycle import ExecutionStatus
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports.asyncio import AsyncioTransport
from platform_transports.trio import TrioTransport
from tests.platform_transports.certificates import serving, trusting
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import Checkpoints, Native, echoed

SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")
EXECUTION_SECONDS = 0.1
ONE_SLOT = Limits(connections_max=1)
OVER = {ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("warm", [False, True], ids=["new", "kept"])
async def test_a_send_that_is_cancelled_at_each_checkpoint(cancelling: Native, warm: bool, secure: bool) -> None:
    with echo_server(serving("127.0.0.1") if secure else None) as (url, _):
        number = 0
        while True:
            sender = cancelling.make(ONE_SLOT, trusting() if secure else None)
            if warm:
                await sender.send(echoed(url, "warm"))
            scope = anyio.CancelScope()
            call = Checkpoints(lambda: sender.send(echoed(url, f"cancelled-{number}")), {number: scope.cancel})  # noqa: B023
            with scope:
                await call
            assert sender.held == 0, f"cancelled at checkpoint {number}"
            assert (await sender.send(echoed(url, "next"))).body == b"next"
            await sender.close()
            if call.met <= number:
                break
            number += 1
    assert number >= (1 if warm else 2)


class Swept(NamedTuple):
    """What an execution came to that was cancelled once, or twice."""

    checkpoints: int
    cancelled: bool
    statuses: list[ExecutionStatus]


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


async def test_an_execution_that_is_cancelled_at_each_checkpoint_and_again_in_its_cleanup(
    platform: Emulator, anyio_backend_name: str
) -> None:
    swept = _swept_on_trio if anyio_backend_name == "trio" else _swept_on_asyncio
    first = twice = 0
    while (once := await swept(platform, first)).cancelled:
        assert set(once.statuses) <= OVER, f"cancelled at checkpoint {first}"
        second = first + 1
        while (found := await swept(platform, first, second)).checkpoints > second:
            # On trio the clean-up has its time whatever happens; on asyncio it ends at once.
            assert anyio_backend_name == "asyncio" or set(found.statuses) <= OVER, f"cancelled at checkpoints {first} and {second}"
            second, twice = second + 1, twice + 1
        first += 1
    print(f"{anyio_backend_name}: cancelled at {first} checkpoints, and {twice} times again in the clean-up")
    assert first > 5
    assert twice > first


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
async def test_on_uvloop_too(platform: Emulator, anyio_backend: object) -> None:
    await test_an_execution_that_is_cancelled_at_each_checkpoint_and_again_in_its_cleanup(platform, "asyncio")


async def _swept_on_asyncio(platform: Emulator, *cancelled_at: int) -> Swept:
    async def execute() -> None:
        await call

    async with _client(platform) as client:
        before = len(platform.executions)
        task = asyncio.create_task(execute())
        call = _execution(client, dict.fromkeys(cancelled_at, task.cancel))
        with suppress(asyncio.CancelledError):
            await task
        return await _found(platform, client, call, before, cancelled=task.cancelled())


async def _swept_on_trio(platform: Emulator, *cancelled_at: int) -> Swept:
    async with _client(platform) as client:
        before = len(platform.executions)
        outer, inner = trio.CancelScope(), trio.CancelScope()
        call = _execution(client, dict(zip(cancelled_at, (inner.cancel, outer.cancel), strict=False)))
        with outer, inner:
            await call
        return await _found(platform, client, call, before, cancelled=inner.cancelled_caught or outer.cancelled_caught)


def _client(platform: Emulator) -> PlatformClient:
    return PlatformClient(platform.url, platform.token, limits=ONE_SLOT, env={})


def _execution(client: PlatformClient, happenings: Mapping[int, Callable[[], object]]) -> Checkpoints:
    return Checkpoints(lambda: client.execute_code_block(SLEEP, {"seconds": EXECUTION_SECONDS}), happenings)


async def _found(platform: Emulator, client: PlatformClient, call: Checkpoints, before: int, *, cancelled: bool) -> Swept:
    statuses = [each.status for each in platform.executions[before:]]
    transport = client._binding.get()
    assert isinstance(transport, AsyncioTransport | TrioTransport)
    assert transport._pool.counts[0] == 0
    assert await client.request("GET", "/api/v1/tenants/orgs")
    return Swept(call.met, cancelled, statuses)
