"""One logical call: attempts, pauses, a stale connection, one deadline (its token: `test_exchange_token.py`)."""

from dataclasses import replace
from typing import Any, cast

import pytest

from platform_core.actions import Because, Reason, Send, Sleep
from platform_core.derive import derived_uuid, unit_random
from platform_core.errors import (
    PlatformClientError,
    PlatformConnectionError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from platform_core.exchange import (
    EDGES,
    Answered,
    Exchange,
    Pausing,
    Plan,
    Sending,
    Unanswered,
    begin,
    maybe_seen,
)
from platform_core.messages import Headers, Request
from platform_core.outcomes import Failed, FailureCause, Outcome, Refused, Restored, Sent, Woke
from platform_core.responses import MESSAGE_LENGTH_MAX
from platform_core.retry import IDEMPOTENCY_KEY, RetryPolicy
from tests.support.core import OTHER_SEED, REQUEST_ID, SEED, answered, asks_for, lost
from tests.support.exchanges import BLIND, DEADLINE, GET, KEYED, PLAN, SUBMISSION, TWICE, ExchangeRun
from tests.support.walking import differences, walk


class TestSending:
    def test_the_first_action_sends_the_request_with_an_id_of_its_own(self) -> None:
        call = ExchangeRun()
        assert call.actions == [
            Send(Request("GET", GET.target, Headers(((REQUEST_ID, str(derived_uuid(SEED, "request", 0))),))), 30.0, Reason(Because.FIRST))
        ]

    def test_a_request_ends_by_the_deadline_of_the_call(self) -> None:
        call = ExchangeRun()
        call.tell(answered(80.0, 503))
        assert call.tell(Woke(85.0)).deadline == DEADLINE

    @pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 404, 409, 418, 422, 500, 501, 505])
    def test_sending_on_a_status_that_is_not_repeated_goes_to_answered(self, status: int) -> None:
        end = ExchangeRun().tell(answered(1.0, status))
        assert isinstance(end, Answered)
        assert (end.at, end.response.status, end.facts.attempts, end.facts.elapsed) == (1.0, status, 1, 1.0)

    @pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
    def test_sending_on_a_later_status_goes_to_pausing_and_sleeps(self, status: int) -> None:
        call = ExchangeRun()
        action = call.tell(answered(1.0, status))
        assert isinstance(call.exchange, Pausing)
        assert isinstance(action, Sleep)
        assert 1.0 <= action.until < 1.5
        assert (action.cost, action.reason) == (5, Reason(Because.STATUS, str(status)))

    @pytest.mark.parametrize("status", [408, 502, 503, 504])
    def test_a_post_without_a_key_is_not_repeated_on_another_status_than_429(self, status: int) -> None:
        assert isinstance(ExchangeRun(BLIND).tell(answered(1.0, status)), Answered)

    def test_a_post_without_a_key_is_repeated_on_429(self) -> None:
        assert isinstance(ExchangeRun(BLIND).tell(answered(1.0, 429)), Sleep)

    @pytest.mark.parametrize(
        ("plan", "sent", "asked"), [(BLIND, "no", Sleep), (BLIND, "maybe", Unanswered), (PLAN, "no", Sleep), (PLAN, "maybe", Sleep)]
    )
    def test_without_an_answer_only_what_is_harmless_or_unseen_is_repeated(self, plan: Plan, sent: Sent, asked: type) -> None:
        assert isinstance(ExchangeRun(plan).tell(lost(1.0, sent)), asked)

    @pytest.mark.parametrize("cause", [FailureCause.TLS, FailureCause.TOO_LARGE, FailureCause.CLOSED])
    def test_a_final_cause_ends_and_is_not_passing(self, cause: FailureCause) -> None:
        end = ExchangeRun().tell(lost(1.0, "no", cause))
        assert isinstance(end, Unanswered)
        assert not end.passing

    @pytest.mark.parametrize(
        ("cause", "error"),
        [
            (FailureCause.DNS, PlatformConnectionError),
            (FailureCause.CONNECT, PlatformConnectionError),
            (FailureCause.CONNECT_TIMEOUT, PlatformConnectionError),
            (FailureCause.TLS, PlatformConnectionError),
            (FailureCause.WRITE, PlatformConnectionError),
            (FailureCause.READ, PlatformConnectionError),
            (FailureCause.TIMEOUT, PlatformTimeoutError),
            (FailureCause.DISCONNECTED, PlatformConnectionError),
            (FailureCause.PROTOCOL, PlatformResponseError),
            (FailureCause.TOO_LARGE, PlatformResponseError),
            (FailureCause.LOCAL, PlatformConnectionError),
            (FailureCause.CLOSED, PlatformClientError),
            (FailureCause.RESTORED, PlatformConnectionError),
        ],
    )
    def test_every_cause_has_its_error(self, cause: FailureCause, error: type[PlatformClientError]) -> None:
        end = ExchangeRun(PLAN._replace(policy=RetryPolicy(attempts_max=1))).tell(lost(2.0, "maybe", cause))
        failure = end.failure
        assert failure.error is error
        assert (failure.sent, failure.method, failure.path, failure.attempts, failure.elapsed) == ("maybe", "GET", "/api/v1/x", 1, 2.0)
        assert failure.request_id == str(derived_uuid(SEED, "request", 0))

    def test_the_transports_own_word_is_for_the_reader_alone(self) -> None:
        plan = PLAN._replace(policy=RetryPolicy(attempts_max=1))
        outcome = Failed(2.0, FailureCause.CONNECT, "no", detail="ECONNREFUSED\nfor Bearer abcdefgh.ijklmnop")
        message = ExchangeRun(plan).tell(outcome).failure.message
        assert message.startswith("no connection could be made: ECONNREFUSED for ")
        assert "ijklmnop" not in message
        assert outcome == replace(outcome, detail="")

    def test_a_long_word_of_the_transport_is_cut(self) -> None:
        end = ExchangeRun(BLIND).tell(Failed(2.0, FailureCause.READ, "maybe", detail="x" * 2000))
        assert len(end.failure.message) == len("the connection broke before the whole answer had come: ") + MESSAGE_LENGTH_MAX

    def test_a_cause_that_a_later_driver_may_name_is_a_lost_connection_by_that_name(self) -> None:
        end = ExchangeRun(BLIND).tell(lost(1.0, "maybe", cast(Any, "gremlins")))
        assert (end.failure.error, end.failure.message) == (PlatformConnectionError, "no answer: gremlins")

    def test_sent_of_an_error_speaks_of_every_attempt(self) -> None:
        call = ExchangeRun(PLAN._replace(policy=TWICE))
        call.tell(lost(1.0, "maybe"))
        call.wake()
        assert call.tell(lost(5.0, "no", FailureCause.CONNECT)).failure.sent == "maybe"

    def test_sent_is_no_where_nothing_was_handed_on(self) -> None:
        call = ExchangeRun(PLAN._replace(policy=TWICE))
        call.tell(lost(1.0, "no"))
        call.wake()
        end = call.tell(lost(5.0, "no"))
        assert (end.failure.sent, end.seen, end.passing) == ("no", False, True)

    def test_at_the_deadline_nothing_is_repeated(self) -> None:
        assert isinstance(ExchangeRun().tell(lost(DEADLINE)), Unanswered)
        assert isinstance(ExchangeRun().tell(lost(DEADLINE, cause=FailureCause.DISCONNECTED, reused=True)), Unanswered)

    def test_restored_while_sending_counts_as_maybe_sent_and_is_sent_again_at_once(self) -> None:
        call = ExchangeRun(PLAN._replace(policy=RetryPolicy(attempts_max=1)))
        action = call.tell(Restored(1.0))
        assert (action.request.method, action.deadline, action.reason) == ("GET", 31.0, Reason(Because.RESTORED))
        assert maybe_seen(call.exchange, "no")
        assert (call.state.tally.attempts, call.state.tally.sends) == (1, 2), "no attempt, and another request id"

    def test_restored_while_sending_at_the_deadline_is_too_late(self) -> None:
        end = ExchangeRun().tell(Restored(DEADLINE))
        assert isinstance(end, Unanswered)
        assert end.seen

    def test_restored_while_sending_ends_what_may_not_be_repeated(self) -> None:
        end = ExchangeRun(BLIND).tell(Restored(1.0))
        assert isinstance(end, Unanswered)
        assert (end.seen, end.passing) == (True, False)
        assert end.failure.message == "the process ended before an answer came"

    def test_an_exchange_may_begin_at_any_time(self) -> None:
        assert ExchangeRun(at=5.0).actions[0].deadline == 35.0


