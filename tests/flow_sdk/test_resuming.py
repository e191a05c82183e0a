"""What goes on elsewhere, through the clients: stored operations, records and handles."""

import json
from typing import Any
from uuid import UUID

import pytest

from flow_sdk import ExecutionHandle, PlatformClient, RetryPolicy
from flow_sdk.platform_client import PlatformExecutionError, PlatformSubmissionUnknownError, PlatformTimeoutError
from platform_core import operations
from platform_core.handles import Submission
from platform_core.lifecycle import ExecutionStatus
from platform_core.machine import Ended
from platform_core.outcomes import Started
from platform_core.records import ExecutionRecord
from platform_core.snapshots import restore, snapshot
from platform_transports.fake import FakePlatform, Lose
from tests.support.platform import ECHO, FAIL, SEED, SLEEP, executions, heading, modelled, on, paths
from tests.support.worlds import WORLDS, World

TOKEN = "fl_a-secret-token"


def resumed(world: World, platform: FakePlatform, text: str) -> ExecutionRecord:
    """What the execution behind the text of a handle ends in, in another client of this world."""

    async def scenario(client: PlatformClient) -> ExecutionRecord:
        return await client.resume(ExecutionHandle.from_json(text))

    return world.run(scenario, transport=platform)


class TestStoredOperations:
    @pytest.mark.parametrize("begun", [False, True])
    def test_what_was_stored_runs_wherever_it_is_restored(self, world: World, begun: bool) -> None:
        operation = operations.execute_code_block(ECHO, {"a": 1}, seed=SEED)
        if begun:
            operation, _ = operation.step(Started(0.0))
        text, platform = json.dumps(snapshot(operation)), modelled()

        async def scenario(client: PlatformClient) -> list[ExecutionRecord]:
            # A task that is repeated, with the same snapshot: the same key, and so the same execution.
            return [await client.run(restore(json.loads(text))) for _ in range(2)]

        first, second = world.run(scenario, transport=platform)
        assert first["result"] == {"a": 1}
        assert first == second
        assert len(executions(platform)) == 1

    def test_what_has_ended_is_not_run(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(ValueError, match=r"^operation has ended: there is nothing left to run$"):
                await client.run(Ended(UUID(int=1)))

        world.run(scenario, transport=modelled())


@pytest.mark.parametrize("second", WORLDS, ids=str)
class TestHandles:
    def test_a_submission_whose_fate_is_not_known_is_resumed_and_has_started_once(self, world: World, second: World) -> None:
        platform = modelled(on("POST", "/executions", Lose(effect=True)))

        async def lose(client: PlatformClient) -> str:
            with pytest.raises(PlatformSubmissionUnknownError) as caught:
                await client.execute_code_block(ECHO, {"a": 1})
            assert caught.value.handle is not None
            return caught.value.handle.to_json()

        text = world.run(lose, transport=platform, retry=RetryPolicy(attempts_max=1), auth_token=TOKEN)
        assert TOKEN not in text
        assert resumed(second, platform, text)["result"] == {"a": 1}
        assert len(executions(platform)) == 1
        keys = [key for key in heading(platform, "Idempotency-Key") if key is not None]
        assert len(keys) == 2
        assert len(set(keys)) == 1

    def test_a_submission_that_never_arrived_is_resumed_and_starts_once(self, world: World, second: World) -> None:
        platform = modelled(on("POST", "/executions", Lose()))

        async def lose(client: PlatformClient) -> str:
            with pytest.raises(PlatformSubmissionUnknownError) as caught:
                await client.submit_code_block_execution(ECHO, {"a": 1})
            assert caught.value.handle is not None
            return caught.value.handle.to_json()

        text = world.run(lose, transport=platform, retry=RetryPolicy(attempts_max=1))
        assert [resumed(second, platform, text)["result"] for _ in range(2)] == [{"a": 1}] * 2
        assert len(executions(platform)) == 1

    def test_whoever_submits_hands_on_the_handle_of_the_record(self, world: World, second: World) -> None:
        platform = modelled()

        async def submit(client: PlatformClient) -> str:
            return client.handle(await client.submit_code_block_execution(SLEEP, {"seconds": 5})).to_json()

        text = world.run(submit, transport=platform)
        assert json.loads(text)["kind"] == "code_block"
        assert json.loads(text)["submission"] is None
        assert resumed(second, platform, text)["status"] == "completed"
        assert paths(platform).count("POST /api/v1/code-blocks/" + SLEEP + "/executions") == 1

    def test_it_ends_as_the_run_would_have(self, world: World, second: World) -> None:
        platform = modelled()

        async def submit(client: PlatformClient) -> str:
            return client.handle(await client.submit_code_block_execution(FAIL, {"message": "it broke"})).to_json()

        text = world.run(submit, transport=platform)
        with pytest.raises(PlatformExecutionError, match="it broke"):
            resumed(second, platform, text)

    def test_after_a_deadline_it_has_time_to_hear_the_end(self, world: World, second: World) -> None:
        platform = modelled()

        async def outlast(client: PlatformClient) -> str:
            record = await client.submit_code_block_execution(SLEEP, {"seconds": 100})
            with pytest.raises(PlatformTimeoutError) as caught:
                await client.await_execution_result(record["execution_id"], 90)
            assert caught.value.handle is not None
            assert caught.value.handle.seconds_left == 0.0
            return caught.value.handle.to_json()

        text = world.run(outlast, transport=platform)
        assert resumed(second, platform, text)["status"] == "completed"
        assert executions(platform)[0].status is ExecutionStatus.COMPLETED


def stranger(target: str, body: bytes = b"{}") -> ExecutionHandle:
    return ExecutionHandle("agent", None, Submission(UUID(int=1), target, body), 1.0, 1, "cancel")


STRANGERS: list[tuple[Any, type[Exception], str]] = [
    (None, TypeError, "handle must be an ExecutionHandle, not NoneType"),
    ("{}", TypeError, "handle must be an ExecutionHandle, not str: ExecutionHandle.from_json reads"),
    (ExecutionHandle("execution", "..", None, 1.0, 1, "detach"), ValueError, "handle.execution_id must not be empty"),
    (ExecutionHandle("execution", "e", None, -1.0, 1, "detach"), ValueError, "handle.seconds_left must be a number"),
    (stranger("@evil.test/api/v1/agents/a/executions"), ValueError, "handle.submission.target must be a percent-encoded path"),
    (stranger("/api/v1/agents/../executions"), ValueError, "handle.submission.target must not have a dot segment"),
    (stranger("/api/v1/tenants/orgs"), ValueError, "handle.submission.target must be where a component of handle.kind, agent, is"),
    (stranger("/api/v1/workflows/w/executions"), ValueError, "handle.submission.target must be where a component of handle.kind"),
    (stranger("/api/v1/agents/a/executions", b"[1]"), ValueError, "handle.submission.body must be a JSON object"),
]


@pytest.mark.parametrize(("handle", "error", "text"), STRANGERS)
def test_a_handle_from_a_stranger_is_refused_before_anything_is_sent(world: World, handle: Any, error: type[Exception], text: str) -> None:
    platform = modelled()

    async def scenario(client: PlatformClient) -> None:
        with pytest.raises(error, match=f"^{text}"):
            await client.resume(handle)

    world.run(scenario, transport=platform)
    assert platform.requests == []


@pytest.mark.parametrize(("record", "error"), [(None, TypeError), ({}, TypeError), ({"execution_id": ".."}, ValueError)])
def test_what_is_no_record_has_no_handle(world: World, record: Any, error: type[Exception]) -> None:
    client = world.client(transport=modelled())
    with pytest.raises(error, match=r"^record"):
        client.handle(record)
