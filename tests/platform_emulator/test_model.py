import subprocess
import sys

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Inline, Request
from platform_emulator.components import ORG_ID, OTHER_ORG_ID, SERVICES
from platform_emulator.model import Behaviour, Caller, Component, Model, apply, finish, initial, record, start
from tests.platform_emulator.support import IDS, SEED, cancel_of, parsed, status_of, submission, submitted

SKILLS = f"/api/v1/hosted-services/{SERVICES['demo']}/skills"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/v1/tenants/orgs", 200),
        ("GET", "/api/v1/gateway/v1/models", 200),
        ("GET", "/api/v1/gateway/v1/models?scope=organization", 200),
        ("GET", SKILLS, 200),
        ("GET", f"{SKILLS}?version=1", 200),
        ("GET", f"{SKILLS}?version=3", 404),
        ("GET", f"{SKILLS}?version=", 422),
        ("GET", f"{SKILLS}?version=%D9%A3", 422),
        ("GET", f"{SKILLS}?version=1e1", 422),
        ("GET", "/api/v1/hosted-services/nothing/skills", 404),
        ("GET", "/api/v1/executions/nothing", 404),
        ("POST", "/api/v1/executions/nothing/cancel", 404),
        ("GET", "/api/v1/some/endpoint", 404),
        ("GET", "/", 404),
        ("GET", "*", 404),
        ("GET", "/api/v1/executions/", 404),
        ("GET", "/api/v1/executions/a/b", 404),
        ("GET", "/api/v1/executions/a%", 400),
        ("GET", "/api/v1/executions/a%2", 400),
        ("GET", "/api/v1/executions/a%zz", 400),
        ("GET", "/api/v1/executions/a%FF", 400),
        ("GET", "/api/v1/executions/a%ED%A0%80", 400),
        ("GET", "/api/v1/tenants/orgs?a=%", 400),
        ("OPTIONS", "/api/v1/tenants/orgs", 405),
        ("OPTIONS", "*", 404),
        ("get", "/api/v1/tenants/orgs", 405),
        ("POST", "/api/v1/auth/login", 404),
        ("POST", "/api/v1/tenants/orgs", 405),
        ("DELETE", "/api/v1/executions/nothing", 405),
        ("GET", f"/api/v1/code-blocks/{IDS['echo']}/executions", 405),
        ("BREW", SKILLS, 405),
    ],
)
def test_each_request_has_its_status_and_an_error_its_body(method: str, target: str, status: int) -> None:
    state, response = apply(initial(SEED), Request(method, target), 0.0)
    assert response.status == status
    assert state == initial(SEED)
    assert response.headers.get("Content-Type") == "application/json"
    assert response.headers.get("X-Request-ID")
    if status >= 400:
        assert set(parsed(response)) == {"code", "message", "details"}


def test_a_405_says_what_is_allowed() -> None:
    _, response = apply(initial(SEED), Request("PUT", "/api/v1/executions/x/cancel"), 0.0)
    assert response.headers.get("Allow") == "POST"


def test_head_is_answered_as_get_without_a_body() -> None:
    _, got = apply(initial(SEED), Request("GET", "/api/v1/tenants/orgs"), 0.0)
    _, response = apply(initial(SEED), Request("HEAD", "/api/v1/tenants/orgs"), 0.0)
    assert (response.status, response.body, response.headers.get("Content-Length")) == (200, b"", str(len(got.body)))


def test_the_latest_skills_answer_where_no_version_is_asked_for() -> None:
    _, response = apply(initial(SEED), Request("GET", SKILLS), 0.0)
    assert parsed(response)["version"] == 2


def test_the_client_gets_its_request_id_back() -> None:
    request = Request("GET", "/nowhere", Headers((("X-Request-ID", "r-1"),)))
    assert apply(initial(SEED), request, 0.0)[1].headers.get("X-Request-ID") == "r-1"


def test_the_status_is_the_record_as_it_is_now() -> None:
    state, execution_id = submitted("echo")
    _, response = apply(state, status_of(execution_id.upper()), 0.0)
    assert (response.status, parsed(response)) == (200, record(state.executions[execution_id], 0.0))


