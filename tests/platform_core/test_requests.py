"""What goes over the wire for each endpoint, and what is refused before anything is sent."""

import json
from types import MappingProxyType
from typing import Any, TypedDict, Unpack
from uuid import UUID

import pytest

from platform_core.config import DEFAULT_SETTINGS, Settings
from platform_core.handles import Submission
from platform_core.limits import Limits
from platform_core.messages import NO_BODY, External, Headers, Request
from platform_core.records import ComponentKind
from platform_core.requests import (
    cancel_request,
    custom_request,
    resubmission,
    skills_request,
    status_request,
    streamed,
    submission,
    submission_kind,
)

ID = UUID("2b1f7a9e-0000-4000-8000-00000000abcd")
KEY = UUID("00000000-0000-4000-8000-000000000001")
SMALL = Settings(limits=Limits(request_body_bytes_max=40))
KINDS: list[tuple[ComponentKind, str, str, str]] = [
    ("code_block", "/api/v1/code-blocks/a%2Fb/executions", "code_block_id", "input_parameters"),
    ("agent", "/api/v1/agents/a%2Fb/executions", "agent_id", "input_data"),
    ("workflow", "/api/v1/workflows/a%2Fb/executions", "workflow_id", "input_data"),
]


class Given(TypedDict, total=False):
    component_id: object
    inputs: object
    context: object
    ring_id: object
    timeout_seconds: object
    execution_mode: object
    scope: object
    lifecycle_event: object
    key: UUID | None
    settings: Settings


def submitted(kind: ComponentKind = "code_block", **given: Unpack[Given]) -> Request:
    return submission(
        kind,
        given.get("component_id", ID),
        given.get("inputs"),
        given.get("context"),
        given.get("ring_id"),
        given.get("timeout_seconds"),
        execution_mode=given.get("execution_mode"),
        scope=given.get("scope"),
        lifecycle_event=given.get("lifecycle_event"),
        key=given.get("key"),
        settings=given.get("settings", DEFAULT_SETTINGS),
    )


def body_of(request: Request) -> Any:
    return json.loads(request.body.content)


def custom(method: Any = "GET", path: Any = "/a", **given: Any) -> Request:
    everything: dict[str, Any] = {"params": None, "json": None, "content": None, "headers": None, "settings": DEFAULT_SETTINGS}
    return custom_request(method, path, **(everything | given))


