import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_core.messages import Headers, Inline, Request
from platform_core.records import ExecutionRecord
from platform_core.strict_json import json_body
from platform_emulator.keeping import NOWHERE, DatabaseError, Keeper, Nowhere
from platform_emulator.model import Model, State
from platform_emulator.registration import registered
from platform_emulator.runner import Runner
from platform_emulator.service import Service
from platform_emulator.tokens import Tokens
from tests.platform_emulator.own_components import dies, double, leaves_a_thread, raises, sleep_for_ever
from tests.platform_emulator.support import SEED, attempts, cancel_of, parsed, status_of

FUNCTIONS = {each.component.name: each for each in registered([dies, double, leaves_a_thread, raises, sleep_for_ever])}


class World:
    """A platform with runs, looked at whenever something has changed."""

    def __init__(self, keeper: Keeper = NOWHERE) -> None:
        self.service = Service(Model.new(SEED, components=[each.component for each in FUNCTIONS.values()]), Tokens(), keeper=keeper)
        self._changed = threading.Event()
        self.runner = Runner(self.service, FUNCTIONS.values(), self._changed.set)

    def submit(self, name: str, inputs: dict[str, Any] | None = None, **fields: Any) -> str:
        path = f"/api/v1/code-blocks/{FUNCTIONS[name].component.component_id}/executions"
        body = Inline(json_body({"input_parameters": inputs or {}, **fields}))
        response = self.service.apply(Request("POST", path, Headers((("Content-Type", "application/json"),)), body))
        execution_id: str = parsed(response)["execution_id"]
        self.runner.look()
        return execution_id

    def record(self, execution_id: str) -> ExecutionRecord:
        record: ExecutionRecord = parsed(self.service.apply(status_of(execution_id)))
        return record

    def until(self, holds: Callable[[], bool]) -> None:
        """Work until this holds, woken as the loop of a server would be."""
        for _ in attempts():
            if holds():
                return
            due = self.service.due()
            self._changed.wait(0.02 if due is None else min(0.02, max(due - self.service.now(), 0.0)))
            self._changed.clear()
            self.service.advance()
            self.runner.look()

    def ended(self, execution_id: str) -> ExecutionRecord:
        self.until(lambda: self.service.ended(execution_id) is not None)
        return self.record(execution_id)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.runner.close()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def sleeping(world: World, tmp_path: Path, **fields: Any) -> tuple[str, int]:
    """An execution that sleeps for ever, and the id of its process."""
    file = tmp_path / "pid"
    execution_id = world.submit("sleep_for_ever", {"file": str(file)}, **fields)
    world.until(lambda: file.exists() and file.read_text() != "")
    return execution_id, int(file.read_text())


def test_a_function_runs_to_its_end_in_another_process(world: World) -> None:
    execution_id = world.submit("double", {"n": 21}, timeout_seconds=30)
    assert world.record(execution_id)["status"] == "pending"
    record = world.ended(execution_id)
    assert (record["status"], record.get("result"), record.get("error")) == ("completed", {"n": 42}, None)
    assert record.get("started_at") is not None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", {"code": "COMPONENT_FAILED", "message": "LookupError: no", "details": []}),
        ("dies", {"code": "WORKER_LOST", "message": "the worker process ended before the function did", "details": []}),
    ],
)
def test_a_function_that_raises_and_a_process_that_dies_end_failed(world: World, name: str, error: dict[str, Any]) -> None:
    record = world.ended(world.submit(name, {"message": "no"}))
    assert (record["status"], record.get("result"), record.get("error")) == ("failed", None, error)


def test_a_cancel_ends_the_process(world: World, tmp_path: Path) -> None:
    execution_id, pid = sleeping(world, tmp_path)
    assert (world.record(execution_id)["status"], is_there(pid)) == ("running", True)
    assert parsed(world.service.apply(cancel_of(execution_id)))["status"] == "cancelled"
    world.until(lambda: not is_there(pid))
    assert world.record(execution_id)["status"] == "cancelled"


def test_a_deadline_ends_the_process(world: World, tmp_path: Path) -> None:
    execution_id, pid = sleeping(world, tmp_path, timeout_seconds=1)
    assert world.ended(execution_id)["status"] == "timeout"
    world.until(lambda: not is_there(pid))


def test_what_is_cancelled_while_its_process_starts_never_runs(world: World, tmp_path: Path) -> None:
    execution_id = world.submit("sleep_for_ever", {"file": str(tmp_path / "pid")})
    world.service.apply(cancel_of(execution_id))
    after = world.submit("double", {"n": 1})
    assert world.ended(after)["status"] == "completed"
    assert world.record(execution_id)["status"] == "cancelled"
    assert not (tmp_path / "pid").exists()


def test_threads_that_a_function_leaves_behind_hold_nothing_up(world: World) -> None:
    assert world.ended(world.submit("leaves_a_thread")).get("result") == "done"
    world.runner.close()


def test_closing_ends_all_processes(world: World, tmp_path: Path) -> None:
    _, pid = sleeping(world, tmp_path)
    world.runner.close()
    assert not is_there(pid)


def test_more_than_may_run_at_once_stay_pending_until_there_is_room(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.runner.PROCESSES_MAX", 1)
    first, _ = sleeping(world, tmp_path)
    second = world.submit("double", {"n": 1})
    assert [world.record(each)["status"] for each in (first, second)] == ["running", "pending"]
    assert [each.name for each in threading.enumerate() if each.name.startswith("platform_emulator ")] == [f"platform_emulator {first}"]
    world.service.apply(cancel_of(first))
    assert world.ended(second)["status"] == "completed"


def test_a_process_that_does_not_come_up_fails_its_execution(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.runner.START_SECONDS_MAX", 0.0)
    record = world.ended(world.submit("double", {"n": 1}))
    assert (record["status"], (record.get("error") or {}).get("code")) == ("failed", "WORKER_LOST")


class FullNowAndThen(Nowhere):
    """Keeps every third change alone, beginning with the first."""

    def __init__(self) -> None:
        self.asked = 0

    def keep(self, before: State, after: State) -> None:
        self.asked += 1
        if self.asked % 3 != 1:
            raise DatabaseError("the disk is full")


def test_a_run_tells_its_start_and_its_end_until_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.keeping.AGAIN_SECONDS", 0.001)
    keeper = FullNowAndThen()
    world = World(keeper)
    assert world.ended(world.submit("double", {"n": 21})).get("result") == {"n": 42}
    world.runner.close()
    assert keeper.asked == 7
