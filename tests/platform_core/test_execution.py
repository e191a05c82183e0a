"""An execution from submission to its end (its polls: `test_execution_polling.py`)."""

from dataclasses import replace
from typing import Any

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.cancelling import Cancelling
from platform_core.cleanup import LastPoll, Learning
from platform_core.config import Settings
from platform_core.derive import derived_uuid
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionError,
    PlatformPermissionError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from platform_core.execution import EDGES, Polling, Ready, ReadyToWatch, Submitting, Waiting
from platform_core.handles import ExecutionHandle, OnAbandon
from platform_core.job import Known
from platform_core.machine import Ended, Operation
from platform_core.operations import cancel_execution
from platform_core.outcomes import Abandoned, Authorized, FailureCause, Outcome, Refused, Restored, Started, Woke
from platform_core.resuming import resume_execution
from platform_core.retry import RetryPolicy
from tests.support.core import (
    EXECUTION_ID,
    KEYLESS,
    ONE_ATTEMPT,
    REQUEST_ID,
    SEED,
    SETTINGS,
    answered,
    drive_with,
    heard,
    left,
    lost,
    record,
    targets,
)
from tests.support.executions import SUBMISSION, execute, handle, polling, watch
from tests.support.walking import differences, walk

STALE = lost(1.0, cause=FailureCause.DISCONNECTED, reused=True)


class TestReady:
    @pytest.mark.parametrize("outcome", [Started(0.0), Restored(0.0)])
    def test_ready_on_started_or_restored_goes_to_submitting_and_sends(self, outcome: Outcome) -> None:
        operation, action = execute().step(outcome)
        assert isinstance(operation, Submitting)
        assert isinstance(action, Send)
        assert targets([action.request]) == ["POST executions"]
        assert operation.seed == SEED

    @pytest.mark.parametrize("final", [False, True])
    def test_ready_on_abandoned_goes_to_ended_and_nothing_was_started(self, final: bool) -> None:
        assert execute().step(Abandoned(0.0, "no", final)) == (Ended(SEED), Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED)))