class TestStaleConnection:
    STALE = lost(1.0, cause=FailureCause.DISCONNECTED, reused=True)

    def test_it_is_repeated_at_once_without_a_pause_and_without_budget(self) -> None:
        call = ExchangeRun()
        action = call.tell(self.STALE)
        assert isinstance(action, Send)
        assert action.reason == Reason(Because.STALE_CONNECTION)
        assert call.state.tally.attempts == 1

    def test_it_is_repeated_at_once_exactly_once(self) -> None:
        call = ExchangeRun()
        assert isinstance(call.tell(self.STALE, self.STALE), Sleep)
        assert isinstance(call.wake(), Send)
        assert isinstance(call.tell(replace(self.STALE, at=9.0)), Sleep)

    def test_it_is_repeated_at_once_also_where_one_attempt_is_all(self) -> None:
        call = ExchangeRun(PLAN._replace(policy=RetryPolicy(attempts_max=1)))
        assert isinstance(call.tell(self.STALE), Send)
        assert isinstance(call.tell(self.STALE), Unanswered)

    def test_what_may_have_been_seen_is_not_repeated_without_a_key(self) -> None:
        assert isinstance(ExchangeRun(BLIND).tell(self.STALE), Unanswered)

    def test_what_was_not_seen_is_repeated_without_a_key_as_well(self) -> None:
        assert isinstance(ExchangeRun(BLIND).tell(replace(self.STALE, sent="no")), Send)

    def test_the_same_on_a_fresh_connection_is_an_attempt_with_its_pause(self) -> None:
        assert isinstance(ExchangeRun().tell(replace(self.STALE, reused=False)), Sleep)


