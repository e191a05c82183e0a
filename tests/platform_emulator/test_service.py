import pytest

from platform_core.messages import Headers, Inline, Request
from platform_emulator.faults import Delay, Fault, Unauthorized
from platform_emulator.model import Behaviour, Model
from platform_emulator.service import REQUESTS_KEPT_MAX, Service
from platform_emulator.tokens import Tokens
from tests.platform_emulator.support import SEED, parsed, status_of, submission


def service(behaviour: Behaviour | None = None) -> Service:
    return Service(Model.new(SEED, behaviour or Behaviour()), Tokens())


def bearing(value: str, name: str = "Authorization") -> Request:
    return Request("GET", "/api/v1/tenants/orgs", Headers((("Accept", "*/*"), (name, value))))


def test_a_token_of_the_platform_is_let_through() -> None:
    platform = service()
    assert platform.met(bearing(f"bearer {platform.tokens.new()}")) == (None, None)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("GET", "/"), "a bearer token is needed"),
        (bearing("Basic abc"), "a bearer token is needed"),
        (bearing("Bearer "), "a bearer token is needed"),
        (bearing("Bearer nonsense"), "the token is not one of this platform"),
        (bearing(f"Bearer {Tokens().new(-60.0)}"), "the token has expired"),
        (bearing("fl_key", "X-API-Key"), "a bearer token is needed"),
    ],
)
def test_without_an_accepted_token_a_request_is_refused(request_: Request, message: str) -> None:
    _, refusal = service().met(request_)
    assert refusal is not None
    assert (refusal.status, parsed(refusal)["message"]) == (401, message)


def test_requests_are_kept_as_received_without_their_tokens() -> None:
    platform = service()
    platform.met(bearing("Bearer secret"))
    platform.met(bearing("fl_secret", "x-api-key"))
    kept = Request("GET", "/api/v1/tenants/orgs", Headers((("Accept", "*/*"),)), Inline(b""))
    assert platform.requests == (kept, kept)


def test_a_bounded_number_of_requests_is_kept() -> None:
    platform = service()
    for number in range(REQUESTS_KEPT_MAX + 1):
        platform.met(Request("GET", f"/{number}"))
    assert len(platform.requests) == REQUESTS_KEPT_MAX
    assert platform.requests[-1].target == f"/{REQUESTS_KEPT_MAX}"


def test_a_fault_is_met_once() -> None:
    platform = service()
    platform.inject(Fault(Delay(1)))
    assert [platform.met(Request("GET", "/"))[0] for _ in range(2)] == [Fault(Delay(1)), None]


def test_an_injection_revokes_the_tokens_of_before_and_no_later_one() -> None:
    platform = service()
    old = platform.tokens.new()
    platform.inject(Fault(Unauthorized()))
    new = platform.tokens.new()
    struck = [platform.met(bearing(f"Bearer {token}"))[0] is not None for token in (old, new, old)]
    assert struck == [True, False, True]


def test_executions_are_seen_as_they_are_now_with_what_came_beside_the_record() -> None:
    platform = service(Behaviour(pending_seconds=0.0))
    request = submission("echo", {"input_parameters": {"a": 1}}, Idempotency_Key="k", X_Lifecycle_Event="test", X_Parent_Billing_Txn_Id="t")
    record = parsed(platform.apply(request))
    (seen,) = platform.executions
    assert (seen.execution_id, seen.status) == (record["execution_id"], "completed")
    assert (seen.component.name, seen.body) == ("echo", request.body.content)
    assert (seen.idempotency_key, seen.lifecycle_event, seen.parent_billing_txn_id) == ("k", "test", "t")


def test_what_is_due_is_done_when_the_workers_advance() -> None:
    platform = service(Behaviour(pending_seconds=0.0))
    record = parsed(platform.apply(submission("echo")))
    assert platform.due() is not None
    platform.advance()
    assert platform.due() is None
    assert parsed(platform.apply(status_of(record["execution_id"])))["status"] == "completed"
