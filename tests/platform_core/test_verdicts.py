"""What an answer says about an execution, and the ends of a run."""

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report
from platform_core.derive import request_id
from platform_core.errors import (
    CallFacts,
    Failure,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from platform_core.exchange import Answered, Unanswered
from platform_core.job import Job, Known
from platform_core.machine import Ended
from platform_core.messages import Request, Response
from platform_core.verdicts import Heard, Unheard, conclude, deadline_failure, fail, gone, verdict
from tests.support.core import EXECUTION_ID, SEED, SETTINGS, record, response

LOST = Failure(PlatformConnectionError, "lost", attempts=3, elapsed=7.0)
JOB = Job(SEED, "agent", SETTINGS, 60.0, 1.0, "cancel")
KNOWN = Known(EXECUTION_ID, since=0.0, known_at=0.0, sends=9)
OTHER_ID = "other"


PLAN = JOB.single(Request("GET", "/api/v1/executions/x"), 60.0, 30.0)
FACTS = CallFacts("GET", "/api/v1/executions/x", request_id(SEED, 2), 3, 7.0)


def answer(answered: Response) -> Answered:
    return Answered(7.0, answered, PLAN, 3, seen=True)


def test_a_record_is_heard_whatever_its_status() -> None:
    end = answer(response(200, record("hibernating")))
    assert verdict(end, SETTINGS.limits, EXECUTION_ID) == Heard(record("hibernating"), 7.0, 3, end)


def test_the_record_of_a_submission_may_have_any_id() -> None:
    assert isinstance(verdict(answer(response(202, record("pending", OTHER_ID))), SETTINGS.limits, None), Heard)


@pytest.mark.parametrize("content", [record("running", OTHER_ID), {"status": "running"}, [], record("")])
def test_nonsense_is_not_heard_and_not_passing(content: object) -> None:
    word = verdict(answer(response(200, content)), SETTINGS.limits, EXECUTION_ID)
    assert isinstance(word, Unheard)
    assert (word.failure.error, word.status, word.passing, word.sends, word.at) == (PlatformResponseError, 200, False, 3, 7.0)


@pytest.mark.parametrize(
    ("status", "error", "passing"),
    [
        (408, PlatformClientError, True),
        (429, PlatformClientError, True),
        (502, PlatformClientError, True),
        (503, PlatformClientError, True),
        (504, PlatformClientError, True),
        (400, PlatformClientError, False),
        (404, PlatformNotFoundError, False),
        (409, PlatformClientError, False),
        (500, PlatformExecutionError, False),
    ],
)
def test_an_error_status_is_passing_where_it_says_later(status: int, error: type[PlatformClientError], passing: bool) -> None:
    word = verdict(answer(response(status, {"message": "no"})), SETTINGS.limits, EXECUTION_ID)
    assert isinstance(word, Unheard)
    assert (word.failure.error, word.failure.message, word.status, word.passing) == (error, "no", status, passing)
    assert (word.at, word.sends) == (7.0, 3)


@pytest.mark.parametrize(("failure", "status"), [(LOST, 0), (LOST._replace(status_code=401), 401)])
def test_without_an_answer_the_exchange_says_whether_it_is_passing(failure: Failure, status: int) -> None:
    end = Unanswered(7.0, failure, 3, seen=True, passing=True)
    assert verdict(end, SETTINGS.limits, EXECUTION_ID) == Unheard(failure, 7.0, 3, passing=True, status=status)


def test_a_completed_execution_concludes_with_its_record() -> None:
    found = record("completed", result=7, more="kept")
    assert conclude(JOB, Heard(found, 7.0, 3, answer(response(200, found)))) == (
        Ended(SEED),
        Done(found, Reason(Because.TERMINAL, "completed")),
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [("failed", PlatformExecutionError), ("timeout", PlatformExecutionTimeoutError), ("cancelled", PlatformExecutionCancelledError)],
)
def test_another_end_concludes_with_its_error_which_carries_record_and_handle(status: str, error: type[PlatformClientError]) -> None:
    found = record(status, error={"code": "C", "message": "boom"})
    state, action = conclude(JOB, Heard(found, 7.0, 3, answer(response(200, found))))
    assert state == Ended(SEED)
    assert isinstance(action, Raise)
    assert action.reason == Reason(Because.TERMINAL, status)
    exception = action.failure.exception()
    assert type(exception) is error
    assert (exception.message, exception.code, exception.execution, exception.status_code) == ("boom", "C", found, None)
    assert exception.handle == JOB.handle(EXECUTION_ID, 7.0, 3)
    assert (exception.method, exception.path, exception.request_id) == (FACTS.method, FACTS.path, FACTS.request_id)


def test_a_failure_of_a_run_carries_the_handle() -> None:
    reason = Reason(Because.FAILURE)
    assert fail(JOB, LOST, EXECUTION_ID, reason) == (Ended(SEED), Raise(LOST._replace(handle=JOB.handle(EXECUTION_ID, 7.0, 3)), reason))


def test_a_run_that_was_left_is_gone_with_its_report() -> None:
    report = Report(Fate.NEVER_STARTED)
    assert gone(SEED, report, Because.ABANDONED) == (Ended(SEED), Gone(report, Reason(Because.ABANDONED)))


def test_a_passed_deadline_says_what_was_last_heard() -> None:
    assert deadline_failure(JOB, KNOWN, 61.0) == Failure(
        PlatformTimeoutError,
        "the execution did not end within 60 s; last heard status: none",
        request_id=request_id(SEED, 8),
        method="GET",
        path=f"/api/v1/executions/{EXECUTION_ID}",
        attempts=9,
        elapsed=61.0,
    )
    assert deadline_failure(JOB, KNOWN._replace(status="running"), 61.0).message.endswith("last heard status: running")


def test_a_passed_deadline_carries_the_last_failure() -> None:
    last = Failure(PlatformClientError, "try later", status_code=503, retry_after=7.0, attempts=8, elapsed=59.0)
    assert deadline_failure(JOB, KNOWN._replace(status="running", last=last), 61.0) == last._replace(
        error=PlatformTimeoutError,
        message="the execution did not end within 60 s; last heard status: running; last failure: try later",
        attempts=9,
        elapsed=61.0,
    )
