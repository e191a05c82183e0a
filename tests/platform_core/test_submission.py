"""The request that starts an execution, and the errors of one whose fate is not known."""

import pytest

from platform_core.actions import Because, Raise, Reason
from platform_core.derive import idempotency_key
from platform_core.errors import (
    Failure,
    PlatformClientError,
    PlatformConnectionError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
)
from platform_core.errors import PlatformTimeoutError as Late
from platform_core.handles import Submission
from platform_core.job import Job
from platform_core.machine import Ended
from platform_core.messages import Headers, Inline, Request
from platform_core.retry import IDEMPOTENCY_KEY
from platform_core.submission import submission_failed, submission_of, submission_plan
from tests.support.core import SEED, SETTINGS

KEYLESS = Request("POST", "/api/v1/agents/a/executions", body=Inline(b'{"input_data":{}}'))
KEYED = KEYLESS._replace(headers=Headers(((IDEMPOTENCY_KEY, str(idempotency_key(SEED))),)))
JOB = Job(SEED, "agent", SETTINGS, 60.0, 1.0, "cancel")
LOST = Failure(PlatformConnectionError, "lost", attempts=4, elapsed=12.0, sent="maybe")


@pytest.mark.parametrize(("request_", "keyed"), [(KEYED, True), (KEYLESS, False)])
def test_a_key_makes_repeating_harmless_and_a_conflict_bearable(request_: Request, keyed: bool) -> None:
    plan = submission_plan(SEED, request_, SETTINGS, 99.0)
    assert (plan.seed, plan.request, plan.limits) == (SEED, request_, SETTINGS.limits)
    assert (plan.harmless, plan.bears_conflict) == (keyed, keyed)
    assert (plan.cost, plan.policy, plan.deadline, plan.request_seconds_max) == (5, SETTINGS.retry, 99.0, 300.0)


def test_a_keyed_submission_can_be_sent_again_byte_for_byte() -> None:
    assert submission_of(KEYED) == Submission(idempotency_key(SEED), KEYED.target, KEYED.body.content)


def test_one_without_a_key_cannot_be_sent_again() -> None:
    assert submission_of(KEYLESS) is None


def test_a_refused_submission_fails_without_a_handle() -> None:
    failure = Failure(PlatformClientError, "no such agent", status_code=422)
    assert submission_failed(JOB, KEYED, failure, seen=False) == (Ended(SEED), Raise(failure, Reason(Because.STATUS, "422")))


@pytest.mark.parametrize(
    ("failure", "error", "reason"),
    [
        (LOST, PlatformSubmissionUnknownError, Reason(Because.FAILURE, "lost")),
        (LOST._replace(error=Late), Late, Reason(Because.FAILURE, "lost")),
        (LOST._replace(error=PlatformResponseError, status_code=202), PlatformResponseError, Reason(Because.STATUS, "202")),
        (LOST._replace(error=PlatformClientError, status_code=503), PlatformClientError, Reason(Because.STATUS, "503")),
    ],
)
def test_a_submission_whose_fate_is_not_known_fails_with_the_handle_that_resumes_it(
    failure: Failure, error: type[PlatformClientError], reason: Reason
) -> None:
    ended, action = submission_failed(JOB, KEYED, failure, seen=True)
    assert ended == Ended(SEED)
    handle = JOB.handle(Submission(idempotency_key(SEED), KEYED.target, KEYED.body.content), 12.0, 4)
    assert action == Raise(failure._replace(error=error, handle=handle), reason)


def test_without_a_key_its_fate_is_not_known_and_nothing_resumes_it() -> None:
    _, action = submission_failed(JOB, KEYLESS, LOST, seen=True)
    assert action == Raise(LOST._replace(error=PlatformSubmissionUnknownError), Reason(Because.FAILURE, "lost"))