class TestSubmitting:
    @pytest.mark.parametrize("status", ["pending", "running", "hibernating"])
    def test_submitting_on_a_record_goes_to_waiting_and_sleeps(self, status: str) -> None:
        run = drive_with(execute(), answered(2.0, 202, record(status)))
        assert isinstance(run.operation, Waiting)
        assert run.operation.known == Known(EXECUTION_ID, since=2.0, known_at=2.0, sends=1, status=status)
        assert 2.045 <= run.action.until <= 2.05
        assert (run.action.cost, run.action.reason) == (0, Reason(Because.NOT_TERMINAL, status))

    def test_submitting_on_a_completed_record_goes_to_ended_and_is_done(self) -> None:
        run = drive_with(execute(), answered(2.0, 202, record("completed", result=1)))
        assert (run.operation, run.action) == (Ended(SEED), Done(record("completed", result=1), Reason(Because.TERMINAL, "completed")))

    def test_a_hint_of_the_submissions_answer_is_the_first_pause(self) -> None:
        assert drive_with(execute(), heard(2.0, "pending", {"Retry-After": "17"})).action.until == 19.0

    def test_submitting_on_a_later_status_stays_and_repeats_with_the_same_key_and_other_request_ids(self) -> None:
        run = drive_with(execute(), answered(1.0, 503), Woke(2.0), lost(3.0), Woke(4.0), STALE, answered(5.0, 401), Authorized(6.0))
        assert isinstance(run.operation, Submitting)
        assert len(run.requests) == 5
        assert {(each.headers.get("Idempotency-Key"), each.target, each.body.content) for each in run.requests} == {
            (str(SUBMISSION.key), SUBMISSION.target, SUBMISSION.body)
        }
        assert [each.headers.get(REQUEST_ID) for each in run.requests] == [str(derived_uuid(SEED, "request", each)) for each in range(5)]

    def test_409_is_borne_and_is_no_attempt(self) -> None:
        run = drive_with(execute(), answered(1.0, 409))
        for at in (2.0, 4.0, 6.0, 8.0, 10.9):
            run.tell(Woke(at), answered(at, 409))
        assert isinstance(run.action, Sleep)
        action = run.tell(Woke(11.0), answered(11.0, 409))
        assert (action.failure.error, action.failure.status_code) == (PlatformClientError, 409)
        assert action.failure.handle.submission == SUBMISSION

    def test_409_without_a_key_is_not_borne(self) -> None:
        action = drive_with(execute(KEYLESS), answered(1.0, 409)).action
        assert (action.failure.status_code, action.failure.handle) == (409, None)

    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            (lost(1.0), PlatformSubmissionUnknownError),
            (lost(1.0, cause=FailureCause.TIMEOUT), PlatformTimeoutError),
            (answered(1.0, 202, {"status": "pending"}), PlatformResponseError),
            (answered(1.0, 202), PlatformResponseError),
            (answered(1.0, 502), PlatformClientError),
            (answered(1.0, 503), PlatformClientError),
            (answered(1.0, 504), PlatformClientError),
            (answered(1.0, 500), PlatformExecutionError),
        ],
    )
    def test_a_submission_whose_fate_is_not_known_fails_with_the_handle_that_resumes_it(
        self, outcome: Outcome, error: type[PlatformClientError]
    ) -> None:
        action = drive_with(execute(ONE_ATTEMPT), outcome).action
        assert action.failure.error is error
        assert action.failure.handle == ExecutionHandle("code_block", None, SUBMISSION, 3599.0, 1, "cancel")

    @pytest.mark.parametrize("outcome", [answered(1.0, 400), answered(1.0, 403), answered(1.0, 422), answered(1.0, 429), lost(1.0, "no")])
    def test_a_submission_that_was_not_begun_fails_without_a_handle(self, outcome: Outcome) -> None:
        assert drive_with(execute(ONE_ATTEMPT), outcome).action.failure.handle is None

    def test_a_refusal_after_a_lost_attempt_keeps_the_handle(self) -> None:
        action = drive_with(execute(), lost(1.0), Woke(2.0), answered(3.0, 403)).action
        assert (action.failure.error, action.failure.handle.submission) == (PlatformPermissionError, SUBMISSION)

    def test_a_second_401_is_an_authentication_error(self) -> None:
        run = drive_with(execute(), answered(1.0, 401), Authorized(2.0), answered(3.0, 401, generation=2))
        assert (run.action.failure.error, run.action.failure.handle) == (PlatformAuthenticationError, None)

    def test_an_empty_budget_ends_with_the_last_failure(self) -> None:
        action = drive_with(execute(), answered(1.0, 503), Refused(1.0)).action
        assert (action.failure.status_code, action.failure.handle.submission) == (503, SUBMISSION)

    def test_submitting_on_restored_submits_again_at_once_with_the_same_key(self) -> None:
        run = drive_with(execute(), Restored(1.0))
        assert run.action.request.headers.get("Idempotency-Key") == str(SUBMISSION.key)
        assert isinstance(run.operation, Submitting)

    def test_submitting_on_restored_without_a_key_goes_to_ended_and_is_unknown(self) -> None:
        action = drive_with(execute(KEYLESS), Restored(1.0)).action
        assert (action.failure.error, action.failure.handle) == (PlatformSubmissionUnknownError, None)


