"""What stays the same for a whole run, and what it knows of the platform's side."""

import pytest

from platform_core.errors import Failure, PlatformConnectionError
from platform_core.handles import ExecutionHandle, Submission
from platform_core.job import Job, Known
from platform_core.messages import Request
from platform_core.retry import RetryPolicy
from tests.support.core import EXECUTION_ID, SEED, SETTINGS, record

JOB = Job(SEED, "agent", SETTINGS, 60.0, 1.0, "cancel")
KNOWN = Known(EXECUTION_ID, since=1.0, known_at=2.0, sends=3, status="running", last=Failure(PlatformConnectionError, "lost"))


def test_a_handle_names_an_execution_by_its_id_once_that_is_known() -> None:
    assert JOB.handle(EXECUTION_ID, 20.0, 7) == ExecutionHandle("agent", EXECUTION_ID, None, 40.0, 7, "cancel")


def test_a_handle_holds_the_submission_as_long_as_no_id_is_known() -> None:
    submission = Submission(SEED, "/api/v1/agents/a/executions", b"{}")
    assert JOB.handle(submission, 20.0, 7) == ExecutionHandle("agent", None, submission, 40.0, 7, "cancel")


def test_no_time_is_left_after_the_deadline() -> None:
    assert JOB.handle(EXECUTION_ID, 61.0, 7).seconds_left == 0.0


def test_a_poll_is_one_attempt_and_free_of_cost() -> None:
    request = Request("GET", "/api/v1/x")
    plan = JOB.single(request, 50.0, 30.0)
    assert plan.request is request
    assert (plan.policy, plan.cost, plan.harmless, plan.bears_conflict) == (RetryPolicy(attempts_max=1), 0, True, False)
    assert (plan.seed, plan.deadline, plan.request_seconds_max, plan.limits) == (SEED, 50.0, 30.0, SETTINGS.limits)


@pytest.mark.parametrize(
    ("before", "reported", "after"),
    [
        (None, "pending", "pending"),
        ("pending", "running", "running"),
        ("running", "pending", "running"),
        ("running", "hibernating", "hibernating"),
        ("hibernating", "running", "running"),
    ],
)
def test_what_is_heard_advances_the_status_but_never_sets_it_back(before: str | None, reported: str, after: str) -> None:
    heard = record(reported)
    assert KNOWN._replace(status=before).after(heard, 9.0, 4) == Known(EXECUTION_ID, 1.0, 9.0, 4, after, None)
