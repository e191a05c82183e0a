"""Going on elsewhere: when the clock of a stored operation goes on, and what is behind a handle."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from platform_core.actions import Fate, Gone, Raise, Report, Send
from platform_core.config import Settings
from platform_core.errors import (
    Failure,
    PlatformClientError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformSubmissionUnknownError,
)
from platform_core.execution import ReadyToWatch
from platform_core.handles import ExecutionHandle, Submission
from platform_core.limits import Limits
from platform_core.outcomes import FailureCause, Outcome, Restored, Started
from platform_core.resuming import end_of_left, first_outcome, handle_of_id, handle_of_record, handle_of_run, resume_execution
from platform_core.retry import RetryPolicy
from tests.support.core import EXECUTION_ID, OTHER_SEED, SEED, answered, drive_with, heard, left, lost, record
from tests.support.leaving import SUBMISSION, execute, handle
from tests.support.stored import stored_runs

RUNS = stored_runs()
BEGAN_AT = {
    "submitting": 0.0,
    "submitting, in a pause": 1.0,
    "submitting, while the token is renewed": 0.25,
    "submitting, with a new token": 0.5,
    "waiting": 1.0,
    "polling": 0.0,
    "polling, without a token": 0.5,
    "learning": 1.0,
    "learn pausing": 1.5,
    "last poll": 40.0,
    "cancelling": 1.0,
    "rereading": 1.5,
    "cancel pausing": 1.5,
    "a cancel, in a pause": 2.0,
    "a call": 0.0,
    "a call for a status": 0.75,
}


@pytest.mark.parametrize(("name", "at"), BEGAN_AT.items())
def test_what_was_under_way_goes_on_when_it_was_stored(name: str, at: float) -> None:
    assert first_outcome(RUNS[name]) == Restored(at)


@pytest.mark.parametrize("name", ["ready", "ready to watch", "ready to cancel", "ready to submit", "ready to call"])
def test_what_has_not_begun_is_started(name: str) -> None:
    assert first_outcome(RUNS[name]) == Started(0.0)


@pytest.mark.parametrize("name", BEGAN_AT)
def test_restored_once_more_it_goes_on_at_the_same_time(name: str) -> None:
    first = first_outcome(RUNS[name])
    again, _ = RUNS[name].step(first)
    assert first_outcome(again) == first
    later, _ = RUNS[name].step(Restored(first.at + 0.125))
    assert first_outcome(later) == Restored(first.at + 0.125)


class TestHandleOfRecord:
    @pytest.mark.parametrize("kind", ["code_block", "agent", "workflow"])
    def test_it_names_the_execution_and_its_kind(self, kind: str) -> None:
        found = handle_of_record(record("pending", component_type=kind))
        assert (found.kind, found.execution_id, found.submission) == (kind, EXECUTION_ID, None)
        assert (found.seconds_left, found.attempts, found.on_abandon) == (3600.0, 0, "detach")

    @pytest.mark.parametrize("fields", [{}, {"component_type": "tool"}, {"component_type": ["agent"]}, {"component_type": None}])
    def test_a_kind_that_is_not_known_is_an_execution(self, fields: dict[str, Any]) -> None:
        assert handle_of_record(record("pending", **fields)).kind == "execution"

    @pytest.mark.parametrize("found", [None, "e", 5, [("execution_id", "e")]])
    def test_what_is_no_record_is_refused(self, found: Any) -> None:
        with pytest.raises(TypeError, match=rf"^record must be an execution record, not {type(found).__name__}$"):
            handle_of_record(found)

    @pytest.mark.parametrize("found", [{}, {"execution_id": None}, {"execution_id": 5}, {"execution_id": ""}, {"execution_id": ".."}])
    def test_a_record_without_a_usable_id_is_refused_by_name(self, found: Any) -> None:
        with pytest.raises((TypeError, ValueError), match=r"^record\['execution_id'\] must "):
            handle_of_record(found)


class TestHandleOfId:
    def test_it_is_that_of_a_record_whose_kind_is_not_known(self) -> None:
        assert handle_of_id(EXECUTION_ID) == handle_of_id(UUID(EXECUTION_ID)) == handle_of_record({"execution_id": EXECUTION_ID})

    def test_one_that_cannot_be_used_is_refused_by_the_name_it_was_given_under(self) -> None:
        with pytest.raises(ValueError, match=r"^ids\[3\] must "):
            handle_of_id("..", "ids[3]")
        with pytest.raises(ValueError, match=r"^execution_id must "):
            handle_of_id("..")


class TestHandleOfRun:
    @pytest.mark.parametrize("name", ["ready", "ready to submit"])
    def test_what_was_never_sent_has_none(self, name: str) -> None:
        assert handle_of_run(RUNS[name]) is None

    @pytest.mark.parametrize("name", ["waiting", "polling", "last poll", "cancelling", "rereading", "cancel pausing", "a cancel"])
    def test_it_names_the_execution_as_soon_as_that_is_known(self, name: str) -> None:
        found = handle_of_run(RUNS[name])
        assert found is not None
        assert (found.execution_id, found.submission) == (EXECUTION_ID if name != "polling" else "e", None)

    @pytest.mark.parametrize("name", ["submitting", "submitting, in a pause", "learning", "learn pausing"])
    def test_before_that_it_has_the_submission_with_its_key(self, name: str) -> None:
        found = handle_of_run(RUNS[name])
        assert found is not None
        assert (found.execution_id, found.submission) == (None, SUBMISSION)

    @pytest.mark.parametrize(("name", "seconds_left"), [("submitting", 40.0), ("submitting, in a pause", 39.0), ("waiting", 39.0)])
    def test_it_has_the_time_that_was_left_when_the_run_was_stored(self, name: str, seconds_left: float) -> None:
        found = handle_of_run(RUNS[name])
        assert found is not None
        assert found.seconds_left == seconds_left

    def test_a_submission_alone_has_it_as_well(self) -> None:
        found = handle_of_run(RUNS["a submission"])
        assert found is not None
        assert found.submission is not None


class TestWhatWasLeft:
    def test_the_platforms_word_counts_as_for_any_other_run(self) -> None:
        completed = record("completed")
        assert end_of_left(Report(Fate.FINISHED, handle(1.0, 1), completed)) == completed

    @pytest.mark.parametrize(
        ("fate", "status", "error"),
        [
            (Fate.CANCELLED, "cancelled", PlatformExecutionCancelledError),
            (Fate.FINISHED, "failed", PlatformExecutionError),
            (Fate.FINISHED, "timeout", PlatformExecutionTimeoutError),
        ],
    )
    def test_another_end_is_its_error_with_record_and_handle(self, fate: Fate, status: str, error: type[Exception]) -> None:
        end = end_of_left(Report(fate, handle(1.0, 1), record(status)))
        assert isinstance(end, Failure)
        assert (end.error, end.handle) == (error, handle(1.0, 1))
        assert (end.method, end.path) == ("GET", f"/api/v1/executions/{EXECUTION_ID}")
        assert end.exception().execution == record(status)

    def test_what_was_not_heard_is_an_error_with_the_handle(self) -> None:
        end = end_of_left(Report(Fate.UNKNOWN, handle(1.0, 1)))
        assert isinstance(end, Failure)
        assert (end.error, end.handle) == (PlatformClientError, handle(1.0, 1))
        assert end.message.startswith("the run had been left when it was stored: what became of execution ")


class TestResume:
    def test_by_an_id_it_is_awaited_under_the_same_terms(self) -> None:
        operation: Any = resume_execution(handle(120.0, 3), seed=OTHER_SEED)
        assert isinstance(operation, ReadyToWatch)
        assert (operation.execution_id, operation.job.seed, operation.job.kind) == (EXECUTION_ID, OTHER_SEED, "code_block")
        assert (operation.job.seconds, operation.job.on_abandon) == (120.0, "cancel")

    def test_by_a_submission_the_same_bytes_are_sent_with_the_same_key(self) -> None:
        first = drive_with(execute(), lost(1.0)).requests[0]
        operation = resume_execution(handle(120.0, 3, SUBMISSION), seed=OTHER_SEED)
        again = drive_with(operation).action
        assert isinstance(again, Send)
        assert (again.request.method, again.request.target, again.request.body) == (first.method, first.target, first.body)
        assert again.request.headers.get("Idempotency-Key") == first.headers.get("Idempotency-Key") == str(SUBMISSION.key)
        assert again.request.headers.get("Content-Type") == "application/json"
        assert again.request.headers.get("X-Request-ID") != first.headers.get("X-Request-ID")

    def test_it_ends_as_the_run_would_have(self) -> None:
        run = drive_with(resume_execution(handle(120.0, 3, SUBMISSION), seed=SEED), answered(1.0, 503))
        run.wake()
        run.tell(heard(2.0, "pending"), left(3.0, "no"))
        assert run.action.request.target.endswith("/cancel")

    @pytest.mark.parametrize("end", [answered(1.0, 403), answered(1.0, 404), answered(1.0, 500), answered(1.0, 422)])
    def test_whoever_left_the_handle_may_have_started_it_so_a_refusal_of_the_first_request_leaves_it_again(self, end: Outcome) -> None:
        run = drive_with(resume_execution(handle(120.0, 3, SUBMISSION), seed=OTHER_SEED), end)
        assert isinstance(run.action, Raise)
        assert run.action.failure.handle == handle(119.0, 1, SUBMISSION)

    def test_a_connection_that_is_never_made_ends_as_a_submission_whose_fate_is_not_known(self) -> None:
        settings = Settings(retry=RetryPolicy(attempts_max=1))
        operation = resume_execution(handle(120.0, 3, SUBMISSION), seed=SEED, settings=settings)
        run = drive_with(operation, lost(1.0, "no", FailureCause.CONNECT))
        assert isinstance(run.action, Raise)
        assert run.action.failure.error is PlatformSubmissionUnknownError
        assert run.action.failure.handle == handle(119.0, 1, SUBMISSION)

    @pytest.mark.parametrize("attempts_max", [1, 2])
    def test_it_is_sent_as_often_as_a_policy_admits_attempts(self, attempts_max: int) -> None:
        settings = Settings(retry=RetryPolicy(attempts_max=attempts_max))
        run = drive_with(resume_execution(handle(120.0, 3, SUBMISSION), seed=SEED, settings=settings))
        for _ in range(attempts_max - 1):
            run.tell(lost(1.0, "no", FailureCause.CONNECT))
            run.wake()
        run.tell(lost(100.0, "no", FailureCause.CONNECT))
        assert isinstance(run.action, Raise)
        assert len(run.requests) == attempts_max

    def test_who_leaves_it_before_its_first_request_is_not_told_that_nothing_was_started(self) -> None:
        operation = resume_execution(handle(120.0, 3, SUBMISSION), seed=SEED)
        assert handle_of_run(operation) == handle(120.0, 0, SUBMISSION)
        _, action = operation.step(left(0.0, "no", final=True))
        assert isinstance(action, Gone)
        assert action.report == Report(Fate.UNKNOWN, handle(120.0, 0, SUBMISSION))
        run = drive_with(operation, left(1.0, "no", final=True))
        assert isinstance(run.action, Gone)
        assert run.action.report == Report(Fate.UNKNOWN, handle(119.0, 1, SUBMISSION))

    def test_who_leaves_it_between_two_refusals_has_it_cancelled(self) -> None:
        run = drive_with(resume_execution(handle(120.0, 3, SUBMISSION), seed=SEED), answered(1.0, 429), left(1.1, "no"), heard(1.2))
        assert run.action.request.target.endswith("/cancel")

    def test_however_little_time_is_left_there_is_enough_for_a_verdict(self) -> None:
        operation: Any = resume_execution(handle(0.0, 3), seed=SEED)
        assert operation.job.seconds == 30.0

    def test_a_handle_that_was_read_is_as_good(self) -> None:
        for known in (EXECUTION_ID, SUBMISSION):
            made = handle(50.0, 1, known, "detach")
            read = ExecutionHandle.from_json(made.to_json())
            assert resume_execution(read, seed=SEED) == resume_execution(made, seed=SEED)

    @pytest.mark.parametrize("given", [None, "e", EXECUTION_ID, handle(1.0, 1).to_json(), handle(1.0, 1).to_dict()])
    def test_what_is_no_handle_is_refused(self, given: Any) -> None:
        with pytest.raises(
            TypeError, match=rf"^handle must be an ExecutionHandle, not {type(given).__name__}: ExecutionHandle.from_json reads"
        ):
            resume_execution(given, seed=SEED)

    @pytest.mark.parametrize(
        "target",
        [
            "/api/v1/tenants/orgs",
            "/api/v1/executions/e/cancel",
            "/api/v1/agents/a/executions",
            "/api/v1/code-blocks/a/executions/b",
            "/api/v1/code-blocks//executions",
        ],
    )
    def test_the_target_must_be_where_its_kind_is_submitted(self, target: str) -> None:
        stranger = handle(10.0, 1, SUBMISSION._replace(target=target))
        with pytest.raises(ValueError, match=r"^handle\.submission\.target must be where a component of handle\.kind, code_block, is"):
            resume_execution(stranger, seed=SEED)

    def test_only_a_component_is_submitted(self) -> None:
        with pytest.raises(ValueError, match=r"^handle\.submission\.target must be where a component of handle\.kind, execution, is"):
            resume_execution(replace(handle(10.0, 1, SUBMISSION), kind="execution"), seed=SEED)

    @pytest.mark.parametrize(
        ("body", "rule"),
        [
            (b"", "strict JSON: not JSON$"),
            (b"{", "strict JSON: not JSON$"),
            (b"[]", "a JSON object$"),
            (b"5", "a JSON object$"),
            (b'{"a":NaN}', "strict JSON: NaN or Infinity"),
            (b'{"a":1,"a":2}', "strict JSON: a key stands twice"),
            (b"{" * 100, "strict JSON: arrays and objects are nested too deeply$"),
        ],
    )
    def test_the_body_must_be_a_json_object(self, body: bytes, rule: str) -> None:
        with pytest.raises(ValueError, match=rf"^handle\.submission\.body must be {rule}"):
            resume_execution(handle(10.0, 1, SUBMISSION._replace(body=body)), seed=SEED)

    def test_the_body_has_the_bounds_of_any_request(self) -> None:
        settings = Settings(limits=Limits(request_body_bytes_max=10))
        with pytest.raises(ValueError, match=r"^handle\.submission\.body makes a body of \d+ bytes; limits\.request_body_bytes_max is 10$"):
            resume_execution(handle(10.0, 1, SUBMISSION), seed=SEED, settings=settings)

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            ({"kind": "tool"}, r"handle\.kind must be one of"),
            ({"seconds_left": float("nan")}, r"handle\.seconds_left must be a number"),
            ({"seconds_left": "5"}, r"handle\.seconds_left must be a number"),
            ({"attempts": 1.5}, r"handle\.attempts must be a whole number"),
            ({"on_abandon": "ask"}, r"handle\.on_abandon must be one of"),
            (
                {"submission": Submission(UUID(int=1), "//evil.test/api/v1/x", b"{}")},
                r"handle\.submission\.target must be a percent-encoded",
            ),
            ({"submission": Submission(UUID(int=1), SUBMISSION.target, b"\xff")}, "handle must hold values that have a form in JSON"),
            ({"submission": Submission(UUID(int=1), SUBMISSION.target, "{}")}, "handle must hold values that have a form in JSON"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            ({"attempts": object()}, "handle must hold values that have a form in JSON"),
        ],
    )
    def test_one_that_was_made_by_hand_is_checked_like_any_input(self, wrong: dict[str, Any], text: str) -> None:
        stranger = replace(handle(10.0, 1, SUBMISSION), **wrong)
        with pytest.raises(ValueError, match=f"^{text}"):
            resume_execution(stranger, seed=SEED)