class TestSubmittingLeft:
    def test_at_the_deadline_what_may_have_started_is_learned_to_be_cancelled(self) -> None:
        run = drive_with(execute(timeout_seconds=10.0), lost(40.0))
        assert isinstance(run.operation, Learning)
        assert run.action.request.headers.get("Idempotency-Key") == str(SUBMISSION.key)

    @pytest.mark.parametrize("settings", [SETTINGS, KEYLESS])
    def test_at_the_deadline_a_detached_one_ends_in_the_timeout_error(self, settings: Settings) -> None:
        action = drive_with(execute(settings, "detach", timeout_seconds=10.0), lost(40.0)).action
        assert isinstance(action, Raise)
        assert action.failure.error is PlatformTimeoutError
        assert action.failure.message.startswith("no answer to the submission before the deadline; last failure: the connection broke")
        assert (action.failure.handle is None) is (settings is KEYLESS)

    def test_at_the_deadline_what_was_not_handed_on_just_fails(self) -> None:
        action = drive_with(execute(timeout_seconds=10.0), lost(40.0, "no")).action
        assert (action.failure.error, action.failure.handle) == (PlatformConnectionError, None)

    def test_a_pause_that_would_pass_the_deadline_is_not_begun(self) -> None:
        action = drive_with(execute(timeout_seconds=10.0), answered(1.0, 503, headers={"Retry-After": "39"})).action
        assert (action.failure.error, action.failure.retry_after) == (PlatformClientError, 39.0)
        assert action.failure.handle.submission.key == SUBMISSION.key

    @pytest.mark.parametrize("final", [False, True])
    @pytest.mark.parametrize("outcomes", [(), (answered(1.0, 429), Woke(2.0)), (answered(1.0, 401),), (lost(1.0, "no"),)])
    def test_submitting_on_abandoned_before_anything_was_handed_on_was_never_started(
        self, final: bool, outcomes: tuple[Outcome, ...]
    ) -> None:
        assert drive_with(execute(), *outcomes, left(3.0, "no", final=final)).action.report == Report(Fate.NEVER_STARTED)

    @pytest.mark.parametrize("outcomes", [(), (lost(1.0),), (answered(1.0, 503),), (answered(1.0, 503), Woke(2.0))])
    def test_submitting_on_abandoned_goes_to_learning_and_sends_the_same_submission(self, outcomes: tuple[Outcome, ...]) -> None:
        run = drive_with(execute(), *outcomes)
        run.tell(left(3.0, "no" if outcomes else "maybe"))
        assert isinstance(run.operation, Learning)
        assert {(each.target, each.body.content, each.headers.get("Idempotency-Key")) for each in run.requests} == {
            (SUBMISSION.target, SUBMISSION.body, str(SUBMISSION.key))
        }

    @pytest.mark.parametrize(("on_abandon", "final"), [("detach", False), ("detach", True), ("cancel", True)])
    def test_submitting_on_abandoned_with_detach_or_finally_is_unknown_with_the_handle(self, on_abandon: OnAbandon, final: bool) -> None:
        report = drive_with(execute(on_abandon=on_abandon), left(3.0, final=final)).action.report
        assert report == Report(Fate.UNKNOWN, ExecutionHandle("code_block", None, SUBMISSION, 3597.0, 1, on_abandon))

    @pytest.mark.parametrize("final", [False, True])
    def test_submitting_on_abandoned_without_a_key_is_unknown_without_a_handle(self, final: bool) -> None:
        assert drive_with(execute(KEYLESS), left(3.0, final=final)).action.report == Report(Fate.UNKNOWN)


class TestDeadline:
    @pytest.mark.parametrize(
        ("operation", "seconds"),
        [
            (execute(), 3600.0),
            (execute(timeout_seconds=0.5), 30.5),
            (execute(timeout_seconds=300.0), 330.0),
            (watch(), 3600.0),
            (watch(7.0), 7.0),
        ],
    )
    def test_a_run_ends_by_its_own_deadline(self, operation: Operation[Any], seconds: float) -> None:
        run = drive_with(operation)
        if "POST executions" in targets(run.requests):
            run.tell(heard(0.0, "pending"))
            run.wake()
        action = run.tell(heard(seconds - 0.001, headers={"Retry-After": "9"}))
        assert action.until == seconds
        run.wake()
        assert isinstance(run.operation, LastPoll)

    @pytest.mark.parametrize(("timeout_seconds", "poll_seconds"), [(300.0, 30.0), (20.0, 20.0)])
    def test_a_poll_takes_at_most_30_seconds_and_the_submission_the_timeout(self, timeout_seconds: float, poll_seconds: float) -> None:
        run = drive_with(execute(Settings(timeout_seconds=timeout_seconds)))
        assert run.action.deadline == timeout_seconds
        run.tell(heard(0.0))
        assert run.tell(Woke(1.0)).deadline == 1.0 + poll_seconds

    def test_no_request_outlasts_the_deadline(self) -> None:
        run = drive_with(execute(timeout_seconds=10.0))
        assert run.action.deadline == 40.0
        run.tell(heard(35.0))
        assert run.tell(Woke(36.0)).deadline == 40.0

    def test_polling_at_the_deadline_goes_to_cancelling_and_sends_the_cancel(self) -> None:
        run = polling(timeout_seconds=10.0)
        assert targets([run.tell(lost(40.0)).request]) == ["POST cancel"]
        assert isinstance(run.operation, Cancelling)

    def test_polling_at_the_deadline_with_detach_ends_in_the_error_which_carries_the_last_failure_and_the_handle(self) -> None:
        run = polling(timeout_seconds=10.0, on_abandon="detach")
        failure = run.tell(heard(2.0), Woke(3.0), answered(40.0, 503)).failure
        assert failure.error is PlatformTimeoutError
        assert failure.message == (
            "the execution did not end within 40 s; last heard status: running; last failure: the platform gave no message"
        )
        assert (failure.status_code, failure.handle, failure.attempts) == (503, handle(0.0, 3, "detach"), 3)

    def test_a_submission_that_is_answered_at_the_deadline_is_cancelled(self) -> None:
        run = drive_with(execute(timeout_seconds=10.0), heard(40.0, "pending"))
        assert targets([run.action.request]) == ["POST cancel"]

    def test_a_verdict_that_comes_at_the_deadline_counts(self) -> None:
        assert isinstance(polling(timeout_seconds=10.0).tell(heard(40.0, "completed")), Done)


