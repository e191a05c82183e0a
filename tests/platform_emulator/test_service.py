import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Inline, Request
from platform_emulator.callers import DEVELOPER
from platform_emulator.faults import Delay, Fault, StaleStatus, Unauthorized
from platform_emulator.keeping import DatabaseError
from platform_emulator.model import Behaviour, Model, State
from platform_emulator.rates import RateLimit
from platform_emulator.service import Service
from platform_emulator.tokens import Identity, Tokens
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


class Full:
    """A keeper that keeps what it is given, until its disk is full."""

    api_keys: Mapping[bytes, Identity] = {}

    def __init__(self) -> None:
        self.states: list[State] = []
        self.is_full = False

    def keep(self, before: State, after: State) -> None:
        if self.is_full:
            raise DatabaseError("the disk is full")
        assert not self.states or before is self.states[-1]
        self.states.append(after)

    def keep_api_key(self, digest: bytes, identity: Identity) -> None:
        raise DatabaseError("the disk is full")

    def close(self) -> None:
        self.is_full = True


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_each_change_is_kept_before_it_is_told_and_nothing_else_is() -> None:
    keeper, clock = Full(), Hands()
    platform = Service(Model.new(SEED), Tokens(), keeper=keeper, clock=clock)
    execution_id = parsed(platform.apply(submission("sleep", {"input_parameters": {"seconds": 5}})))["execution_id"]
    kept = [len(keeper.states)]
    for at, look in (
        (1000.0, lambda: platform.apply(status_of(execution_id))),
        (1001.0, lambda: platform.apply(status_of(execution_id))),
        (1002.0, lambda: platform.met(status_of(execution_id))),
        (1009.0, lambda: platform.met(status_of(execution_id))),
        (1010.0, lambda: platform.executions),
    ):
        clock.at = at
        look()
        kept.append(len(keeper.states))
    assert kept == [1, 1, 2, 2, 2, 3]
    assert keeper.states[-1].executions[execution_id].finished_at == pytest.approx(1005.015)


def test_what_cannot_be_kept_is_answered_503_and_has_not_happened() -> None:
    keeper = Full()
    platform = Service(Model.new(SEED), Tokens(), keeper=keeper, clock=Hands())
    keeper.is_full = True
    response = platform.apply(submission("echo"))
    assert (response.status, parsed(response)["code"], parsed(response)["message"]) == (503, "NOT_KEPT", "the disk is full")
    assert platform.executions == ()
    keeper.is_full = False
    assert platform.apply(submission("echo")).status == 202
    with pytest.raises(DatabaseError):
        platform.credentials.new_api_key()


def test_once_it_is_closed_nothing_happens_any_more() -> None:
    keeper, clock = Full(), Hands()
    platform = Service(Model.new(SEED), Tokens(), keeper=keeper, clock=clock)
    platform.apply(submission("sleep", {"input_parameters": {"seconds": 5}}))
    clock.at = 1001.0
    platform.close()
    clock.at = 1100.0
    assert (platform.now(), [each.status for each in platform.executions]) == (1001.0, ["running"])


def test_time_begins_no_earlier_than_the_platform_knows_of() -> None:
    later = time.time() + 3600.0
    assert Service(Model(replace(Model.new(SEED).state, opened_at=later)), Tokens()).now() >= later
