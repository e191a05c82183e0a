"""One logical call whose body is external: what cannot be sent twice is sent once, and the error says so."""

import pytest

from platform_core.actions import Authorize, Send, Sleep
from platform_core.exchange import Answered, Unanswered
from platform_core.messages import External, Request
from platform_core.outcomes import Authorized, Outcome, Restored, Woke
from tests.support.core import answered, lost, no_token, token_refused
from tests.support.exchanges import PLAN, ExchangeRun

ONCE = PLAN._replace(request=Request("PUT", "/api/v1/x", body=External(7, replayable=False)))
AGAIN = PLAN._replace(request=Request("PUT", "/api/v1/x", body=External(None, replayable=True)))
REASON = "; it was not tried again, since its body cannot be sent twice"


@pytest.mark.parametrize(
    "outcome", [answered(1.0, 503), answered(1.0, 429), answered(1.0, 401), lost(1.0, sent="no"), lost(1.0), Restored(1.0)], ids=repr
)
def test_what_would_be_tried_again_is_not_where_the_body_cannot_be_sent_twice(outcome: Outcome) -> None:
    assert isinstance(ExchangeRun(AGAIN).tell(outcome), (Sleep, Authorize, Send))
    end = ExchangeRun(ONCE).tell(outcome)
    assert isinstance(end, Unanswered)
    assert end.failure.message.endswith(REASON)
    assert end.failure.attempts == 1
    assert end.passing, "but for its body it would be tried again"
    assert end.seen is not (outcome in (answered(1.0, 429), answered(1.0, 401), lost(1.0, sent="no")))


def test_the_error_keeps_what_the_platform_said() -> None:
    end = ExchangeRun(ONCE).tell(answered(1.0, 503, {"message": "busy"}))
    assert (end.failure.message, end.failure.status_code) == (f"busy{REASON}", 503)


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_an_answer_that_is_never_repeated_says_nothing_of_the_body(status: int) -> None:
    once, again = (ExchangeRun(plan).tell(answered(1.0, status)) for plan in (ONCE, AGAIN))
    assert isinstance(once, Answered)
    assert once == again._replace(plan=ONCE)


def test_a_body_waits_for_the_first_token_since_nothing_was_asked_for_it() -> None:
    call = ExchangeRun(ONCE)
    call.tell(no_token(1.0), token_refused(2.0))
    assert isinstance(call.wake(), Send)
    assert isinstance(call.tell(no_token(10.0), Authorized(11.0)), Send)
    assert isinstance(call.tell(lost(12.0)), Unanswered)


def test_a_body_that_can_be_sent_twice_is_sent_again_as_any_other() -> None:
    call = ExchangeRun(AGAIN)
    call.tell(answered(1.0, 503), Woke(2.0))
    assert [request.body for request in call.requests] == [AGAIN.request.body] * 2