class TestSubmissions:
    @pytest.mark.parametrize(("kind", "target", "id_parameter", "inputs_parameter"), KINDS)
    def test_each_kind_has_its_path_and_its_name_for_inputs(
        self, kind: ComponentKind, target: str, id_parameter: str, inputs_parameter: str
    ) -> None:
        request = submitted(kind, component_id="a/b", inputs={"text": "\u00e9"})
        assert (request.method, request.target) == ("POST", target)
        assert request.body.content == f'{{"{inputs_parameter}":{{"text":"\u00e9"}}}}'.encode()

    def test_a_streamed_one_differs_in_its_path_and_in_what_it_accepts(self) -> None:
        made = submitted("agent", component_id="a/b", inputs={"q": 1}, lifecycle_event="test", key=KEY)
        request = streamed(made, "a/b")
        assert (request.method, request.target) == ("POST", "/api/v1/agents/a%2Fb/execute/stream")
        assert (request.headers.get_all("Accept"), request.body) == (("text/event-stream",), made.body)
        assert [each for each in request.headers if each[0] != "Accept"] == [each for each in made.headers if each[0] != "Accept"]

    def test_an_agent_that_is_no_segment_is_refused(self) -> None:
        made = submitted("agent", component_id="a", inputs={}, key=KEY)
        with pytest.raises(ValueError, match=r"^agent_id must not "):
            streamed(made, "..")

    def test_everything_that_was_given_stands_in_the_body_once(self) -> None:
        request = submitted(
            "agent", inputs={"q": 1}, context={"a": ID}, ring_id=ID, timeout_seconds=120, execution_mode="isolated", scope="workspace"
        )
        assert request.body.content == (
            b'{"input_data":{"q":1},"context":{"a":"2b1f7a9e-0000-4000-8000-00000000abcd"},"execution_mode":"isolated",'
            b'"ring_id":"2b1f7a9e-0000-4000-8000-00000000abcd","timeout_seconds":120,"scope":"workspace"}'
        )

    def test_what_is_none_is_left_out_of_the_body(self) -> None:
        assert submitted().body.content == b"{}"

    def test_what_is_empty_was_given(self) -> None:
        assert submitted(inputs={}, context={}).body.content == b'{"input_parameters":{},"context":{}}'

    @pytest.mark.parametrize(
        ("context", "settings", "sent"),
        [
            (None, Settings(), None),
            (None, Settings(org_id="o"), {"org_id": "o"}),
            (None, Settings(org_id="o", workspace_id="w"), {"org_id": "o", "workspace_id": "w"}),
            ({}, Settings(), {}),
            ({}, Settings(workspace_id="w"), {"workspace_id": "w"}),
            ({"org_id": "mine", "a": 1}, Settings(org_id="o", workspace_id="w"), {"org_id": "mine", "a": 1, "workspace_id": "w"}),
            ({"org_id": None}, Settings(org_id="o"), {"org_id": None}),
        ],
    )
    def test_the_clients_ids_fill_the_context_where_the_callers_lacks_them(
        self, context: dict[str, object] | None, settings: Settings, sent: dict[str, object] | None
    ) -> None:
        before = None if context is None else dict(context)
        assert body_of(submitted(context=context, settings=settings)).get("context") == sent
        assert context == before

    @pytest.mark.parametrize(
        ("ring_id", "settings", "sent"),
        [
            (None, Settings(), None),
            (None, Settings(ring_id="env"), "env"),
            ("mine", Settings(ring_id="env"), "mine"),
            (ID, Settings(), str(ID)),
        ],
    )
    def test_the_ring_of_the_environment_is_taken_where_none_is_given(self, ring_id: object, settings: Settings, sent: str | None) -> None:
        assert body_of(submitted(ring_id=ring_id, settings=settings)).get("ring_id") == sent

    def test_a_submission_carries_its_idempotency_key(self) -> None:
        assert submitted(key=KEY).headers.fields == (
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "00000000-0000-4000-8000-000000000001"),
        )

    def test_without_a_key_no_header_is_sent(self) -> None:
        assert "Idempotency-Key" not in submitted(key=None).headers

    def test_the_lifecycle_event_is_a_header_of_this_request(self) -> None:
        request = submitted(lifecycle_event="agent_run")
        assert request.headers.get("X-Lifecycle-Event") == "agent_run"
        assert request.body.content == b"{}"
        assert "X-Lifecycle-Event" not in submitted().headers

    def test_a_mapping_need_not_be_a_dict(self) -> None:
        assert body_of(submitted(inputs=MappingProxyType({"a": 1}))) == {"input_parameters": {"a": 1}}

    @pytest.mark.parametrize(("kind", "target", "id_parameter", "inputs_parameter"), KINDS)
    @pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "\ud800"])
    def test_an_id_that_is_no_segment_is_refused_by_its_public_name(
        self, kind: ComponentKind, target: str, id_parameter: str, inputs_parameter: str, value: str
    ) -> None:
        with pytest.raises(ValueError, match=rf"^{id_parameter} must not "):
            submitted(kind, component_id=value)

    @pytest.mark.parametrize(("kind", "target", "id_parameter", "inputs_parameter"), KINDS)
    @pytest.mark.parametrize(
        ("inputs", "error", "rule"),
        [
            ([], TypeError, " must be a mapping, not list"),
            ("a", TypeError, " must be a mapping, not str"),
            ({"a": float("nan")}, ValueError, " cannot be sent as JSON: Out of range"),
            ({"a": {1, 2}}, TypeError, " cannot be sent as JSON: there is no form for set"),
            ({1: 2}, TypeError, " has a key that is not a str but int"),
            ({"a": "\ud800"}, ValueError, " holds a lone surrogate"),
        ],
    )
    def test_inputs_that_cannot_be_sent_are_refused_by_their_public_name(
        self, kind: ComponentKind, target: str, id_parameter: str, inputs_parameter: str, inputs: object, error: type[Exception], rule: str
    ) -> None:
        with pytest.raises(error, match=rf"^{inputs_parameter}{rule}"):
            submitted(kind, inputs=inputs)

    @pytest.mark.parametrize(
        ("given", "error", "text"),
        [
            ({"context": [1]}, TypeError, "context must be a mapping, not list"),
            ({"context": {"a": b"b"}}, TypeError, "context cannot be sent as JSON: there is no form for bytes"),
            ({"ring_id": 5}, TypeError, "ring_id must be a UUID or a str, not int"),
            ({"ring_id": ""}, ValueError, "ring_id must not be empty"),
            ({"timeout_seconds": 0}, ValueError, "timeout_seconds must be a positive and finite number of seconds"),
            ({"timeout_seconds": float("inf")}, ValueError, "timeout_seconds must be a positive"),
            ({"timeout_seconds": True}, TypeError, "timeout_seconds must be a number of seconds, not bool"),
            ({"timeout_seconds": "5"}, TypeError, "timeout_seconds must be a number of seconds, not str"),
            ({"execution_mode": 1}, TypeError, "execution_mode must be a str, not int"),
            ({"execution_mode": ""}, ValueError, "execution_mode must not be empty"),
            ({"scope": 1}, TypeError, "scope must be a str, not int"),
            ({"scope": "\udc80"}, ValueError, "scope holds a lone surrogate"),
            ({"lifecycle_event": 1}, TypeError, "lifecycle_event must be a str, not int"),
            ({"lifecycle_event": ""}, ValueError, "lifecycle_event must not be empty"),
            ({"lifecycle_event": "a\r\nX: y"}, ValueError, "lifecycle_event: the value of X-Lifecycle-Event must be"),
        ],
    )
    def test_an_option_that_breaks_a_rule_is_refused_by_it(self, given: Given, error: type[Exception], text: str) -> None:
        with pytest.raises(error, match=rf"^{text}"):
            submitted(**given)

    def test_a_body_over_the_limit_is_refused(self) -> None:
        assert len(submitted(inputs={"a": "x" * 10}, settings=SMALL).body.content) == 39
        assert len(submitted(inputs={"a": "x" * 11}, settings=SMALL).body.content) == 40
        with pytest.raises(ValueError, match=r"^input_parameters makes a body of 41 bytes; limits\.request_body_bytes_max is 40$"):
            submitted(inputs={"a": "x" * 12}, settings=SMALL)


