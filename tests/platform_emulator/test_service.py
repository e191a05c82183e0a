import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Inline, Request
from platform_emulator.callers import DEVELOPER
from platform_emulator.faults import Delay, Fault, StaleStatus, Unauthorized
from platform_emulator.model import Behaviour, Model
from platform_emulator.rates import RateLimit
from platform_emulator.service import Service
from platform_emulator.tokens import Tokens
from tests.platform_emulator.support import SEED, cancel_of, parsed, status_of, submission


def service(behaviour: Behaviour | None = None) -> Service:
    return Service(Model.new(SEED, behaviour or Behaviour()), Tokens())


def bearing(value: str, name: str = "Authorization") -> Request:
    return Request("GET", "/api/v1/tenants/orgs", Headers((("Accept", "*/*"), (name, value))))


def test_a_token_of_the_platform_is_let_through() -> None:
    platform = service()
    assert platform.met(bearing(f"bearer {platform.tokens.new()}")) == (None, None, DEVELOPER)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("GET", "/"), "a bearer token or an API key is needed"),
        (bearing("Bearer nonsense"), "the token is not one of this platform"),
        (bearing(f"Bearer {Tokens().new(-60.0)}"), "the token has expired"),
        (bearing("fl_key", "X-API-Key"), "the API key is not one of this platform"),
    ],
)
def test_without_an_accepted_token_a_request_is_refused(request_: Request, message: str) -> None:
    refusal = service().met(request_).refusal
    assert refusal is not None
    assert (refusal.status, parsed(refusal)["message"]) == (401, message)


def test_requests_are_kept_as_received_without_their_tokens() -> None:
    platform = service()
    platform.met(bearing("Bearer secret"))
    platform.met(bearing("fl_secret", "x-api-key"))
    kept = Request("GET", "/api/v1/tenants/orgs", Headers((("Accept", "*/*"),)), Inline(b""))
    assert platform.requests == (kept, kept)


def test_a_fault_is_met_once() -> None:
    platform = service()
    platform.inject(Fault(Delay(1)))
    assert [platform.met(Request("GET", "/")).fault for _ in range(2)] == [Fault(Delay(1)), None]


def test_an_injection_revokes_the_tokens_of_before_and_no_later_one() -> None:
    platform = service()
    old = platform.tokens.new()
    platform.inject(Fault(Unauthorized()))
    new = platform.tokens.new()
    struck = [platform.met(bearing(f"Bearer {token}")).fault is not None for token in (old, new, old)]
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


def test_each_token_has_its_own_rate_and_a_refused_one_uses_none() -> None:
    platform = Service(Model.new(SEED), Tokens(), rates=RateLimit(0.001))
    one, other = platform.tokens.new(), platform.tokens.new()
    refusals = [platform.met(bearing(f"Bearer {token}")).refusal for token in (one, one, other, "nonsense")]
    assert [refusal and refusal.status for refusal in refusals] == [None, 429, None, 401]
    assert refusals[1] is not None
    assert 990 <= int(refusals[1].headers.get("Retry-After") or "") <= 1000


def test_a_status_from_the_past_waits_until_there_is_one() -> None:
    platform = service(Behaviour(pending_seconds=float("inf")))
    platform.inject(Fault(StaleStatus("pending")))
    execution_id = parsed(platform.apply(submission("echo")))["execution_id"]
    struck = [platform.met(status_of(execution_id)).fault is not None]
    assert platform.begin(execution_id)
    struck += [platform.met(each).fault is not None for each in (status_of("x"), cancel_of(execution_id), status_of(execution_id))]
    assert struck == [False, False, False, True]


def test_a_worker_begins_what_is_pending_and_ends_what_is_running_alone() -> None:
    platform = service(Behaviour(pending_seconds=float("inf")))
    execution_id = parsed(platform.apply(submission("sleep", {"input_parameters": {"seconds": 9}})))["execution_id"]
    platform.end(execution_id, ExecutionStatus.COMPLETED, 1)
    assert platform.ended(execution_id) is None
    assert [platform.begin(execution_id) for _ in range(2)] == [True, False]
    platform.apply(cancel_of(execution_id))
    platform.end(execution_id, ExecutionStatus.COMPLETED, 1)
    ended = platform.ended(execution_id)
    assert ended is not None
    assert ended["status"] == "cancelled"
