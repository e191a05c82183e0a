"""What goes on elsewhere, through the clients: stored operations, records and handles."""

import json
from uuid import UUID

import pytest

from flow_sdk import PlatformClient
from platform_core import operations
from platform_core.machine import Ended
from platform_core.outcomes import Started
from platform_core.records import ExecutionRecord
from platform_core.snapshots import restore, snapshot
from tests.support.platform import ECHO, SEED, executions, modelled
from tests.support.worlds import World


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