class TestAttempts:
    def test_four_attempts_are_made_and_the_last_answer_stands(self) -> None:
        call = ExchangeRun()
        for at in (1.0, 11.0, 21.0):
            assert isinstance(call.tell(answered(at, 503)), Sleep)
            assert isinstance(call.tell(Woke(at + 9.0)), Send)
        end = call.tell(answered(31.0, 503))
        assert isinstance(end, Answered)
        assert end.facts.attempts == len(call.requests) == 4

    def test_four_attempts_are_made_and_the_last_failure_stands(self) -> None:
        call = ExchangeRun()
        for _ in range(3):
            call.tell(lost(1.0))
            call.tell(Woke(1.0))
        end = call.tell(lost(1.0, cause=FailureCause.TIMEOUT))
        assert isinstance(end, Unanswered)
        assert (end.failure.error, end.passing, end.sends) == (PlatformTimeoutError, True, 4)

    def test_all_attempts_have_the_same_key_target_and_body_and_other_request_ids(self) -> None:
        call = ExchangeRun(SUBMISSION)
        for _ in range(3):
            call.tell(answered(1.0, 503), Woke(1.0))
        assert len(call.requests) == 4
        assert {(each.method, each.target, each.body, each.headers.get(IDEMPOTENCY_KEY)) for each in call.requests} == {
            ("POST", KEYED.target, KEYED.body, "k")
        }
        ids = [each.headers.get(REQUEST_ID) for each in call.requests]
        assert ids == [str(derived_uuid(SEED, "request", number)) for number in range(4)]

    def test_request_ids_are_numbered_through_the_whole_operation(self) -> None:
        assert ExchangeRun(sends=7).requests[0].headers.get(REQUEST_ID) == str(derived_uuid(SEED, "request", 7))

    def test_a_request_id_of_the_callers_own_stands(self) -> None:
        plan = PLAN._replace(request=Request("GET", "/api/v1/x", Headers((("x-request-id", "mine"),))), policy=RetryPolicy(1))
        call = ExchangeRun(plan)
        assert call.requests[0].headers.get_all(REQUEST_ID) == ("mine",)
        assert call.tell(lost(1.0)).failure.request_id == "mine"


