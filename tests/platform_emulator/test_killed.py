"""`kill -9`, and a new start with the same database: over real HTTP, in processes of their own."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from platform_emulator import component_id_of
from platform_emulator.state import Execution
from tests.platform_emulator import own_components
from tests.platform_emulator.own_components import double, never_lets_go, sleep_for_ever
from tests.platform_emulator.support import IDS, attempts
from tests.support.emulator_process import EmulatorProcess, dying

OWN = ("--components", own_components.__name__)
ACKNOWLEDGED = 60


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "platform.sqlite3"


def client(emulator: EmulatorProcess) -> httpx.Client:
    return httpx.Client(base_url=emulator.url, headers={"Authorization": f"Bearer {emulator.token}"}, trust_env=False, timeout=60.0)


def submit(client: httpx.Client, component_id: str, key: str, inputs: dict[str, Any] | None = None) -> httpx.Response:
    path = f"/api/v1/code-blocks/{component_id}/executions"
    return client.post(path, json={"input_parameters": inputs or {}}, headers={"Idempotency-Key": key})


def ended(client: httpx.Client, execution_id: str) -> dict[str, Any]:
    for _ in attempts():
        record: dict[str, Any] = client.get(f"/api/v1/executions/{execution_id}").json()
        if record["status"] not in ("pending", "running"):
            return record
    raise AssertionError


def ends(executions: list[Execution]) -> list[tuple[str, str | None]]:
    """The status of each, and the code of its error."""
    return [(each.status.value, None if each.error_json is None else json.loads(each.error_json)["code"]) for each in executions]


def test_whatever_was_acknowledged_is_there_after_a_kill_at_any_moment(file: Path) -> None:
    acknowledged: dict[str, str] = {}
    enough = threading.Event()

    def submit_until_the_end(sender: int) -> None:
        with client(emulator) as http:
            for number in range(10_000):
                try:
                    record = submit(http, IDS["echo"], f"{sender}-{number}").json()
                except httpx.TransportError:
                    return
                acknowledged[f"{sender}-{number}"] = record["execution_id"]
                if len(acknowledged) >= ACKNOWLEDGED:
                    enough.set()

    with EmulatorProcess(file) as emulator:
        url, token = emulator.url, emulator.token
        with ThreadPoolExecutor(4) as senders:
            sent = senders.map(submit_until_the_end, range(4))
            assert enough.wait(60.0)
            emulator.kill()
            list(sent)
        in_file = {each.idempotency_key: each.execution_id for each in emulator.executions()}
        assert acknowledged.items() <= in_file.items()
        assert len(in_file) <= len(acknowledged) + 4
        emulator.start()
        assert emulator.url == url
        emulator.token = token
        with client(emulator) as http:
            again = {key: submit(http, IDS["echo"], str(key)).json()["execution_id"] for key in in_file}
            assert {ended(http, each)["status"] for each in in_file.values()} == {"completed"}
        assert again == in_file


@pytest.mark.parametrize(("moment", "replayed"), [("before", None), ("after", "true")])
def test_a_submission_that_was_not_answered_is_one_execution_when_it_is_repeated(
    file: Path, moment: Literal["before", "after"], replayed: str | None
) -> None:
    with EmulatorProcess(file, program=dying(moment, 1)) as emulator:
        with client(emulator) as http, pytest.raises(httpx.RemoteProtocolError):
            submit(http, IDS["echo"], "a key")
        emulator.ended()
        assert len(emulator.executions()) == (0 if replayed is None else 1)
        emulator.start()
        with client(emulator) as http:
            response = submit(http, IDS["echo"], "a key")
            assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (202, replayed)
            assert ended(http, response.json()["execution_id"])["status"] == "completed"
        emulator.kill()
        assert ends(emulator.executions()) == [("completed", None)]


def test_what_ran_has_lost_its_worker_and_no_worker_outlives_the_emulator(file: Path, tmp_path: Path) -> None:
    pids = [tmp_path / name for name in ("sleeps", "never lets go")]
    with EmulatorProcess(file, *OWN) as emulator:
        with client(emulator) as http:
            for function, pid in zip((sleep_for_ever, never_lets_go), pids, strict=True):
                submit(http, component_id_of(function), pid.name, {"file": str(pid)})
            for _ in attempts():
                if all(pid.exists() and pid.read_text() for pid in pids):
                    break
        emulator.kill()  # waits for the workers as well
        assert ends(emulator.executions()) == [("running", None)] * 2
        emulator.start()
        emulator.kill()
        assert ends(emulator.executions()) == [("failed", "WORKER_LOST")] * 2


def test_a_function_that_was_still_to_run_is_run_and_not_without_its_module(file: Path) -> None:
    with EmulatorProcess(file, *OWN, program=dying("after", 1)) as emulator:
        with client(emulator) as http, pytest.raises(httpx.RemoteProtocolError):
            submit(http, component_id_of(double), "a key", {"n": 21})
        emulator.ended()
        with pytest.raises(RuntimeError, match="components: there must be code_block double"):
            EmulatorProcess(file).start()
        (pending,) = emulator.executions()
        emulator.start()
        with client(emulator) as http:
            assert ended(http, pending.execution_id)["result"] == {"n": 42}


def test_two_emulators_never_have_one_file(file: Path) -> None:
    with EmulatorProcess(file), pytest.raises(RuntimeError, match=f"--database: {file} is in use by another emulator"):
        EmulatorProcess(file).start()
