"""Handles: what goes out is what comes back, and a stranger's is checked like any input."""

import json
import sys
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from platform_core.handles import HANDLE_VERSION, ExecutionHandle, HandleKind, Submission

KEY = UUID("00000000-0000-4000-8000-000000000001")
BODY = '{"input_data":{"q":"s3cret \u00e9"}}'.encode()
TARGET = "/api/v1/agents/a%2Fb/executions"
SUBMITTED = ExecutionHandle("agent", None, Submission(KEY, TARGET, BODY), 12.5, 3, "cancel")
KNOWN = ExecutionHandle("execution", "e/1", None, 0.0, 0, "detach")


def written(handle: ExecutionHandle = KNOWN, **changes: Any) -> str:
    return json.dumps(json.loads(handle.to_json()) | changes)


def submission(**changes: Any) -> dict[str, Any]:
    return {"key": str(KEY), "target": TARGET, "body": "{}"} | changes


@pytest.mark.parametrize("handle", [SUBMITTED, KNOWN, replace(KNOWN, kind="code_block"), replace(KNOWN, kind="workflow", attempts=7)])
def test_what_goes_out_as_json_comes_back_as_the_same(handle: ExecutionHandle) -> None:
    assert ExecutionHandle.from_json(handle.to_json()) == handle
    assert hash(ExecutionHandle.from_json(handle.to_json())) == hash(handle)


def test_the_json_has_these_fields() -> None:
    assert json.loads(SUBMITTED.to_json()) == {
        "version": HANDLE_VERSION,
        "kind": "agent",
        "execution_id": None,
        "submission": {"key": str(KEY), "target": TARGET, "body": BODY.decode()},
        "seconds_left": 12.5,
        "attempts": 3,
        "on_abandon": "cancel",
    }
    assert json.loads(KNOWN.to_json())["submission"] is None


def test_the_dict_for_a_log_lacks_the_body_alone() -> None:
    whole = json.loads(SUBMITTED.to_json())
    del whole["submission"]["body"]
    assert SUBMITTED.to_dict() == whole


def test_no_text_of_a_handle_shows_the_body() -> None:
    texts = [repr(SUBMITTED), str(SUBMITTED), repr(SUBMITTED.submission), json.dumps(SUBMITTED.to_dict())]
    assert "s3cret" not in "".join(texts)
    assert f"body={len(BODY)} bytes" in repr(SUBMITTED)


@pytest.mark.parametrize(("execution_id", "submission"), [(None, None), ("e", SUBMITTED.submission)])
def test_a_handle_has_either_an_id_or_a_submission(execution_id: str | None, submission: Submission | None) -> None:
    with pytest.raises(ValueError, match=r"^a handle has either an execution_id or a submission$"):
        ExecutionHandle("agent", execution_id, submission, 1.0, 1, "cancel")


def test_a_whole_number_of_seconds_reads_as_a_float() -> None:
    left = ExecutionHandle.from_json(written(seconds_left=5)).seconds_left
    assert (left, type(left)) == (5.0, float)
    assert ExecutionHandle.from_json(written(seconds_left=sys.float_info.max)).seconds_left == sys.float_info.max


def test_fields_that_are_not_known_are_ignored() -> None:
    assert ExecutionHandle.from_json(written(origin="https://evil.example", token="t")) == KNOWN


@pytest.mark.parametrize("text", ["", "{", "\ufeff{}", pytest.param("[" * 200_000, id="too deep")])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^handle: not JSON$"):
        ExecutionHandle.from_json(text)


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "5"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^handle must be a JSON object$"):
        ExecutionHandle.from_json(text)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"version": 2}, "handle.version must be 1, not 2"),
        ({"version": None}, "handle.version must be 1, not None"),
        ({"version": True}, "handle.version must be 1, not True"),
        ({"kind": "tool"}, "handle.kind must be one of code_block, agent, workflow, execution"),
        ({"kind": 5}, "handle.kind must be a string"),
        ({"execution_id": ""}, "handle.execution_id must not be empty"),
        ({"execution_id": ".."}, "handle.execution_id must not be empty"),
        ({"execution_id": "a\r\nb"}, "handle.execution_id must not have a control character"),
        ({"execution_id": None}, "a handle has either an execution_id or a submission"),
        ({"submission": submission()}, "a handle has either an execution_id or a submission"),
        ({"submission": []}, "handle.submission must be a JSON object"),
        ({"submission": submission(key="no")}, "handle.submission.key must be a UUID"),
        ({"submission": submission(key=None)}, "handle.submission.key must be a "),
        ({"submission": submission(target=5)}, "handle.submission.target must be a string"),
        ({"submission": submission(target="//evil.example/api/v1/a")}, "handle.submission.target must be a percent-encoded path"),
        ({"submission": submission(target="/api/v1/../a")}, "handle.submission.target must not have a dot segment"),
        ({"submission": submission(body=None)}, "handle.submission.body must be a string"),
        ({"seconds_left": "5"}, "handle.seconds_left must be a number, finite and not negative"),
        ({"seconds_left": -1}, "handle.seconds_left must be a number"),
        ({"seconds_left": True}, "handle.seconds_left must be a number"),
        ({"seconds_left": float("nan")}, "handle.seconds_left must be a number"),
        ({"seconds_left": float("inf")}, "handle.seconds_left must be a number"),
        ({"attempts": 1.5}, "handle.attempts must be a whole number"),
        ({"attempts": -1}, "handle.attempts must be a number"),
        ({"attempts": None}, "handle.attempts must be a number"),
        ({"on_abandon": "ask"}, "handle.on_abandon must be one of cancel, detach"),
        ({"on_abandon": None}, "handle.on_abandon must be a string"),
    ],
)
def test_a_field_that_breaks_a_rule_is_refused_by_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{text}"):
        ExecutionHandle.from_json(written(**changes))


@pytest.mark.parametrize("field", ["version", "kind", "seconds_left", "attempts", "on_abandon"])
def test_a_field_that_is_missing_is_refused_by_name(field: str) -> None:
    whole = json.loads(KNOWN.to_json())
    del whole[field]
    with pytest.raises(ValueError, match=rf"^handle.{field} must be "):
        ExecutionHandle.from_json(json.dumps(whole))


@pytest.mark.parametrize("execution_id", [5, True, ["a"], {}])
def test_an_id_of_another_type_is_refused_as_a_value_error(execution_id: Any) -> None:
    with pytest.raises(ValueError, match=r"^handle\.execution_id "):
        ExecutionHandle.from_json(written(execution_id=execution_id))


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^handle\.seconds_left "):
        ExecutionHandle.from_json(written(seconds_left=10**400))


def test_a_body_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^handle\.submission\.body "):
        ExecutionHandle.from_json(written(SUBMITTED, submission=submission(body="\ud800")))


def test_a_handle_made_by_hand_is_checked_as_if_it_were_read() -> None:
    assert SUBMITTED.checked() == SUBMITTED
    assert replace(KNOWN, seconds_left=5).checked() == replace(KNOWN, seconds_left=5.0)
    with pytest.raises(ValueError, match=r"^handle\.kind must be one of "):
        replace(KNOWN, kind=cast("HandleKind", "tool")).checked()
    with pytest.raises(ValueError, match=r"^handle must hold values that have a form in JSON$") as caught:
        replace(KNOWN, attempts=cast("int", object())).checked()
    assert caught.value.__context__ is None
