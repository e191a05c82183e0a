"""When to try again, and when next."""

from typing import Any

import pytest

from platform_core.messages import External, Headers, Request
from platform_core.outcomes import FailureCause, Sent
from platform_core.retry import (
    DEFAULT_RETRY,
    FINAL_CAUSES,
    LATER_STATUSES,
    RetryBudget,
    RetryPolicy,
    attempts_so_far,
    is_harmless,
    is_sent_once,
    may_have_been_seen,
    repeats_at_once,
    repeats_failure,
    repeats_status,
)

STATUSES = range(100, 600)
PASSING_CAUSES = frozenset(FailureCause) - FINAL_CAUSES


def test_what_is_harmless_is_repeated_after_408_429_502_503_504_and_nothing_else() -> None:
    assert {status for status in STATUSES if repeats_status(status, harmless=True)} == {408, 429, 502, 503, 504}


def test_what_is_not_harmless_is_repeated_after_429_alone() -> None:
    assert {status for status in STATUSES if repeats_status(status, harmless=False)} == {429}


def test_500_is_the_word_for_a_failed_execution_and_never_repeated() -> None:
    assert 500 not in LATER_STATUSES


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_an_idempotent_method_is_harmless(method: str) -> None:
    assert is_harmless(Request(method, "/api/v1/x"))


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_another_method_is_harmless_with_an_idempotency_key_alone(method: str) -> None:
    assert not is_harmless(Request(method, "/api/v1/x", Headers((("X-Idempotency-Key", "k"),))))
    assert is_harmless(Request(method, "/api/v1/x", Headers((("idempotency-KEY", "k"),))))


@pytest.mark.parametrize("cause", sorted(PASSING_CAUSES))
@pytest.mark.parametrize(
    ("sent", "harmless", "repeated"), [("no", False, True), ("no", True, True), ("maybe", True, True), ("maybe", False, False)]
)
def test_what_may_have_been_seen_is_repeated_only_where_that_is_harmless(
    cause: FailureCause, sent: Sent, harmless: bool, repeated: bool
) -> None:
    assert repeats_failure(cause, sent, harmless=harmless) is repeated


@pytest.mark.parametrize("cause", [FailureCause.TLS, FailureCause.TOO_LARGE, FailureCause.CLOSED])
def test_what_would_fail_the_same_way_is_not_repeated(cause: FailureCause) -> None:
    assert not repeats_failure(cause, "no", harmless=True)


@pytest.mark.parametrize(
    ("cause", "sent", "reused", "harmless", "at_once"),
    [
        (FailureCause.DISCONNECTED, "maybe", True, True, True),
        (FailureCause.DISCONNECTED, "no", True, False, True),
        (FailureCause.DISCONNECTED, "maybe", True, False, False),
        (FailureCause.DISCONNECTED, "maybe", False, True, False),
        (FailureCause.READ, "maybe", True, True, False),
        (FailureCause.WRITE, "no", True, True, False),
        (FailureCause.CLOSED, "no", True, True, False),
    ],
)
def test_only_a_stale_connection_is_no_fault_and_repeated_at_once(
    cause: FailureCause, sent: Sent, reused: bool, harmless: bool, at_once: bool
) -> None:
    assert repeats_at_once(cause, sent, reused=reused, harmless=harmless) is at_once


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        *((status, True) for status in (100, 200, 202, 408, 409, 500, 502, 503, 504, 599, 600)),
        *((status, False) for status in (300, 301, 400, 401, 403, 404, 422, 429, 499)),
    ],
)
def test_a_refusal_says_that_nothing_was_begun(status: int, seen: bool) -> None:
    assert may_have_been_seen(status) is seen


def test_a_body_is_sent_once_where_it_is_external_and_cannot_be_replayed() -> None:
    bodies = (External(1, replayable=False), External(None, replayable=True), Request("PUT", "/a").body)
    assert [is_sent_once(Request("PUT", "/a", body=body)) for body in bodies] == [True, False, False]


def test_four_attempts_with_pauses_from_half_a_second_up_to_eight_are_the_default() -> None:
    assert RetryPolicy(4, 0.5, 8.0) == DEFAULT_RETRY
    assert [DEFAULT_RETRY.pause_seconds(pauses) for pauses in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize("pauses", [64, 65, 1023, 1024, 10**6, 10**400])
def test_the_bound_of_a_pause_does_not_overflow(pauses: int) -> None:
    assert DEFAULT_RETRY.pause_seconds(pauses) == 8.0
    assert RetryPolicy(4, 1e300, 1e308).pause_seconds(pauses) == 1e308


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"attempts_max": "4"}, TypeError, "retry.attempts_max must be a whole number, not str"),
        ({"attempts_max": 4.0}, TypeError, "retry.attempts_max must be a whole number, not float"),
        ({"attempts_max": True}, TypeError, "retry.attempts_max must be a whole number, not bool"),
        ({"attempts_max": 0}, ValueError, "retry.attempts_max must be at least 1, not 0"),
        ({"pause_first_seconds": "1"}, TypeError, "retry.pause_first_seconds must be a number of seconds, not str"),
        ({"pause_first_seconds": 0}, ValueError, "retry.pause_first_seconds must be a positive and finite number of seconds"),
        ({"pause_seconds_max": float("inf")}, ValueError, "retry.pause_seconds_max must be a positive and finite number of seconds"),
        ({"pause_seconds_max": float("nan")}, ValueError, "retry.pause_seconds_max must be a positive and finite number of seconds"),
    ],
)
def test_a_bad_policy_is_refused_by_the_name_of_its_field(fields: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        RetryPolicy(**fields)
    assert str(caught.value) == text


def test_a_budget_pays_until_it_is_empty_and_is_never_negative() -> None:
    budget: RetryBudget | None = RetryBudget()
    paid = 0
    while budget is not None:
        assert budget.balance >= 0
        budget, paid = budget.withdraw(5), paid + 1
    assert paid == 101
    assert RetryBudget(4).withdraw(5) is None
    assert RetryBudget(5).withdraw(5) == RetryBudget(0)


def test_what_costs_nothing_is_paid_by_an_empty_budget_as_well() -> None:
    assert RetryBudget(0).withdraw(0) == RetryBudget(0)


def test_what_ends_well_pays_one_back_up_to_the_full_budget() -> None:
    assert RetryBudget(7).deposit() == RetryBudget(8)
    assert RetryBudget().deposit() == RetryBudget(500, 500)


def test_a_budget_keeps_its_own_bound() -> None:
    assert RetryBudget(3, 5).deposit() == RetryBudget(4, 5)
    assert RetryBudget(5, 5).withdraw(5) == RetryBudget(0, 5)


def test_an_attempt_that_brought_something_is_the_first_of_a_new_row() -> None:
    assert (attempts_so_far(3, moved_on=False), attempts_so_far(3, moved_on=True)) == (3, 1)
