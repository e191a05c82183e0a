"""The builders of operations: what they refuse, what goes out by default, and that the seed determines everything."""

import json
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import pytest

from platform_core import operations
from platform_core.agent_stream import ReadyToStream
from platform_core.call import ReadyToCall
from platform_core.cancelling import ReadyToCancel
from platform_core.config import Settings
from platform_core.derive import idempotency_key
from platform_core.execution import Ready, ReadyToWatch
from platform_core.limits import Limits
from platform_core.messages import Request
from platform_core.operations import (
    await_execution,
    cancel_execution,
    execute_agent,
    execute_code_block,
    execute_workflow,
    execution_status,
    request,
    request_raw,
    service_skills,
    stream_agent,
    submit_agent_execution,
    submit_code_block_execution,
    submit_workflow_execution,
)
from platform_core.retry import IDEMPOTENCY_KEY
from tests.support.core import EXECUTION_ID, OTHER_SEED, SEED, answered, drive_with, heard

ID = UUID("11111111-2222-4333-8444-555555555555")
FULL = Settings(org_id="org", workspace_id="ws", ring_id="ring")
EXECUTIONS: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "code block": (execute_code_block, "code_block_id", "input_parameters", f"/api/v1/code-blocks/{ID}/executions"),
    "agent": (execute_agent, "agent_id", "input_data", f"/api/v1/agents/{ID}/executions"),
    "workflow": (execute_workflow, "workflow_id", "input_data", f"/api/v1/workflows/{ID}/executions"),
    "submitted code block": (submit_code_block_execution, "code_block_id", "input_parameters", f"/api/v1/code-blocks/{ID}/executions"),
    "submitted agent": (submit_agent_execution, "agent_id", "input_data", f"/api/v1/agents/{ID}/executions"),
    "submitted workflow": (submit_workflow_execution, "workflow_id", "input_data", f"/api/v1/workflows/{ID}/executions"),
    "streamed agent": (stream_agent, "agent_id", "input_data", f"/api/v1/agents/{ID}/execute/stream"),
}
KINDS = {"code block": "code_block", "agent": "agent", "workflow": "workflow"}
EXECUTE = [name for name in EXECUTIONS if name in KINDS]
SUBMIT = [name for name in EXECUTIONS if name.startswith("submitted ")]
TO_THEIR_END = [*EXECUTE, "streamed agent"]
EXECUTING = [EXECUTIONS[name][0] for name in EXECUTE]


def _built(build: Callable[..., Any]) -> Callable[[UUID], Any]:
    return lambda seed: build(ID, {"a": 1}, seed=seed)


ALL: dict[str, Callable[[UUID], Any]] = {
    **{name: _built(build) for name, (build, *_) in EXECUTIONS.items()},
    "await": lambda seed: await_execution(EXECUTION_ID, seed=seed),
    "status": lambda seed: execution_status(EXECUTION_ID, seed=seed),
    "cancel": lambda seed: cancel_execution(EXECUTION_ID, seed=seed),
    "skills": lambda seed: service_skills(ID, seed=seed),
    "request": lambda seed: request("GET", "/api/v1/x", seed=seed),
    "request_raw": lambda seed: request_raw("GET", "/api/v1/x", seed=seed),
}


def sent(operation: Any) -> Request:
    """The first request of an operation."""
    return cast("Request", drive_with(operation).action.request)


def kind_of(name: str) -> str:
    return KINDS[name.removeprefix("submitted ").removeprefix("streamed ")]


def body(operation: Any) -> Any:
    return json.loads(sent(operation).body.content)


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_makes_an_equal_operation_and_another_one_another(name: str) -> None:
    assert ALL[name](SEED) == ALL[name](SEED)
    assert hash(ALL[name](SEED)) == hash(ALL[name](SEED))
    assert ALL[name](SEED) != ALL[name](OTHER_SEED)
    assert ALL[name](SEED).seed == SEED


@pytest.mark.parametrize("name", EXECUTIONS)
def test_the_seed_must_be_given(name: str) -> None:
    with pytest.raises(TypeError, match="seed"):
        EXECUTIONS[name][0](ID)


