"""The model that calls a user's own functions: at once, and whatever becomes of them."""

from typing import Any

import pytest

from platform_core.messages import Headers, Inline, Request
from platform_emulator.registration import agent, code_block, component_id_of
from platform_emulator.working import Working
from tests.platform_emulator.support import SEED, cancel_of, parsed, status_of, submission

JSON = Headers((("Content-Type", "application/json"),))


@code_block
def double(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"n": 2 * inputs["n"]}


@code_block
def strange(inputs: dict[str, Any]) -> object:
    return object()


@agent
async def slow(inputs: dict[str, Any]) -> None:
    return


def run(platform: Working, function: Any, body: bytes, at: float) -> tuple[Working, Any]:
    request = Request("POST", f"/api/v1/code-blocks/{component_id_of(function)}/executions", JSON, Inline(body))
    platform, response = platform.apply(request, at)
    assert parsed(response)["status"] == "pending"
    platform, response = platform.apply(status_of(parsed(response)["execution_id"]), at)
    return platform, parsed(response)


def test_a_function_has_run_by_the_time_at_which_it_is_asked_for() -> None:
    platform, record = run(Working.new(SEED, functions=[double, double]), double, b'{"input_parameters": {"n": 4}}', 60.0)
    assert (record["status"], record["result"]) == ("completed", {"n": 8})
    assert record["created_at"] == record["started_at"] == record["finished_at"]
    assert platform.records(60.0) == (record,)


@pytest.mark.parametrize(
    ("function", "code", "message"),
    [(double, "COMPONENT_FAILED", "KeyError: 'n'"), (strange, "INVALID_RESULT", "must be JSON")],
)
def test_one_that_fails_ends_its_execution_failed(function: Any, code: str, message: str) -> None:
    _, record = run(Working.new(SEED, functions=[double, strange]), function, b"{}", 0.0)
    assert (record["status"], record["error"]["code"]) == ("failed", code)
    assert message in record["error"]["message"]


def test_the_built_in_components_do_as_ever() -> None:
    platform, response = Working.new(SEED).apply(submission("sleep", {"input_parameters": {"seconds": 5}}), 0.0)
    execution_id = parsed(response)["execution_id"]
    assert [each["status"] for each in platform.records(1.0)] == ["running"]
    platform, _ = platform.apply(cancel_of(execution_id), 2.0)
    assert [each["status"] for each in platform.records(9.0)] == ["cancelled"]


def test_an_async_function_is_refused_and_one_that_is_not_decorated() -> None:
    with pytest.raises(TypeError, match=r"^components: slow is async: a fake calls plain functions alone, the emulator takes both$"):
        Working.new(SEED, functions=[slow])
    with pytest.raises(TypeError, match="is not decorated"):
        Working.new(SEED, functions=[run])
