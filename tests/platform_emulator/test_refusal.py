"""The rules that hold whatever the platform knows: the same that the model and the server hold a request to."""

import pytest

from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.callers import NOT_PRESENTED, presented
from platform_emulator.components import DATASETS, ORG_ID, WORKSPACE_ID
from platform_emulator.model import Model, refusal
from tests.platform_emulator.support import IDS, SEED, parsed, status_of, submission

TOKEN = ("Authorization", "Bearer ***")
ROWS = f"/api/v1/orgs/{ORG_ID}/workspaces/{WORKSPACE_ID}/datasets/{DATASETS['people']}/query"
JSON = Headers((("Content-Type", "application/json"),))


def with_token(request: Request) -> Request:
    return request._replace(headers=Headers((*request.headers, TOKEN)))


def told(response: Response | None) -> tuple[int, object] | None:
    return None if response is None else (response.status, parsed(response))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request("GET", "/api/v1/code-block/a/executions"), 404),
        (Request("GET", f"/api/v1/code-blocks/{IDS['echo']}/executions"), 405),
        (Request("GET", "/api/v1/executions/a%zz"), 400),
        (submission("echo", Content_Type="text/plain"), 415),
        (submission("echo", b"{"), 400),
        (submission("echo", {"inputs": {}}), 422),
        (submission("echo", {"context": "org"}), 422),
        (submission("pipeline", {"execution_mode": "isolated"}), 422),
        (submission("answer", {"execution_mode": 1}), 422),
        (submission("echo", Idempotency_Key=""), 400),
        (Request("POST", f"/api/v1/agents/{IDS['answer']}/execute", JSON, Inline(b"[]")), 400),
        (Request("POST", ROWS, JSON, Inline(b'{"limit": 0}')), 422),
    ],
)
def test_what_is_refused_is_what_the_model_refuses(request_: Request, status: int) -> None:
    _, answer = Model.new(SEED).apply(request_, 0.0)
    assert answer.status == status
    assert told(refusal(with_token(request_))) == told(answer)


@pytest.mark.parametrize(
    "request_",
    [
        status_of("00000000-0000-4000-8000-00000000dead"),
        submission("echo", {"input_parameters": {"a": 1}, "context": {}, "timeout_seconds": 1}, Idempotency_Key="k"),
        Request("POST", "/api/v1/workflows/of-somebody-else/executions", JSON, Inline(b"{}")),
        Request("HEAD", "/api/v1/tenants/orgs"),
        Request("PUT", f"/api/v1/orgs/{ORG_ID}/storage/objects/a", body=Inline(b"a")),
    ],
)
def test_what_depends_on_what_the_platform_knows_is_not_refused(request_: Request) -> None:
    assert refusal(with_token(request_)) is None


def test_a_login_needs_no_credentials_and_all_else_does() -> None:
    assert refusal(Request("POST", "/api/v1/auth/login")) is None
    for headers in (Headers(), Headers((("Authorization", "Basic a"),)), Headers((("Authorization", "Bearer"),))):
        answer = refusal(Request("GET", "/api/v1/tenants/orgs", headers))
        assert answer is not None
        assert (answer.status, parsed(answer)["message"]) == (401, NOT_PRESENTED)
    assert refusal(Request("GET", "/api/v1/tenants/orgs", Headers((("X-API-Key", "***"),)))) is None


def test_credentials_show_no_secret() -> None:
    assert "s3cret" not in repr(presented(Headers((("Authorization", "Bearer s3cret"),))))
