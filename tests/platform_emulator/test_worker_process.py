import json
from typing import Any

import pytest

from platform_emulator.worker_process import outcome

MODULE = "tests.platform_emulator.own_components"


def ended(name: str, inputs: dict[str, Any], module: str = MODULE) -> Any:
    return json.loads(outcome(module, name, inputs))


RESULTS: list[tuple[str, dict[str, Any], Any]] = [
    ("double", {"n": 2}, {"n": 4}),
    ("helper", {"q": "é"}, {"answer": {"q": "é"}}),
    ("plan", {}, [{}]),
]


@pytest.mark.parametrize(("name", "inputs", "result"), RESULTS)
def test_a_function_ends_with_its_result_also_an_async_one(name: str, inputs: dict[str, Any], result: Any) -> None:
    assert ended(name, inputs) == {"result": result}


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("raises", {"message": "no paper"}, "LookupError: no paper"),
        ("raises", {}, "LookupError"),
        ("raises", {"message": "\ud800"}, "LookupError: \\ud800"),
        ("double", {}, "KeyError: 'n'"),
        ("exits", {}, "SystemExit: gone"),
    ],
)
def test_what_a_function_raises_is_its_error(name: str, inputs: dict[str, Any], message: str) -> None:
    assert ended(name, inputs) == {"error": {"code": "COMPONENT_FAILED", "message": message, "details": []}}


def test_a_function_that_is_not_there_fails() -> None:
    assert ended("nothing", {})["error"]["message"].startswith("AttributeError: ")
    assert ended("double", {}, "tests.nothing")["error"]["message"].startswith("ModuleNotFoundError: ")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("a set", "the result must be JSON: "),
        ("nan", "the result must be JSON: "),
        ("a lone surrogate", "the result must be JSON that every reader takes: a lone surrogate"),
        ("deep", "the result must be JSON that every reader takes: arrays and objects are nested too deeply"),
        ("large", "the result must have at most "),
    ],
)
def test_a_result_that_no_record_could_hold_is_an_error(what: str, reason: str) -> None:
    error = ended("answers_with", {"what": what})["error"]
    assert error["code"] == "INVALID_RESULT"
    assert error["message"].startswith(reason)
