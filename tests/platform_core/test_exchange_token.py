"""One logical call: its one token refresh, a conflict, and whether the server may have begun."""

import pytest

from platform_core.actions import Authorize, Because, Reason, Send, Sleep
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformTimeoutError,
)
from platform_core.exchange import (
    Answered,
    Authorizing,
    Plan,
    Unanswered,
    maybe_seen,
)
from platform_core.outcomes import Authorized, Outcome, Restored, Woke
from tests.support.core import answered, lost, no_token, token_refused
from tests.support.exchanges import BLIND, DEADLINE, KEYED, PLAN, SUBMISSION, ExchangeRun


class TestToken:
    def test_sending_on_401_goes_to_authorizing_and_asks_for_a_later_token(self) -> None:
        call = ExchangeRun()
        assert call.tell(answered(1.0, 401, generation=7)) == Authorize(7, 31.0, Reason(Because.TOKEN_REJECTED))
        assert isinstance(call.exchange, Authorizing)

    def test_authorizing_on_authorized_goes_to_sending_and_the_send_is_no_attempt(self) -> None:
        call = ExchangeRun()
        action = call.tell(answered(1.0, 401), Authorized(2.0))
        assert isinstance(action, Send)
        assert action.reason == Reason(Because.TOKEN_RENEWED)
        assert (call.state.tally.attempts, call.state.tally.sends) == (1, 2)
        for _ in range(3):
            call.tell(answered(3.0, 503), Woke(3.0))
        assert isinstance(call.tell(answered(4.0, 503)), Answered)
        assert len(call.requests) == 5

    def test_a_second_401_is_the_answer(self) -> None:
        end = ExchangeRun().tell(answered(1.0, 401), Authorized(2.0), answered(3.0, 401, generation=2))
        assert isinstance(end, Answered)
        assert end.response.status == 401

    def test_a_401_after_a_repeat_is_not_refreshed_a_second_time(self) -> None:
        call = ExchangeRun()
        call.tell(answered(1.0, 401), Authorized(2.0), answered(3.0, 503), Woke(4.0))
        assert isinstance(call.tell(answered(5.0, 401, generation=2)), Answered)

    def test_no_token_yet_asks_for_any(self) -> None:
        call = ExchangeRun()
        assert call.tell(no_token(1.0)) == Authorize(None, 31.0, Reason(Because.NO_TOKEN))
        assert isinstance(call.tell(Authorized(2.0)), Send)

    def test_no_token_again_is_a_failure_of_this_attempt(self) -> None:
        call = ExchangeRun()
        action = call.tell(no_token(1.0), Authorized(2.0), no_token(3.0))
        assert isinstance(action, Sleep)
        assert action.reason == Reason(Because.FAILURE, "no token")

    def test_a_first_token_may_be_refreshed_once_as_well(self) -> None:
        call = ExchangeRun()
        action = call.tell(no_token(1.0), Authorized(2.0), answered(3.0, 401))
        assert isinstance(action, Authorize)
        assert isinstance(call.tell(Authorized(4.0), answered(5.0, 401, generation=2)), Answered)

    def test_an_endless_refresh_is_impossible(self) -> None:
        call = ExchangeRun()
        asked = 0
        while call.end is None:
            assert len(call.actions) < 50
            match call.actions[-1]:
                case Send():
                    call.tell((no_token(1.0), answered(1.0, 401))[len(call.actions) % 2])
                case Sleep():
                    call.tell(Woke(1.0))
                case action:
                    assert isinstance(action, Authorize)
                    asked += 1
                    call.tell(Authorized(1.0) if asked % 2 else token_refused(1.0))
        assert asked <= 8

    def test_a_transient_token_failure_is_tried_again_within_the_attempts(self) -> None:
        call = ExchangeRun()
        for _ in range(3):
            action = call.tell(answered(1.0, 401), token_refused(2.0))
            assert isinstance(action, Sleep)
            assert action.reason == Reason(Because.TOKEN_REFUSED, "OSError")
            call.tell(Woke(3.0))
        end = call.tell(answered(4.0, 401), token_refused(5.0))
        assert isinstance(end, Unanswered)
        assert end.failure.error is PlatformAuthenticationError
        assert (end.failure.status_code, end.passing, end.sends) == (401, True, 4)
        assert end.failure.message.endswith("the token could not be renewed: OSError")

    def test_a_permanent_token_failure_ends_at_once(self) -> None:
        end = ExchangeRun().tell(answered(1.0, 401), token_refused(2.0, permanent=True))
        assert (end.failure.error, end.failure.status_code, end.passing) == (PlatformAuthenticationError, 401, False)
        assert (end.failure.elapsed, end.seen) == (2.0, False)

    def test_what_the_platform_said_of_the_token_is_told_as_well(self) -> None:
        end = ExchangeRun().tell(answered(1.0, 401, {"message": "it expired"}), token_refused(2.0, permanent=True))
        assert end.failure.message == "it expired; the token could not be renewed: KeyError"

    def test_no_first_token_is_an_authentication_error_without_a_status(self) -> None:
        end = ExchangeRun().tell(no_token(1.0), token_refused(2.0, permanent=True))
        assert (end.failure.error, end.failure.status_code) == (PlatformAuthenticationError, None)
        assert end.failure.message == "there is no token: KeyError"

    @pytest.mark.parametrize("first", [answered(1.0, 401), no_token(1.0)])
    @pytest.mark.parametrize("late", [Authorized(DEADLINE), token_refused(DEADLINE)])
    def test_a_token_that_comes_at_the_deadline_is_too_late(self, first: Outcome, late: Outcome) -> None:
        end = ExchangeRun().tell(first, late)
        assert isinstance(end, Unanswered)
        assert end.failure.error is PlatformTimeoutError
        assert end.passing

    def test_a_first_token_that_comes_at_the_deadline_says_so(self) -> None:
        end = ExchangeRun().tell(no_token(1.0), Authorized(DEADLINE))
        assert end.failure.message == "the deadline of the call passed; last failure: there was no token in time"

    def test_a_provider_that_is_gone_for_good_is_told_also_at_the_deadline(self) -> None:
        end = ExchangeRun().tell(answered(1.0, 401), token_refused(DEADLINE, permanent=True))
        assert end.failure.error is PlatformAuthenticationError

    def test_a_401_at_the_deadline_is_too_late_for_a_refresh(self) -> None:
        end = ExchangeRun().tell(answered(DEADLINE, 401))
        assert (end.failure.error, end.failure.status_code) == (PlatformTimeoutError, 401)

    def test_at_the_deadline_no_first_token_is_asked_for(self) -> None:
        """Found by the exploration.

        caller        client                                     platform
           |--- starts ->|                                           |
           |             |   0.000 Submitting: send POST …/executions
           | clock: almost 12 s
           | clock: 12 s
           |-tokens: no token yet>|                                  |
           |             |  12.000 Submitting: ask for a token
        """
        end = ExchangeRun().tell(no_token(DEADLINE))
        assert isinstance(end, Unanswered)
        assert (end.failure.error, end.seen, end.passing) == (PlatformTimeoutError, False, True)

    def test_a_restored_authorize_asks_for_any_token(self) -> None:
        call = ExchangeRun()
        assert call.tell(answered(1.0, 401), Restored(2.0)) == Authorize(None, 32.0, Reason(Because.RESTORED))
        assert isinstance(call.tell(Authorized(3.0)), Send)

    @pytest.mark.parametrize(
        "stored",
        [(), (answered(1.0, 401),), (answered(1.0, 401), Authorized(1.0)), (answered(1.0, 401), Authorized(1.0), answered(1.0, 503))],
    )
    def test_a_restored_exchange_may_have_its_token_renewed_once_more(self, stored: tuple[Outcome, ...]) -> None:
        # It has another token store, whose token may be as old.
        call = ExchangeRun()
        call.tell(*stored, Restored(2.0))
        while not isinstance(call.actions[-1], Send):
            call.tell(Authorized(3.0) if isinstance(call.actions[-1], Authorize) else Woke(3.0))
        assert call.tell(answered(4.0, 401)) == Authorize(1, 34.0, Reason(Because.TOKEN_REJECTED))

    def test_a_restored_exchange_may_ask_for_a_first_token_once_more(self) -> None:
        call = ExchangeRun()
        call.tell(no_token(1.0), Restored(2.0), Authorized(3.0))
        assert call.tell(no_token(4.0)) == Authorize(None, 34.0, Reason(Because.NO_TOKEN))


