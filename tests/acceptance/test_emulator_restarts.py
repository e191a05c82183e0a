"""A client that goes on while the platform dies and is started again, on the same port with the same database.

The platform is killed by SIGKILL immediately before or after it commits for the n-th time: the submission, the start of the run, and its
end or its cancel are each a commit. Whatever the moment, there is one execution, and the client ends as the database says.
"""

import json
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from flow_sdk import PlatformClient
from flow_sdk.platform_client import PlatformExecutionError
from platform_core.retry import RetryPolicy
from tests.support.emulator_process import EmulatorProcess, dying
from tests.support.platform import ECHO, SLEEP
from tests.support.worlds import World

Scenario: TypeAlias = Callable[[PlatformClient], Coroutine[Any, Any, str]]

PATIENT = RetryPolicy(attempts_max=100, pause_first_seconds=0.1, pause_seconds_max=1.0)
"""Bears a platform that is away for as long as a busy machine takes to start one."""
INPUTS = {"text": "once"}
AGES = {"seconds": 3600}


async def executes(client: PlatformClient) -> str:
    """From the submission to the end."""
    record = await client.execute_code_block(ECHO, INPUTS, poll_interval_seconds=0.1)
    assert record.get("result") == INPUTS
    return "completed"


async def awaits(client: PlatformClient) -> str:
    """Ends as what was submitted before does."""
    submitted = await client.submit_code_block_execution(SLEEP, AGES)
    with pytest.raises(PlatformExecutionError) as caught:
        await client.await_execution_result(submitted["execution_id"], poll_interval_seconds=0.1)
    return f"failed {caught.value.code}"


async def cancels(client: PlatformClient) -> str:
    """Cancels what runs."""
    record = await client.submit_code_block_execution(SLEEP, AGES)
    while record["status"] == "pending":
        record = await client.get_execution_status(record["execution_id"])
    record = await client.cancel_execution(record["execution_id"])
    return " ".join((record["status"], (record.get("error") or {}).get("code", "")))


CASES: list[tuple[Literal["before", "after"], int, Scenario, str]] = [
    ("before", 1, executes, "completed"),
    ("after", 1, executes, "completed"),
    ("before", 2, executes, "completed"),
    ("after", 2, executes, "completed"),
    ("after", 2, awaits, "failed WORKER_LOST"),
    ("before", 3, cancels, "failed WORKER_LOST"),
    ("after", 3, cancels, "cancelled EXECUTION_CANCELLED"),
]


@pytest.mark.parametrize(("moment", "commits", "scenario", "end"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_there_is_one_execution_and_it_ends_as_the_database_says(
    world: World, tmp_path: Path, moment: Literal["before", "after"], commits: int, scenario: Scenario, end: str
) -> None:
    def start_again() -> None:
        emulator.ended()
        emulator.start()

    with EmulatorProcess(tmp_path / "platform.sqlite3", program=dying(moment, commits)) as emulator:
        starting = threading.Thread(target=start_again, daemon=True)
        starting.start()
        told = world.run(scenario, base_url=emulator.url, auth_token=emulator.token, retry=PATIENT)
        starting.join()
        emulator.kill()
        (execution,) = emulator.executions()
    error = None if execution.error_json is None else json.loads(execution.error_json)["code"]
    assert told == end == " ".join(filter(None, (execution.status.value, error)))
