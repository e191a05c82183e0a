"""A process that is killed at the worst moments, and one that goes on with its journal: some cases of `make crash`, over real HTTP."""

import json
import signal
from pathlib import Path

import pytest

from flow_sdk import SyncPlatformClient
from platform_core.resuming import handle_of_run
from platform_transports.journal_lines import unfinished
from tests.support.emulator_process import EmulatorProcess
from tools.crash_process import Moment, World
from tools.crash_sweep import FOR_EVER_SECONDS, PERFORMED, ROWS, STORED, UNSTORED, Row, found, run

CASES: tuple[tuple[str, str, World], ...] = (
    ("submission", UNSTORED, "sync"),
    ("submission", STORED, "asyncio"),
    ("submission", PERFORMED, "trio"),
    ("cancel", PERFORMED, "sync"),
)


def row(action: str, when: str) -> Row:
    return next(each for each in ROWS if (each.moment.action, each.moment.when) == (action, when))


@pytest.mark.parametrize(("action", "when", "world"), CASES)
def test_a_run_whose_process_is_killed_ends_once_and_as_it_had_to(tmp_path: Path, action: str, when: str, world: World) -> None:
    became = found(row(action, when), world, tmp_path)
    assert became.wrong == ""


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    became = found(row("submission", UNSTORED)._replace(executions=1), "asyncio", tmp_path)
    assert became.wrong == "0 executions instead of 1"
    assert str(became) == "none !"


def test_a_process_dies_before_and_after_each_action_of_an_execution() -> None:
    actions = {each.moment.action: each for each in ROWS}
    assert set(actions) == {"submission", "wait", "poll", "cancel", "end"}
    for action in actions.keys() - {"end"}:
        assert {each.moment.when for each in ROWS if each.moment.action == action} >= {STORED, PERFORMED}


BOTH: tuple[tuple[Moment, bool, int, str, World], ...] = (
    (Moment("submission", 1, STORED), False, 0, "completed", "trio"),
    (Moment("submission", 1, PERFORMED), False, 0, "completed or failed", "sync"),
    (Moment("poll", 1, STORED), False, FOR_EVER_SECONDS, "failed", "asyncio"),
    (Moment("cancel", 1, PERFORMED), True, FOR_EVER_SECONDS, "cancelled", "sync"),
)
"""When the client dies, whether its caller has left, how long the execution sleeps, how it may end, and where recovery runs."""
TOLD = {"completed": "completed", "PlatformExecutionError": "failed", "PlatformExecutionCancelledError": "cancelled"}


@pytest.mark.parametrize(("moment", "leaves", "seconds", "ends", "world"), BOTH)
def test_where_the_platform_dies_as_well_the_recovered_end_is_what_its_database_says(
    tmp_path: Path, moment: Moment, leaves: bool, seconds: int, ends: str, world: World
) -> None:
    journal = tmp_path / "journal"
    with EmulatorProcess(tmp_path / "platform.sqlite3") as platform:
        arguments = json.dumps({"moment": moment, "seconds": seconds, "leaves": leaves})
        killed = run(platform.url, platform.token, "die", world, str(journal), arguments)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        if moment.action == "poll":
            wait_until_running(platform, journal)
        platform.kill()
        platform.start()
        recovered = run(platform.url, platform.token, "recover", world, str(journal))
        assert recovered.returncode == 0, recovered.stderr
        platform.kill()
        (execution,) = platform.executions()
    told = json.loads(recovered.stdout)
    assert told["execution_id"] == execution.execution_id
    assert TOLD[told["ended"]] == execution.status
    assert execution.status in ends.split(" or ")
    if execution.status == "failed":
        assert execution.error_json is not None
        assert json.loads(execution.error_json)["code"] == "WORKER_LOST"


def wait_until_running(platform: EmulatorProcess, journal: Path) -> None:
    """Until the execution that the journal knows of runs: one that is still pending is run by the next platform."""
    (operation,) = unfinished(journal).values()
    handle = handle_of_run(operation)
    assert handle is not None
    assert handle.execution_id is not None
    with SyncPlatformClient(platform.url, platform.token, env={}) as client:
        while client.get_execution_status(handle.execution_id)["status"] == "pending":
            pass
