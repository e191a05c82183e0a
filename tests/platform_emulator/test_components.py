import json
from typing import Any

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_emulator.components import COMPONENTS, Component, catalogue, component_of, work_of
from tests.platform_emulator.support import IDS


def work(name: str, inputs: dict[str, Any]) -> tuple[float, str, Any]:
    component = next(each for each in COMPONENTS if each.name == name)
    found = work_of(component, inputs)
    return found.seconds, found.status, json.loads(found.outcome_json)


@pytest.mark.parametrize("name", ["echo", "answer", "pipeline"])
def test_what_goes_in_comes_out_at_once(name: str) -> None:
    assert work(name, {"text": "é", "n": [1, None]}) == (0.0, ExecutionStatus.COMPLETED, {"text": "é", "n": [1, None]})


@pytest.mark.parametrize("seconds", [0, 1.5, 3600])
def test_sleep_takes_its_seconds(seconds: float) -> None:
    assert work("sleep", {"seconds": seconds}) == (seconds, ExecutionStatus.COMPLETED, {"seconds": seconds})


@pytest.mark.parametrize("inputs", [{}, {"seconds": -1}, {"seconds": "1"}, {"seconds": True}, {"seconds": None}, {"seconds": 10**400}])
def test_sleep_fails_at_once_with_seconds_that_are_none(inputs: dict[str, Any]) -> None:
    seconds, status, error = work("sleep", inputs)
    assert (seconds, status, error["code"]) == (0.0, ExecutionStatus.FAILED, "INVALID_INPUT")


def test_fail_fails_with_its_message() -> None:
    error: dict[str, Any] = {"code": "COMPONENT_FAILED", "message": "no paper", "details": []}
    assert work("fail", {"message": "no paper"}) == (0.0, ExecutionStatus.FAILED, error)


def test_fail_has_a_message_of_its_own() -> None:
    assert work("fail", {})[2]["message"] == "fail was asked to fail"


def test_a_component_is_found_by_kind_and_id_in_any_case() -> None:
    found = component_of("code_block", IDS["echo"].upper())
    assert found is not None
    assert found.name == "echo"
    assert component_of("agent", IDS["echo"]) is None


def test_a_component_that_runs_outside_has_no_end_of_its_own() -> None:
    mine = Component("agent", "mine", "m", external=True)
    assert work_of(mine, {}).seconds == float("inf")
    assert component_of("agent", "M", [mine]) is mine
    assert component_of("workflow", "m", [mine]) is None
    assert catalogue([mine])["agents"] == {"answer": IDS["answer"], "mine": "m"}


def test_the_catalogue_names_what_the_documented_list_names() -> None:
    listed = catalogue()
    assert {name: set(listed[name]) for name in listed if not name.endswith("_id")} == {
        "code_blocks": {"echo", "sleep", "fail"},
        "agents": {"answer"},
        "workflows": {"pipeline"},
        "hosted_services": {"demo"},
        "datasets": {"people"},
    }
    assert isinstance(listed["org_id"], str)
    assert isinstance(listed["workspace_id"], str)