class TestReadyToWatch:
    @pytest.mark.parametrize("outcome", [Started(0.0), Restored(0.0)])
    def test_ready_to_watch_on_started_or_restored_goes_to_polling_and_sends(self, outcome: Outcome) -> None:
        operation, action = watch().step(outcome)
        assert isinstance(operation, Polling)
        assert isinstance(action, Send)
        assert targets([action.request]) == [f"GET {EXECUTION_ID}"]

    @pytest.mark.parametrize("final", [False, True])
    def test_ready_to_watch_on_abandoned_goes_to_ended_and_leaves_it_running(self, final: bool) -> None:
        report = Report(Fate.LEFT, ExecutionHandle("execution", EXECUTION_ID, None, 3600.0, 0, "detach"))
        assert watch().step(Abandoned(0.0, "no", final)) == (Ended(SEED), Gone(report, Reason(Because.LEFT_RUNNING)))

    @pytest.mark.parametrize("final", [False, True])
    def test_one_that_would_be_cancelled_is_left_running_too_where_nothing_was_sent_yet(self, final: bool) -> None:
        resumed = resume_execution(handle(40.0, 0), seed=SEED)
        _, action = resumed.step(Abandoned(0.0, "no", final))
        assert isinstance(action, Gone)
        assert (action.report.fate, action.reason) == (Fate.LEFT, Reason(Because.LEFT_RUNNING))

    @pytest.mark.parametrize("final", [False, True])
    def test_an_await_never_cancels_when_left(self, final: bool) -> None:
        run = drive_with(watch(), heard(1.0), left(2.0, "no", final=final))
        assert (run.action.report.fate, targets(run.requests)) == (Fate.LEFT, [f"GET {EXECUTION_ID}"])

    def test_an_await_never_cancels_at_its_deadline(self) -> None:
        run = drive_with(watch(7.0), heard(1.0), Woke(7.0), heard(7.1))
        assert isinstance(run.action, Raise)
        assert run.action.failure.error is PlatformTimeoutError
        assert "POST cancel" not in targets(run.requests)

    def test_an_await_ends_in_the_verdict_of_its_last_poll(self) -> None:
        assert isinstance(drive_with(watch(7.0), heard(1.0), Woke(7.0), heard(7.1, "completed")).action, Done)


def test_the_same_seed_makes_the_same_run() -> None:
    outcomes = (lost(1.0), Woke(2.0), heard(3.0), Woke(4.0), heard(4.0), left(5.0, "no"), answered(5.0, 400), heard(5.0, "completed"))
    first, second = drive_with(execute(), *outcomes), drive_with(execute(), *outcomes)
    assert (first.operation, first.actions) == (second.operation, second.actions)


def test_the_states_before_the_start_are_two() -> None:
    assert isinstance(execute(), Ready)
    assert isinstance(watch(), ReadyToWatch)
    assert (execute().seed, watch().seed) == (SEED, SEED)


def test_the_edges_are_as_declared() -> None:
    settings = Settings(retry=RetryPolicy(attempts_max=2))
    shortened: list[Any] = []
    for operation in (execute(settings), execute(settings, "detach"), execute(settings._replace(idempotent_submissions=False))):
        state: Any = operation
        shortened.append(replace(state, job=state.job._replace(seconds=20.0)))
    cancel: Any = cancel_execution(EXECUTION_ID, seed=SEED, settings=settings)
    cancel = replace(cancel, cancel=cancel.cancel._replace(goal=replace(cancel.cancel.goal, ends_at=20.0)))
    found = walk([*shortened, watch(20.0), cancel], (0.0, 11.0, 20.0, 25.0), EDGES)
    assert differences(found, EDGES) == []
