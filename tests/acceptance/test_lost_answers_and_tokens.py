"""What users lose money and time by today, over real HTTP: lost answers, and tokens that expire under many calls."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from flow_sdk import PlatformClient, SyncPlatformClient
from platform_core.lifecycle import ExecutionStatus
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

ECHO = next(component.component_id for component in COMPONENTS if component.name == "echo")
CALLS = 10


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


async def test_a_submission_whose_answer_was_lost_after_its_effect_starts_one_execution(platform: Emulator) -> None:
    platform.inject({"kind": "drop_after", "method": "POST", "path": "/executions"})
    async with PlatformClient(platform.url, platform.token) as client:
        record = await client.execute_code_block(ECHO, {"text": "once"})
    assert record["result"] == {"text": "once"}
    assert_executed(platform, 1)


def test_in_a_thread_a_submission_whose_answer_was_lost_after_its_effect_starts_one_execution(platform: Emulator) -> None:
    platform.inject({"kind": "drop_after", "method": "POST", "path": "/executions"})
    with SyncPlatformClient(platform.url, platform.token) as client:
        record = client.execute_code_block(ECHO, {"text": "once"})
    assert record["result"] == {"text": "once"}
    assert_executed(platform, 1)


async def test_ten_tasks_that_lose_their_answers_start_ten_executions_and_get_their_own_results(platform: Emulator) -> None:
    platform.inject({"kind": "drop_after", "method": "POST", "path": "/executions", "times": CALLS})
    results: dict[int, object] = {}
    async with PlatformClient(platform.url, platform.token) as client, anyio.create_task_group() as tasks:

        async def call(number: int) -> None:
            results[number] = (await client.execute_code_block(ECHO, {"number": number}))["result"]

        for number in range(CALLS):
            tasks.start_soon(call, number)
    assert results == {number: {"number": number} for number in range(CALLS)}
    assert_executed(platform, CALLS)


def test_ten_threads_that_lose_their_answers_start_ten_executions_and_get_their_own_results(platform: Emulator) -> None:
    platform.inject({"kind": "drop_after", "method": "POST", "path": "/executions", "times": CALLS})
    with SyncPlatformClient(platform.url, platform.token) as client, ThreadPoolExecutor(CALLS) as threads:

        def call(number: int) -> object:
            return client.execute_code_block(ECHO, {"number": number})["result"]

        results = list(threads.map(call, range(CALLS)))
    assert results == [{"number": number} for number in range(CALLS)]
    assert_executed(platform, CALLS)


async def test_ten_tasks_that_meet_a_rejected_token_at_once_ask_the_provider_once(platform: Emulator) -> None:
    platform.inject({"kind": "unauthorized"})
    asked: list[str] = []

    async def provide() -> str:
        await anyio.sleep(0.2)  # long enough for all ten to have met their 401
        asked.append("asked")
        return platform.new_token()

    async with PlatformClient(platform.url, platform.token, token_provider=provide) as client, anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(client.request, "GET", "/api/v1/tenants/orgs")
    assert asked == ["asked"]
    # Each call was refused and repeated; whoever came after the new token was there went out with it at once.
    assert CALLS < len(platform.requests) <= 2 * CALLS


def test_ten_threads_that_meet_a_rejected_token_at_once_ask_the_provider_once(platform: Emulator) -> None:
    platform.inject({"kind": "unauthorized"})
    asked: list[str] = []
    all_refused = threading.Event()

    def provide() -> str:
        all_refused.wait(0.2)  # long enough for all ten to have met their 401
        asked.append("asked")
        return platform.new_token()

    with SyncPlatformClient(platform.url, platform.token, token_provider=provide) as client, ThreadPoolExecutor(CALLS) as threads:

        def call(_number: int) -> object:
            return client.request("GET", "/api/v1/tenants/orgs")

        answers = list(threads.map(call, range(CALLS)))
    assert asked == ["asked"]
    assert len(answers) == CALLS


def assert_executed(platform: Emulator, count: int) -> None:
    assert [execution.status for execution in platform.executions] == [ExecutionStatus.COMPLETED] * count