class TestExecutions:
    def test_the_status_of_an_execution_is_asked_for_by_its_id(self) -> None:
        assert status_request(ID) == Request("GET", f"/api/v1/executions/{ID}", Headers((("Accept", "application/json"),)))

    def test_a_cancel_has_no_body(self) -> None:
        assert cancel_request("a/b") == Request("POST", "/api/v1/executions/a%2Fb/cancel", Headers((("Accept", "application/json"),)))

    @pytest.mark.parametrize("build", [status_request, cancel_request])
    @pytest.mark.parametrize("value", ["", ".", "..", "a\r\n"])
    def test_an_id_that_is_no_segment_is_refused(self, build: Any, value: str) -> None:
        with pytest.raises(ValueError, match=r"^execution_id must not "):
            build(value)


class TestSkills:
    def test_the_latest_version_needs_no_query(self) -> None:
        assert skills_request(ID, None) == Request(
            "GET", f"/api/v1/hosted-services/{ID}/skills", Headers((("Accept", "application/json"),))
        )

    def test_a_version_is_asked_for_in_the_query(self) -> None:
        accept = Headers((("Accept", "application/json"),))
        assert skills_request("a", 1) == Request("GET", "/api/v1/hosted-services/a/skills?version=1", accept)
        assert skills_request("a b", 2).target == "/api/v1/hosted-services/a%20b/skills?version=2"

    @pytest.mark.parametrize("version", [0, -1])
    def test_a_version_that_is_not_positive_is_refused(self, version: int) -> None:
        with pytest.raises(ValueError, match=rf"^version must be positive, not {version}$"):
            skills_request(ID, version)

    @pytest.mark.parametrize("version", [True, 2.0, "2"])
    def test_a_version_that_is_no_whole_number_is_refused(self, version: object) -> None:
        with pytest.raises(TypeError, match=rf"^version must be a whole number, not {type(version).__name__}$"):
            skills_request(ID, version)

    def test_a_service_id_that_is_no_segment_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^service_id must not "):
            skills_request("..", None)