class TestConflict:
    def test_409_to_a_keyed_submission_is_borne_for_10_seconds_and_is_no_attempt(self) -> None:
        call = ExchangeRun(SUBMISSION)
        at = 1.0
        while at < 11.0:
            assert isinstance(call.tell(answered(at, 409)), Sleep)
            assert isinstance(call.tell(Woke(at)), Send)
            assert call.state.tally.attempts == 1
            at += 0.5
        end = call.tell(answered(11.0, 409))
        assert isinstance(end, Answered)
        assert (end.response.status, end.seen) == (409, True)

    def test_the_seconds_of_a_conflict_count_from_the_first_one(self) -> None:
        call = ExchangeRun(SUBMISSION)
        call.tell(answered(1.0, 409), Woke(2.0), answered(5.0, 503), Woke(6.0))
        assert isinstance(call.tell(answered(11.0, 409)), Answered)

    @pytest.mark.parametrize("plan", [PLAN, BLIND, PLAN._replace(request=KEYED)])
    def test_409_to_others_is_their_answer(self, plan: Plan) -> None:
        assert isinstance(ExchangeRun(plan).tell(answered(1.0, 409)), Answered)

    def test_409_says_that_the_submission_was_seen(self) -> None:
        call = ExchangeRun(SUBMISSION)
        call.tell(answered(1.0, 409))
        assert maybe_seen(call.exchange, "no")


class TestSeen:
    @pytest.mark.parametrize(
        ("outcome", "seen"),
        [
            (answered(1.0, 503), True),
            (answered(1.0, 408), True),
            (answered(1.0, 429), False),
            (lost(1.0, "maybe"), True),
            (lost(1.0, "no"), False),
        ],
    )
    def test_whether_anything_may_have_begun_is_remembered_over_attempts(self, outcome: Outcome, seen: bool) -> None:
        call = ExchangeRun()
        call.tell(outcome)
        assert maybe_seen(call.exchange, "no") is seen
        call.wake()
        assert maybe_seen(call.exchange, "no") is seen
        assert maybe_seen(call.exchange, "maybe")
        end = call.tell(answered(9.0, 403))
        assert end.seen is seen

    def test_401_says_that_nothing_was_begun(self) -> None:
        call = ExchangeRun()
        call.tell(answered(1.0, 401))
        assert not maybe_seen(call.exchange, "no")