def test_a_cancel_is_answered_with_the_cancelled_record() -> None:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 5}})
    state, response = apply(state, cancel_of(execution_id), 1.0)
    assert (response.status, parsed(response)["status"]) == (200, "cancelled")
    assert parsed(apply(state, status_of(execution_id), 2.0)[1]) == parsed(response)


def test_a_cancel_of_a_terminal_one_is_answered_with_its_record_unchanged() -> None:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 5}})
    state, first = apply(state, cancel_of(execution_id), 1.0)
    after, second = apply(state, cancel_of(execution_id), 2.0)
    assert after is state
    assert (second.status, parsed(second)) == (200, parsed(first))


@pytest.mark.parametrize(
    ("behaviour", "lagging"),
    [(Behaviour(replica_lag_seconds=2.0), status_of), (Behaviour(cancel_lag_seconds=2.0), cancel_of)],
)
def test_a_lagging_replica_does_not_know_an_execution_at_first(behaviour: Behaviour, lagging: object) -> None:
    state, response = apply(initial(SEED, behaviour), submission("echo"), 10.0)
    execution_id = parsed(response)["execution_id"]
    for ask in (status_of, cancel_of):
        early, late = (apply(state, ask(execution_id), at)[1].status for at in (11.9, 12.0))
        assert (early, late) == ((404 if ask is lagging else 200), 200)


def test_the_model_moves_its_workers_before_it_answers() -> None:
    model, response = Model.new(SEED).apply(submission("echo", {"input_parameters": {"a": 1}}), 0.0)
    model, later = model.apply(status_of(parsed(response)["execution_id"]), 1.0)
    assert (parsed(later)["status"], parsed(later)["result"]) == ("completed", {"a": 1})
    assert model.due is None


def test_the_model_tells_when_something_is_due_and_stays_itself_until_then() -> None:
    model, _ = Model.new(SEED).apply(submission("echo"), 5.0)
    assert model.due is not None
    assert model.advance(5.0) is model
    assert model.advance(model.due) != model
    assert hash(model) == hash(Model.new(SEED).apply(submission("echo"), 5.0)[0])


def test_a_request_that_changes_nothing_leaves_the_same_model() -> None:
    model = Model.new(SEED)
    assert model.apply(Request("GET", "/"), 0.0)[0] is model


def test_who_asks_reaches_the_rules_and_nobody_said_is_the_developer() -> None:
    request = Request("GET", "/api/v1/tenants/orgs")
    callers = [Caller(frozenset(org_ids)) for org_ids in ([OTHER_ORG_ID], [])]
    answers = [apply(initial(SEED), request, 0.0), Model.new(SEED).apply(request, 0.0)]
    for caller in callers:
        answers += [apply(initial(SEED), request, 0.0, caller), Model.new(SEED).apply(request, 0.0, caller)]
    seen = [[each["id"] for each in parsed(answer)] for _, answer in answers]
    assert seen == [[ORG_ID], [ORG_ID], [OTHER_ORG_ID], [OTHER_ORG_ID], [], []]


def test_components_beside_the_built_in_ones_are_started_and_finished_from_outside() -> None:
    mine = Component("code_block", "mine", "c0de0000-0000-4000-8000-00000000ffff", external=True)
    model = Model.new(SEED, components=[mine])
    path = f"/api/v1/code-blocks/{mine.component_id}/executions"
    model, response = model.apply(Request("POST", path, Headers((("Content-Type", "application/json"),)), Inline(b"{}")), 0.0)
    execution_id = parsed(response)["execution_id"]
    assert (response.status, model.due, model.state.waiting) == (202, None, (execution_id,))
    state = start(model.state, execution_id, 1.0)
    assert (state.waiting, record(state.executions[execution_id], 2.0).get("progress")) == ((), None)
    state = finish(state, execution_id, ExecutionStatus.COMPLETED, {"a": 1}, 2.0)
    assert record(state.executions[execution_id], 2.0).get("result") == {"a": 1}


def test_the_model_loads_no_server_and_no_token_library() -> None:
    loaded = (
        "import sys, platform_emulator.model; print([m for m in ('uvicorn', 'starlette', 'jwt', 'asyncio', 'socket') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.strip() == "[]"