class TestPauses:
    def test_pauses_have_full_jitter_below_a_bound_that_doubles(self) -> None:
        policy = RetryPolicy(attempts_max=1000)
        shares: list[float] = []
        call = ExchangeRun(PLAN._replace(policy=policy, deadline=1e9))
        for pauses in range(999):
            action = call.tell(answered(0.0, 503))
            assert 0.0 <= action.until < policy.pause_seconds(pauses)
            shares.append(action.until / policy.pause_seconds(pauses))
            call.tell(Woke(0.0))
        assert min(shares) < 0.05
        assert max(shares) > 0.95

    def test_the_share_of_a_pause_follows_from_the_seed_and_the_number_of_the_request(self) -> None:
        assert ExchangeRun(sends=6).tell(answered(1.0, 503)).until == 1.0 + 0.5 * unit_random(SEED, "pause", 7)

    @pytest.mark.parametrize("seconds", [1, 30, 98])
    def test_retry_after_is_honoured_exactly_also_above_the_cap(self, seconds: int) -> None:
        assert ExchangeRun().tell(asks_for(1.0, 503, seconds)).until == 1.0 + seconds

    def test_retry_after_of_nothing_leaves_the_backoff(self) -> None:
        assert ExchangeRun().tell(asks_for(1.0, 429, 0)) == ExchangeRun().tell(answered(1.0, 429))

    @pytest.mark.parametrize(("seconds", "ends"), [(98, False), (99, True), (500, True)])
    def test_a_pause_that_would_pass_the_deadline_is_not_begun_and_the_answer_stands(self, seconds: int, ends: bool) -> None:
        end = ExchangeRun().tell(asks_for(1.0, 429, seconds))
        assert isinstance(end, Answered) is ends

    @pytest.mark.parametrize("seed", [SEED, OTHER_SEED])
    @pytest.mark.parametrize(("at", "asked"), [(99.49, Sleep), (99.5, Answered)])
    def test_the_branch_is_taken_on_the_pause_before_jitter(self, seed: Any, at: float, asked: type) -> None:
        # With its jitter each of these pauses would end before the deadline.
        assert isinstance(ExchangeRun(PLAN._replace(seed=seed)).tell(answered(at, 503)), asked)

    def test_pausing_on_woke_goes_to_sending_and_sends(self) -> None:
        call = ExchangeRun()
        call.tell(answered(1.0, 503))
        action = call.wake()
        assert isinstance(call.exchange, Sending)
        assert action.reason == Reason(Because.PAUSE_OVER)

    def test_pausing_on_a_late_woke_goes_to_unanswered_with_the_last_failure(self) -> None:
        call = ExchangeRun()
        call.tell(asks_for(1.0, 503, 7))
        end = call.tell(Woke(DEADLINE))
        assert (end.failure.error, end.failure.status_code, end.failure.retry_after) == (PlatformTimeoutError, 503, 7.0)
        assert end.failure.message == "the deadline of the call passed; last failure: the platform gave no message"
        assert (end.failure.attempts, end.failure.elapsed, end.passing) == (1, DEADLINE, True)

    @pytest.mark.parametrize("outcome", [lost(1.0), answered(1.0, 503)])
    def test_what_failed_before_a_late_woke_is_told(self, outcome: Outcome) -> None:
        call = ExchangeRun()
        call.tell(outcome)
        assert call.tell(Woke(DEADLINE)).failure.message.startswith("the deadline of the call passed; last failure: the ")

    def test_pausing_on_refused_ends_with_the_last_failure(self) -> None:
        call = ExchangeRun()
        call.tell(asks_for(1.0, 503, 7))
        end = call.tell(Refused(1.0))
        assert isinstance(end, Unanswered)
        assert (end.failure.status_code, end.failure.retry_after, end.seen, end.passing) == (503, 7.0, True, True)

    def test_pausing_on_restored_sleeps_until_the_same_time_and_does_not_pay_twice(self) -> None:
        call = ExchangeRun()
        before = call.tell(answered(1.0, 503))
        assert call.tell(Restored(1.0)) == Sleep(before.until, 0, Reason(Because.RESTORED))
        assert isinstance(call.wake(), Send)


@pytest.mark.parametrize("plan", [PLAN, BLIND, SUBMISSION, PLAN._replace(policy=RetryPolicy(1))])
def test_a_step_is_a_pure_function(plan: Plan) -> None:
    outcomes = (answered(1.0, 429), Woke(3.0))
    first, second = ExchangeRun(plan), ExchangeRun(plan)
    first.tell(*outcomes[: 1 if plan.policy.attempts_max == 1 else 2])
    second.tell(*outcomes[: 1 if plan.policy.attempts_max == 1 else 2])
    assert (first.exchange, first.actions, first.end) == (second.exchange, second.actions, second.end)


def test_the_edges_are_as_declared() -> None:
    plans = [plan._replace(policy=TWICE, deadline=20.0) for plan in (PLAN, BLIND, SUBMISSION)]
    starts: list[Exchange] = [begin(plan, 0.0, 0, Reason(Because.FIRST)).exchange for plan in plans]
    assert differences(walk(starts, (0.0, 11.0, 20.0), EDGES), EDGES) == []
