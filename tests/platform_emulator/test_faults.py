import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Request
from platform_emulator.faults import Delay, Fault, FaultPlan, StaleStatus, Status, Unauthorized

GET = Request("GET", "/api/v1/executions/1?path=/agents/")
POST = Request("POST", "/api/v1/agents/1/executions")


@pytest.mark.parametrize(
    ("fault", "meets_get", "meets_post"),
    [
        (Fault(Delay(1)), True, True),
        (Fault(Delay(1), method="post"), False, True),
        (Fault(Delay(1), path="/agents/"), False, True),
        (Fault(Delay(1), path="/executions"), True, True),
        (Fault(Delay(1), method="POST", path="/executions/"), False, False),
    ],
)
def test_a_fault_strikes_the_requests_that_it_names(fault: Fault, meets_get: bool, meets_post: bool) -> None:
    assert (fault.matches(GET, None), fault.matches(POST, None)) == (meets_get, meets_post)


def test_a_fault_strikes_as_often_as_it_says_and_the_plan_before_stays_as_it_was() -> None:
    plan = before = FaultPlan().with_fault(Fault(Status(503), times=2), 0.0)
    taken = list[Fault | None]()
    for _ in range(3):
        plan, fault = plan.take(GET)
        taken.append(fault)
    assert [each is not None for each in taken] == [True, True, False]
    assert plan == FaultPlan()
    assert before == FaultPlan((Fault(Status(503), times=2),))


def test_faults_strike_in_their_order_and_one_that_does_not_match_waits() -> None:
    plan = FaultPlan((Fault(Delay(1), method="POST"), Fault(Delay(2)), Fault(Delay(3))))
    plan, first = plan.take(GET)
    plan, second = plan.take(POST)
    plan, third = plan.take(POST)
    assert [each.effect for each in (first, second, third) if each is not None] == [Delay(2), Delay(1), Delay(3)]


def test_every_token_up_to_the_injection_is_refused_for_good_and_a_later_one_never() -> None:
    plan = FaultPlan().with_fault(Fault(Unauthorized()), 10.0)
    for issued_at, struck in [(9.0, True), (10.0, True), (10.1, False), (9.0, True), (None, False)]:
        plan, fault = plan.take(GET, issued_at)
        assert (fault is not None) is struck


def test_a_fault_of_tokens_lets_later_faults_strike_requests_with_new_tokens() -> None:
    plan = FaultPlan().with_fault(Fault(Unauthorized()), 10.0).with_fault(Fault(Delay(1)), 11.0)
    assert plan.take(GET, 12.0)[1] == Fault(Delay(1))


@pytest.mark.parametrize(
    ("stale", "status", "struck"),
    [
        ("pending", None, False),
        ("pending", "pending", False),
        ("pending", "running", True),
        ("pending", "cancelled", True),
        ("running", "running", False),
        ("running", "completed", True),
    ],
)
def test_a_status_from_the_past_strikes_where_the_execution_is_further(stale: str, status: str | None, struck: bool) -> None:
    assert Fault(StaleStatus(stale)).matches(GET, 0.0, None if status is None else ExecutionStatus(status)) is struck
