from typing import Any

import pytest

from platform_core.messages import Headers, Inline, Request
from platform_emulator.model import Behaviour, advance, apply, initial
from tests.platform_emulator.support import IDS, SEED, parsed, submission, submitted

KEY = "0e7f0000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("echo", "code_block", {"input_parameters": {"a": 1}, "context": {}, "ring_id": "r", "scope": "workspace", "timeout_seconds": 300}),
        ("answer", "agent", {"input_data": {"a": 1}, "context": {"org_id": "o"}, "execution_mode": "isolated", "timeout_seconds": 0.5}),
        ("pipeline", "workflow", {"input_data": {"a": 1}}),
        ("pipeline", "workflow", {}),
    ],
)
def test_a_submission_is_answered_with_a_pending_record(name: str, kind: str, body: dict[str, Any]) -> None:
    _, response = apply(initial(SEED), submission(name, body), 0.0)
    assert response.status == 202
    record = parsed(response)
    assert record.pop("execution_id")
    assert record == {
        "status": "pending",
        "component_type": kind,
        "component_id": IDS[name],
        "result": None,
        "error": None,
        "created_at": "1970-01-01T00:00:00.000000Z",
        "started_at": None,
        "finished_at": None,
    }


@pytest.mark.parametrize(
    ("name", "body", "status", "field"),
    [
        ("echo", b"", 400, "body"),
        ("echo", b"{", 400, "body"),
        ("echo", b"[]", 400, "body"),
        ("echo", b'{"input_parameters": {"a": NaN}}', 400, "body"),
        ("echo", b'{"input_parameters": {}, "input_parameters": {}}', 400, "body"),
        ("echo", b'"\xff"', 400, "body"),
        ("echo", b'{"a":' * 65 + b"1" + b"}" * 65, 400, "body"),
        ("echo", {"input_parameters": []}, 422, "input_parameters"),
        ("echo", {"input_parameters": None}, 422, "input_parameters"),
        ("echo", {"input_data": {}}, 422, "input_data"),
        ("answer", {"input_parameters": {}}, 422, "input_parameters"),
        ("echo", {"execution_mode": "isolated"}, 422, "execution_mode"),
        ("answer", {"execution_mode": ""}, 422, "execution_mode"),
        ("echo", {"context": "x"}, 422, "context"),
        ("echo", {"ring_id": 7}, 422, "ring_id"),
        ("echo", {"scope": ""}, 422, "scope"),
        ("echo", {"timeout_seconds": 0}, 422, "timeout_seconds"),
        ("echo", {"timeout_seconds": -1}, 422, "timeout_seconds"),
        ("echo", {"timeout_seconds": True}, 422, "timeout_seconds"),
        ("echo", {"timeout_seconds": "5"}, 422, "timeout_seconds"),
        ("echo", {"timeout_seconds": 10**30}, 422, "timeout_seconds"),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused_by_its_field(name: str, body: Any, status: int, field: str) -> None:
    state, response = apply(initial(SEED), submission(name, body), 0.0)
    assert response.status == status
    error = parsed(response)
    assert error["code"] == "VALIDATION_ERROR"
    assert [each["field"] for each in error["details"]] == [field]
    assert field in error["message"]
    assert state == initial(SEED)


def test_all_wrong_fields_are_named_at_once() -> None:
    _, response = apply(initial(SEED), submission("echo", {"scope": 1, "ring_id": 1, "colour": "red"}), 0.0)
    assert {each["field"] for each in parsed(response)["details"]} == {"scope", "ring_id", "colour"}


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonx"])
def test_a_body_that_is_not_said_to_be_json_is_refused(content_type: str | None) -> None:
    request = submission("echo", {})
    headers = Headers(() if content_type is None else (("Content-Type", content_type),))
    _, response = apply(initial(SEED), Request("POST", request.target, headers, request.body), 0.0)
    assert response.status == 415


def test_the_media_type_may_have_parameters_and_capitals() -> None:
    _, response = apply(initial(SEED), submission("echo", {}, Content_Type="Application/JSON; charset=utf-8"), 0.0)
    assert response.status == 202


@pytest.mark.parametrize("component_id", ["nothing", IDS["answer"], IDS["pipeline"]])
def test_a_component_that_is_not_there_is_404(component_id: str) -> None:
    request = Request("POST", f"/api/v1/code-blocks/{component_id}/executions", submission("echo").headers, Inline(b"{}"))
    state, response = apply(initial(SEED), request, 0.0)
    assert response.status == 404
    assert state == initial(SEED)


def test_the_same_key_and_body_answer_with_the_first_record_as_it_is_now() -> None:
    request = submission("echo", {"input_parameters": {"a": 1}}, Idempotency_Key=KEY)
    state, first = apply(initial(SEED), request, 0.0)
    state = advance(state, 1.0)
    after, second = apply(state, request, 1.0)
    assert after is state
    assert (first.headers.get("Idempotency-Replayed"), second.headers.get("Idempotency-Replayed")) == (None, "true")
    assert second.status == 202
    assert parsed(second)["execution_id"] == parsed(first)["execution_id"]
    assert parsed(second)["status"] == "completed"


@pytest.mark.parametrize(
    "other",
    [
        submission("echo", {"input_parameters": {"a": 2}}, Idempotency_Key=KEY),
        submission("echo", b"nonsense", Idempotency_Key=KEY),
        submission("sleep", {"input_parameters": {"a": 1}}, Idempotency_Key=KEY),
    ],
)
def test_the_same_key_with_another_submission_is_422(other: Request) -> None:
    state, _ = apply(initial(SEED), submission("echo", {"input_parameters": {"a": 1}}, Idempotency_Key=KEY), 0.0)
    after, response = apply(state, other, 0.0)
    assert after is state
    assert (response.status, parsed(response)["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_while_the_first_is_being_taken_in_its_key_is_409_and_later_replayed() -> None:
    request = submission("echo", {}, Idempotency_Key=KEY)
    state, _ = apply(initial(SEED, Behaviour(intake_seconds=2.0)), request, 10.0)
    answers = [apply(state, request, at)[1] for at in (10.0, 11.9, 12.0)]
    assert [each.status for each in answers] == [409, 409, 202]
    assert parsed(answers[0])["code"] == "IDEMPOTENCY_KEY_IN_USE"


def test_a_refused_submission_does_not_use_its_key_up() -> None:
    state, refused = apply(initial(SEED), submission("echo", {"scope": 1}, Idempotency_Key=KEY), 0.0)
    assert refused.status == 422
    assert apply(state, submission("echo", {}, Idempotency_Key=KEY), 0.0)[1].status == 202


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_empty_or_too_long_is_refused(key: str) -> None:
    _, response = apply(initial(SEED), submission("echo", {}, Idempotency_Key=key), 0.0)
    assert (response.status, parsed(response)["details"][0]["field"]) == (400, "Idempotency-Key")


def test_without_a_key_every_submission_starts_an_execution() -> None:
    state, first = submitted("echo")
    state, response = apply(state, submission("echo"), 0.0)
    assert len(state.executions) == 2
    assert parsed(response)["execution_id"] != first


def test_ids_follow_from_the_seed_and_the_order_of_submission() -> None:
    assert submitted("echo")[1] == submitted("sleep")[1]


def test_key_and_billing_headers_are_kept_with_the_execution_and_not_in_its_record() -> None:
    headers = {"Idempotency_Key": KEY, "X_Parent_Billing_Txn_Id": "txn-1", "X_Lifecycle_Event": "test"}
    state, response = apply(initial(SEED), submission("echo", {}, **headers), 0.0)
    (execution,) = state.executions.values()
    assert (execution.idempotency_key, execution.parent_billing_txn_id, execution.lifecycle_event) == (KEY, "txn-1", "test")
    assert b"txn-1" not in response.body