def test_the_operations_are_in_the_state_before_their_start() -> None:
    calls = (*SUBMIT, "status", "skills", "request", "request_raw")
    assert {name: type(build(SEED)) for name, build in ALL.items()} == {
        **dict.fromkeys(EXECUTE, Ready),
        **dict.fromkeys(calls, ReadyToCall),
        "await": ReadyToWatch,
        "cancel": ReadyToCancel,
        "streamed agent": ReadyToStream,
    }


class TestSubmissions:
    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_it_posts_json_with_the_key_of_its_seed(self, name: str) -> None:
        build, _, inputs, target = EXECUTIONS[name]
        request_ = sent(build(ID, {"a": [1, None, "é"]}, seed=SEED))
        assert (request_.method, request_.target) == ("POST", target)
        assert request_.headers.get("Content-Type") == "application/json"
        assert request_.headers.get("Accept") == ("text/event-stream" if build is stream_agent else "application/json")
        assert request_.headers.get(IDEMPOTENCY_KEY) == str(idempotency_key(SEED))
        expected: dict[str, Any] = {inputs: {"a": [1, None, "é"]}}
        if "agent" in name:
            expected["execution_mode"] = "isolated"
        assert json.loads(request_.body.content) == expected

    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_what_is_left_out_is_left_out_of_the_body(self, name: str) -> None:
        assert body(EXECUTIONS[name][0](ID, seed=SEED)) == ({"execution_mode": "isolated"} if "agent" in name else {})

    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_everything_that_is_given_goes_into_the_body(self, name: str) -> None:
        build, _, inputs, _ = EXECUTIONS[name]
        mode: dict[str, Any] = {"execution_mode": "shared"} if "agent" in name else {}
        operation = build(
            str(ID), {}, {"k": 1}, ring_id="r", timeout_seconds=5, scope="organization", lifecycle_event="test", **mode, seed=SEED
        )
        assert body(operation) == {inputs: {}, "context": {"k": 1}, "ring_id": "r", "timeout_seconds": 5, "scope": "organization", **mode}
        assert sent(operation).headers.get("X-Lifecycle-Event") == "test"

    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_the_documented_order_of_the_parameters_is_kept(self, name: str) -> None:
        build, _, inputs, _ = EXECUTIONS[name]
        positional = ({"i": 1}, {"c": 1}, "shared", "r", 5.0) if "agent" in name else ({"i": 1}, {"c": 1}, "r", 5.0)
        found = body(build(ID, *positional, seed=SEED))
        assert (found[inputs], found["context"], found["ring_id"], found["timeout_seconds"]) == ({"i": 1}, {"c": 1}, "r", 5.0)

    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_the_settings_fill_what_the_caller_left_out(self, name: str) -> None:
        build = EXECUTIONS[name][0]
        found = body(build(ID, context={"org_id": "mine"}, seed=SEED, settings=FULL))
        assert (found["context"], found["ring_id"]) == ({"org_id": "mine", "workspace_id": "ws"}, "ring")

    @pytest.mark.parametrize("name", EXECUTIONS)
    def test_without_idempotent_submissions_no_key_is_sent(self, name: str) -> None:
        operation = EXECUTIONS[name][0](ID, seed=SEED, settings=Settings(idempotent_submissions=False))
        assert IDEMPOTENCY_KEY not in sent(operation).headers

    @pytest.mark.parametrize("name", EXECUTIONS)
    @pytest.mark.parametrize("bad", ["", ".", "..", "a\r\nb", "\ud800"])
    def test_a_bad_id_is_refused_by_the_name_of_its_parameter(self, name: str, bad: str) -> None:
        build, parameter, *_ = EXECUTIONS[name]
        with pytest.raises(ValueError, match=f"^{parameter} must not"):
            build(bad, seed=SEED)

    @pytest.mark.parametrize("name", EXECUTIONS)
    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"context": []}, TypeError),
            ({"context": {"x": float("nan")}}, ValueError),
            ({"ring_id": ""}, ValueError),
            ({"ring_id": 5}, TypeError),
            ({"timeout_seconds": 0}, ValueError),
            ({"timeout_seconds": float("inf")}, ValueError),
            ({"timeout_seconds": "5"}, TypeError),
            ({"timeout_seconds": True}, TypeError),
            ({"scope": ""}, ValueError),
            ({"scope": 5}, TypeError),
            ({"lifecycle_event": 5}, TypeError),
            ({"lifecycle_event": "a\r\nX: y"}, ValueError),
        ],
    )
    def test_bad_input_is_refused_by_the_name_of_its_parameter(self, name: str, options: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error) as caught:
            EXECUTIONS[name][0](ID, **options, seed=SEED)
        assert type(caught.value) is error
        assert next(iter(options)) in str(caught.value)

    @pytest.mark.parametrize("name", EXECUTIONS)
    @pytest.mark.parametrize(("inputs", "error"), [([], TypeError), ({"x": object()}, TypeError), ({"x": float("inf")}, ValueError)])
    def test_bad_inputs_are_refused_by_the_name_of_their_parameter(self, name: str, inputs: Any, error: type[Exception]) -> None:
        build, _, parameter, _ = EXECUTIONS[name]
        with pytest.raises(error, match=parameter):
            build(ID, inputs, seed=SEED)

    @pytest.mark.parametrize("build", [execute_agent, stream_agent, submit_agent_execution])
    @pytest.mark.parametrize(("mode", "error"), [("", ValueError), (5, TypeError)])
    def test_a_bad_execution_mode_is_refused(self, build: Callable[..., Any], mode: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^execution_mode must"):
            build(ID, execution_mode=mode, seed=SEED)

    def test_a_body_over_the_limit_is_refused(self) -> None:
        settings = Settings(limits=Limits(request_body_bytes_max=10))
        with pytest.raises(ValueError, match=r"limits\.request_body_bytes_max is 10"):
            execute_code_block(ID, {"a": "x" * 10}, seed=SEED, settings=settings)


class TestExecute:
    @pytest.mark.parametrize("name", TO_THEIR_END)
    def test_the_defaults_are_a_second_between_polls_and_a_cancel_when_left(self, name: str) -> None:
        job = EXECUTIONS[name][0](ID, seed=SEED).job
        assert (job.kind, job.seconds, job.poll_seconds_max, job.on_abandon) == (kind_of(name), 3600.0, 1.0, "cancel")

    @pytest.mark.parametrize("name", TO_THEIR_END)
    def test_it_goes_by_the_settings_of_its_call(self, name: str) -> None:
        assert EXECUTIONS[name][0](ID, seed=SEED, settings=FULL).job.settings == FULL

    @pytest.mark.parametrize("name", TO_THEIR_END)
    @pytest.mark.parametrize(("timeout_seconds", "seconds"), [(None, 3600.0), (1, 31.0), (0.25, 30.25), (7200.0, 7230.0)])
    def test_our_own_deadline_is_30_seconds_after_the_platforms(self, name: str, timeout_seconds: float | None, seconds: float) -> None:
        assert EXECUTIONS[name][0](ID, timeout_seconds=timeout_seconds, seed=SEED).job.seconds == seconds

    @pytest.mark.parametrize("name", EXECUTE)
    def test_poll_interval_and_on_abandon_are_the_jobs(self, name: str) -> None:
        job = EXECUTIONS[name][0](ID, poll_interval_seconds=5, on_abandon="detach", seed=SEED).job
        assert (job.poll_seconds_max, job.on_abandon) == (5, "detach")

    @pytest.mark.parametrize("build", [*EXECUTING, await_execution])
    @pytest.mark.parametrize(("seconds", "error"), [(0, ValueError), (-1.0, ValueError), (float("nan"), ValueError), ("1", TypeError)])
    def test_a_bad_poll_interval_is_refused(self, build: Callable[..., Any], seconds: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^poll_interval_seconds must be"):
            build(ID, poll_interval_seconds=seconds, seed=SEED)

    @pytest.mark.parametrize("build", [*EXECUTING, stream_agent])
    @pytest.mark.parametrize("on_abandon", ["", "Cancel", "leave", None, 5])
    def test_another_on_abandon_than_cancel_or_detach_is_refused(self, build: Callable[..., Any], on_abandon: Any) -> None:
        with pytest.raises(ValueError, match=f"^on_abandon must be one of cancel, detach, not {on_abandon!r}$"):
            build(ID, on_abandon=on_abandon, seed=SEED)


class TestSubmit:
    @pytest.mark.parametrize("name", SUBMIT)
    @pytest.mark.parametrize(("timeout_seconds", "seconds"), [(None, 3600.0), (10.0, 40.0)])
    def test_the_handle_of_a_submission_leaves_it_running(self, name: str, timeout_seconds: float | None, seconds: float) -> None:
        job = EXECUTIONS[name][0](ID, timeout_seconds=timeout_seconds, seed=SEED).call.expected.job
        assert (job.kind, job.seconds, job.on_abandon) == (kind_of(name), seconds, "detach")

    @pytest.mark.parametrize("name", SUBMIT)
    @pytest.mark.parametrize("option", ["poll_interval_seconds", "on_abandon"])
    def test_what_concerns_polling_is_no_parameter(self, name: str, option: str) -> None:
        with pytest.raises(TypeError, match=option):
            EXECUTIONS[name][0](ID, seed=SEED, **{option: 1})


class TestByExecutionId:
    @pytest.mark.parametrize(
        ("operation", "method", "target"),
        [
            (await_execution("a/b", seed=SEED), "GET", "/api/v1/executions/a%2Fb"),
            (execution_status("a/b", seed=SEED), "GET", "/api/v1/executions/a%2Fb"),
            (cancel_execution("a/b", seed=SEED), "POST", "/api/v1/executions/a%2Fb/cancel"),
            (execution_status(ID, seed=SEED), "GET", f"/api/v1/executions/{ID}"),
        ],
    )
    def test_the_id_is_one_segment(self, operation: Any, method: str, target: str) -> None:
        request_ = sent(operation)
        assert (request_.method, request_.target, request_.body.content) == (method, target, b"")

    @pytest.mark.parametrize("build", [await_execution, execution_status, cancel_execution])
    @pytest.mark.parametrize(("bad", "error"), [("..", ValueError), ("", ValueError), (None, TypeError), (5, TypeError)])
    def test_a_bad_id_is_refused(self, build: Callable[..., Any], bad: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^execution_id must"):
            build(bad, seed=SEED)

    @pytest.mark.parametrize(("timeout_seconds", "seconds"), [(None, 3600.0), (5.0, 5.0)])
    def test_the_timeout_of_an_await_is_ours_alone_and_it_never_cancels(self, timeout_seconds: float | None, seconds: float) -> None:
        operation: Any = await_execution(EXECUTION_ID, timeout_seconds, seed=SEED)
        assert (operation.job.kind, operation.job.seconds, operation.job.on_abandon) == ("execution", seconds, "detach")
        assert (operation.job.poll_seconds_max, sent(operation).body.content) == (1.0, b"")

    def test_the_parameters_of_an_await_have_their_documented_order(self) -> None:
        operation: Any = await_execution(EXECUTION_ID, 5.0, 2.0, seed=SEED)
        assert (operation.job.seconds, operation.job.poll_seconds_max) == (5.0, 2.0)

    @pytest.mark.parametrize(("seconds", "error"), [(0, ValueError), (float("inf"), ValueError), ("5", TypeError), (True, TypeError)])
    def test_a_bad_timeout_of_an_await_is_refused(self, seconds: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^timeout_seconds must be"):
            await_execution(EXECUTION_ID, seconds, seed=SEED)

    def test_a_cancel_ends_by_the_timeout_and_60_seconds(self) -> None:
        operation: Any = cancel_execution(EXECUTION_ID, seed=SEED, settings=Settings(timeout_seconds=7.0))
        assert operation.cancel.goal.ends_at == 67.0

    def test_an_id_is_compared_with_the_answers(self) -> None:
        upper = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"
        assert drive_with(execution_status(upper, seed=SEED), heard(1.0, execution_id=upper.lower())).action.value["status"] == "running"


class TestSkills:
    @pytest.mark.parametrize(("version", "query"), [(None, ""), (1, "?version=1"), (2, "?version=2")])
    def test_a_version_goes_into_the_query(self, version: int | None, query: str) -> None:
        assert sent(service_skills(ID, version, seed=SEED)).target == f"/api/v1/hosted-services/{ID}/skills{query}"

    @pytest.mark.parametrize(("bad", "error"), [("", ValueError), (None, TypeError)])
    def test_a_bad_id_is_refused(self, bad: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^service_id must"):
            service_skills(bad, seed=SEED)

    @pytest.mark.parametrize(("bad", "error"), [(0, ValueError), ("2", TypeError), (True, TypeError)])
    def test_a_bad_version_is_refused(self, bad: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^version must"):
            service_skills(ID, bad, seed=SEED)


@pytest.mark.parametrize("build", [request, request_raw])
class TestRequest:
    def test_everything_that_is_given_goes_out(self, build: Callable[..., Any]) -> None:
        request_ = sent(build("post", "/api/v1/x", params={"a": [1, True]}, json=[1], headers={"Accept": "text/csv"}, seed=SEED))
        assert (request_.method, request_.target, request_.body.content) == ("POST", "/api/v1/x?a=1&a=true", b"[1]")
        assert request_.headers.get("Accept") == "text/csv"
        assert IDEMPOTENCY_KEY not in request_.headers

    def test_bytes_go_out_as_they_are(self, build: Callable[..., Any]) -> None:
        request_ = sent(build("PUT", "/api/v1/x", content=b"\x00", headers={"Content-Type": "image/png"}, seed=SEED))
        assert (request_.body.content, request_.headers.get("Content-Type")) == (b"\x00", "image/png")

    @pytest.mark.parametrize(
        ("method", "path", "options", "error", "parameter"),
        [
            ("TRACE", "/api/v1/x", {}, ValueError, "method"),
            (5, "/api/v1/x", {}, TypeError, "method"),
            ("GET", "https://evil.example/x", {}, ValueError, "path"),
            ("GET", "//evil.example/x", {}, ValueError, "path"),
            ("GET", "/api/v1/{org_id}", {}, ValueError, "path"),
            ("GET", "/api/v1/x?a=1", {}, ValueError, "path"),
            ("GET", "/api/v1/x", {"params": [1]}, TypeError, "params"),
            ("GET", "/api/v1/x", {"headers": {"Authorization": "s3cret"}}, ValueError, "headers"),
            ("POST", "/api/v1/x", {"json": {1}}, TypeError, "json"),
            ("POST", "/api/v1/x", {"content": "text"}, TypeError, "content"),
            ("POST", "/api/v1/x", {"json": 1, "content": b"1"}, ValueError, "json and content"),
        ],
    )
    def test_bad_input_is_refused_by_the_name_of_its_parameter(
        self, build: Callable[..., Any], method: Any, path: str, options: dict[str, Any], error: type[Exception], parameter: str
    ) -> None:
        with pytest.raises(error, match=f"^{parameter}") as caught:
            build(method, path, **options, seed=SEED)
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("options", [{"json": "x" * 10}, {"content": b"x" * 11}])
    def test_a_body_over_the_limit_is_refused(self, build: Callable[..., Any], options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"limits\.request_body_bytes_max is 10"):
            build("POST", "/api/v1/x", **options, seed=SEED, settings=Settings(limits=Limits(request_body_bytes_max=10)))


def test_a_request_ends_in_what_the_answer_holds_and_a_raw_one_in_the_answer() -> None:
    answer = answered(1.0, 201, {"a": 1})
    assert drive_with(request("GET", "/api/v1/x", seed=SEED), answer).action.value == {"a": 1}
    raw = drive_with(request_raw("GET", "/api/v1/x", seed=SEED), answer).action.value
    assert (raw.status, json.loads(raw.body), raw.elapsed) == (201, {"a": 1}, 1.0)


def test_every_builder_that_the_package_offers_is_tested_here() -> None:
    built = {
        name for name, value in vars(operations).items() if callable(value) and getattr(value, "__module__", "") == operations.__name__
    }
    added = ("_", "x_")  # the latter by mutmut
    public = {name for name in built if not name.startswith(added)} - {"Component", "SubmissionOptions"}
    assert public == {
        *(build.__name__ for build, *_ in EXECUTIONS.values()),
        *("await_execution", "execution_status", "cancel_execution", "service_skills", "request", "request_raw", "stream_agent"),
    }