class TestCustomRequests:
    def test_json_is_accepted_unless_the_caller_says_otherwise(self) -> None:
        assert custom() == Request("GET", "/a", Headers((("Accept", "application/json"),)), NO_BODY)
        assert custom(headers={"accept": "text/csv"}).headers.fields == (("accept", "text/csv"),)

    @pytest.mark.parametrize("method", ["get", "HEAD", "Post", "PUT", "pAtCh", "delete", "OPTIONS"])
    def test_a_method_may_be_in_any_case(self, method: str) -> None:
        assert custom(method).method == method.upper()

    @pytest.mark.parametrize("method", ["", "TRACE", "CONNECT", "GET ", "GET\r\n", "PO\u017fT", "purge"])
    def test_any_other_method_is_refused(self, method: str) -> None:
        with pytest.raises(ValueError, match=r"^method must be one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT$"):
            custom(method)

    def test_a_method_of_another_type_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^method must be a str, not bytes$"):
            custom(b"GET")

    def test_path_and_query_are_encoded(self) -> None:
        assert custom(path="/a b", params={"scope": "org x", "none": None}).target == "/a%20b?scope=org%20x"

    @pytest.mark.parametrize("params", [{}, {"a": None}])
    def test_a_query_without_values_is_left_out(self, params: dict[str, object]) -> None:
        assert custom(params=params).target == "/a"

    @pytest.mark.parametrize(
        ("value", "body"),
        [({"fields": ["name"], "limit": 50}, b'{"fields":["name"],"limit":50}'), ([], b"[]"), (False, b"false"), (0, b"0"), ("", b'""')],
    )
    def test_a_json_body_has_its_content_type(self, value: object, body: bytes) -> None:
        request = custom("POST", json=value)
        assert request.body.content == body
        assert request.headers.fields == (("Accept", "application/json"), ("Content-Type", "application/json"))

    @pytest.mark.parametrize("content", [b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), memoryview(b"b-y-t-e-s")[::2]])
    def test_a_body_of_bytes_has_its_content_type(self, content: object) -> None:
        request = custom("PUT", content=content)
        assert request.body.content == b"bytes"
        assert type(request.body.content) is bytes
        assert request.headers.get("Content-Type") == "application/octet-stream"

    def test_an_external_body_is_taken_as_it_is_whatever_its_length(self) -> None:
        body = External(SMALL.limits.request_body_bytes_max + 1, replayable=False)
        request = custom("PUT", content=body, settings=SMALL)
        assert request.body is body
        assert request.headers.get("Content-Type") == "application/octet-stream"

    def test_an_empty_content_is_a_body_too(self) -> None:
        request = custom("PUT", content=b"")
        assert request.body == NO_BODY
        assert request.headers.get("Content-Type") == "application/octet-stream"

    @pytest.mark.parametrize("body", [{"json": {}}, {"content": b"a"}])
    def test_a_callers_header_overrides_ours(self, body: dict[str, object]) -> None:
        request = custom("PUT", headers={"content-type": "application/pdf", "X-Request-ID": "mine"}, **body)
        assert request.headers.fields == (("content-type", "application/pdf"), ("X-Request-ID", "mine"), ("Accept", "application/json"))

    def test_two_bodies_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^json and content are both given"):
            custom("POST", json={}, content=b"")

    @pytest.mark.parametrize("content", ["text", 5, [b"a"], iter([b"a"])])
    def test_content_that_is_not_bytes_is_refused(self, content: object) -> None:
        with pytest.raises(TypeError, match=rf"^content must be bytes or External, not {type(content).__name__}$"):
            custom("PUT", content=content)

    @pytest.mark.parametrize(
        ("given", "error", "text"),
        [
            ({"path": "/a?b"}, ValueError, "path must not have a query"),
            ({"path": "/{org_id}"}, ValueError, "path has a placeholder"),
            ({"params": "a=b"}, TypeError, "params must be a mapping"),
            ({"headers": {"Authorization": "s3cret"}}, ValueError, "headers must not have Authorization"),
            ({"headers": {"X-A": "s3cret\n"}}, ValueError, "headers: the value of X-A must be"),
            ({"json": {"a": float("nan")}}, ValueError, "json cannot be sent as JSON"),
            ({"json": {1: 2}}, TypeError, "json has a key that is not a str"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_by_it(self, given: dict[str, Any], error: type[Exception], text: str) -> None:
        with pytest.raises(error, match=rf"^{text}") as caught:
            custom(**given)
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(("given", "parameter"), [({"json": "x" * 39}, "json"), ({"content": b"x" * 41}, "content")])
    def test_a_body_over_the_limit_is_refused(self, given: dict[str, Any], parameter: str) -> None:
        with pytest.raises(ValueError, match=rf"^{parameter} makes a body of 41 bytes"):
            custom("POST", settings=SMALL, **given)


class TestResubmission:
    MADE = Submission(UUID(int=7), "/api/v1/agents/a%2Fb/executions", b'{"input_data":{}}')

    def test_it_sends_the_same_bytes_with_the_same_key(self) -> None:
        request = resubmission(self.MADE, "body", Limits())
        assert (request.method, request.target, request.body.content) == ("POST", self.MADE.target, self.MADE.body)
        assert request.headers.get("Idempotency-Key") == str(self.MADE.key)
        assert request.headers.get("Content-Type") == request.headers.get("Accept") == "application/json"

    def test_a_body_over_the_limit_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^body makes a body of 17 bytes; limits\.request_body_bytes_max is 16$"):
            resubmission(self.MADE, "body", Limits(request_body_bytes_max=16))

    @pytest.mark.parametrize(
        ("target", "kind"),
        [
            ("/api/v1/code-blocks/c/executions", "code_block"),
            ("/api/v1/agents/a%2Fb/executions", "agent"),
            ("/api/v1/workflows/w/executions", "workflow"),
            ("/api/v1/agents/a/execute", None),
            ("/api/v1/agents/a/b/executions", None),
            ("/agents/a/executions", None),
            ("/api/v1/executions/e", None),
        ],
    )
    def test_a_target_tells_what_kind_of_component_it_submits(self, target: str, kind: str | None) -> None:
        assert submission_kind(target) == kind
