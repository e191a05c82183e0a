"""Plain calls: any content, skills, the status of an execution, a submission."""

from typing import Any

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.call import EDGES, AnyAnswer, AnyContent, Calling, Skills
from platform_core.config import Settings
from platform_core.derive import idempotency_key, request_id
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from platform_core.handles import ExecutionHandle, Submission
from platform_core.machine import Ended, Operation
from platform_core.messages import Headers, Response
from platform_core.operations import execution_status, request, request_raw, service_skills, submit_code_block_execution
from platform_core.outcomes import Abandoned, Authorized, FailureCause, Outcome, Received, Refused, Restored, Started, Woke
from platform_core.raw import RawResponse
from platform_core.retry import IDEMPOTENCY_KEY, RetryPolicy
from tests.support.core import (
    CODE_BLOCK_ID,
    EXECUTION_ID,
    KEYLESS,
    SEED,
    SETTINGS,
    answered,
    asks_for,
    drive_with,
    heard,
    left,
    lost,
    record,
    token_refused,
)
from tests.support.walking import differences, walk

ONCE = Settings(retry=RetryPolicy(attempts_max=1))


def get(settings: Settings = SETTINGS) -> Operation[Any]:
    return request("GET", "/api/v1/x", seed=SEED, settings=settings)


def raw() -> Operation[RawResponse]:
    return request_raw("GET", "/api/v1/x", seed=SEED, settings=SETTINGS)


def post(headers: dict[str, str] | None = None) -> Operation[Any]:
    return request("POST", "/api/v1/x", json={}, headers=headers, seed=SEED)


def status(settings: Settings = SETTINGS) -> Operation[Any]:
    return execution_status(EXECUTION_ID, seed=SEED, settings=settings)


def submit(settings: Settings = SETTINGS, timeout_seconds: float | None = None) -> Operation[Any]:
    return submit_code_block_execution(CODE_BLOCK_ID, {"a": 1}, timeout_seconds=timeout_seconds, seed=SEED, settings=settings)


def submission_handle(at: float, attempts: int) -> ExecutionHandle:
    submission = Submission(idempotency_key(SEED), f"/api/v1/code-blocks/{CODE_BLOCK_ID}/executions", b'{"input_parameters":{"a":1}}')
    return ExecutionHandle("code_block", None, submission, 3600.0 - at, attempts, "detach")


class TestReadyToCall:
    @pytest.mark.parametrize("outcome", [Started(0.0), Restored(0.0)])
    def test_ready_on_started_or_restored_goes_to_calling_and_sends(self, outcome: Outcome) -> None:
        operation, action = get().step(outcome)
        assert isinstance(operation, Calling)
        assert isinstance(action, Send)
        assert operation.seed == SEED

    def test_ready_on_abandoned_goes_to_ended_and_nothing_was_started(self) -> None:
        assert get().step(Abandoned(0.0, "no", final=False)) == (Ended(SEED), Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED)))

    def test_the_seed_names_the_operation(self) -> None:
        assert get().seed == SEED


class TestDeadlines:
    def test_one_request_has_the_timeout_and_the_whole_call_60_seconds_more(self) -> None:
        run = drive_with(get(Settings(timeout_seconds=100.0)))
        assert run.action.deadline == 100.0
        run.tell(answered(90.0, 503))
        assert run.tell(Woke(95.0)).deadline == 160.0

    def test_a_submission_has_the_same_bounds(self) -> None:
        run = drive_with(submit(Settings(timeout_seconds=100.0), timeout_seconds=7.0))
        assert run.action.deadline == 100.0
        run.tell(answered(90.0, 503))
        assert run.tell(Woke(95.0)).deadline == 160.0

    @pytest.mark.parametrize(("timeout_seconds", "deadline"), [(300.0, 30.0), (20.0, 20.0)])
    def test_a_status_request_takes_at_most_30_seconds(self, timeout_seconds: float, deadline: float) -> None:
        assert drive_with(status(Settings(timeout_seconds=timeout_seconds))).action.deadline == deadline

    def test_a_pause_that_would_pass_the_deadline_is_not_begun_and_the_error_carries_retry_after(self) -> None:
        action = drive_with(get(), asks_for(1.0, 503, 400)).action
        assert isinstance(action, Raise)
        exception = action.failure.exception()
        assert (type(exception), exception.status_code, exception.retry_after) == (PlatformClientError, 503, 400.0)

    def test_a_late_wake_is_a_timeout_error(self) -> None:
        action = drive_with(get(), asks_for(1.0, 503, 300), Woke(360.0)).action
        assert action.failure.error is PlatformTimeoutError


class TestAnyAnswer:
    def test_a_call_ends_in_the_answer_as_it_came_whatever_is_in_it(self) -> None:
        headers = Headers((("Content-Type", "application/json"), ("Content-Encoding", "br")))
        run = drive_with(raw(), asks_for(0.5, 503, 2), Woke(3.0), Received(4.0, Response(203, headers, b"{"), 1))
        assert run.action == Done(RawResponse(203, headers, b"{", 2, 4.0, request_id(SEED, 1)), Reason(Because.ANSWERED))

    def test_an_error_status_is_the_error_that_it_is_for_any_call(self) -> None:
        answer = answered(1.0, 404, {"message": "no", "code": "NONE"})
        assert drive_with(raw(), answer).action == drive_with(get(), answer).action

    def test_it_is_bounded_and_repeated_as_any_call(self) -> None:
        for outcomes in ([lost(1.0)], [answered(1.0, 429)], [answered(1.0, 503), Woke(2.0)]):
            assert drive_with(raw(), *outcomes).action == drive_with(get(), *outcomes).action


class TestAnyContent:
    @pytest.mark.parametrize(
        ("response", "value"),
        [
            (Response(200, Headers((("Content-Type", "application/json"),)), b"[1]"), [1]),
            (Response(200, Headers((("Content-Type", "text/plain"),)), b"[1]"), b"[1]"),
            (Response(204), None),
            (Response(200), b""),
        ],
    )
    def test_a_call_ends_in_the_content(self, response: Response, value: object) -> None:
        run = drive_with(get(), Received(1.0, response, 1))
        assert run.action == Done(value, Reason(Because.ANSWERED))
        assert run.operation == Ended(SEED)

    def test_nonsense_is_a_response_error(self) -> None:
        response = Response(200, Headers((("Content-Type", "application/json"),)), b"{")
        action = drive_with(get(), Received(1.0, response, 1)).action
        assert action.failure.error is PlatformResponseError
        assert action.reason == Reason(Because.STATUS, "200")

    @pytest.mark.parametrize(
        ("code", "error"),
        [(401, PlatformAuthenticationError), (404, PlatformNotFoundError), (500, PlatformExecutionError), (409, PlatformClientError)],
    )
    def test_an_error_status_is_its_error_without_a_handle(self, code: int, error: type[PlatformClientError]) -> None:
        run = drive_with(get())
        if code == 401:
            run.tell(answered(1.0, code), Authorized(1.0))
        action = run.tell(answered(1.0, code))
        assert (action.failure.error, action.failure.status_code, action.failure.handle) == (error, code, None)

    def test_no_answer_is_a_connection_error(self) -> None:
        action = drive_with(post(), lost(1.0)).action
        assert (action.failure.error, action.failure.sent, action.failure.handle) == (PlatformConnectionError, "maybe", None)
        assert action.reason == Reason(Because.FAILURE, "the connection broke before the whole answer had come")

    def test_an_empty_budget_ends_with_the_last_failure(self) -> None:
        action = drive_with(get(), answered(1.0, 503), Refused(1.0)).action
        assert (action.failure.error, action.failure.status_code) == (PlatformClientError, 503)

    @pytest.mark.parametrize("code", [408, 502, 503, 504])
    def test_a_post_is_not_repeated_on_a_later_status_without_a_key_of_the_callers(self, code: int) -> None:
        assert isinstance(drive_with(post(), answered(1.0, code)).action, Raise)
        run = drive_with(post({IDEMPOTENCY_KEY: "mine"}), answered(1.0, code))
        assert isinstance(run.action, Sleep)
        assert run.wake().request.headers.get(IDEMPOTENCY_KEY) == "mine"

    def test_409_is_not_borne_by_a_plain_call_with_a_key(self) -> None:
        assert isinstance(drive_with(post({IDEMPOTENCY_KEY: "mine"}), answered(1.0, 409)).action, Raise)


class TestAbandoned:
    @pytest.mark.parametrize("final", [False, True])
    def test_calling_on_abandoned_goes_to_ended_and_a_get_started_nothing(self, final: bool) -> None:
        assert drive_with(get(), left(1.0, "maybe", final=final)).action == Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED))

    def test_a_post_that_was_not_handed_on_started_nothing(self) -> None:
        assert drive_with(post(), left(1.0, "no")).action.report == Report(Fate.NEVER_STARTED)

    def test_a_post_that_was_handed_on_is_unknown(self) -> None:
        assert drive_with(post(), left(1.0, "maybe")).action.report == Report(Fate.UNKNOWN)

    def test_a_submission_that_was_handed_on_is_unknown_with_the_handle(self) -> None:
        assert drive_with(submit(), left(1.0, "maybe")).action.report == Report(Fate.UNKNOWN, submission_handle(1.0, 1))

    def test_an_earlier_attempt_that_was_handed_on_counts_as_well(self) -> None:
        run = drive_with(submit(), lost(1.0))
        assert run.tell(left(2.0, "no")).report == Report(Fate.UNKNOWN, submission_handle(2.0, 1))

    def test_a_submission_without_a_key_is_unknown_without_a_handle(self) -> None:
        assert drive_with(submit(KEYLESS), left(1.0, "maybe")).action.report == Report(Fate.UNKNOWN)


class TestStatus:
    def test_it_ends_in_the_record_whatever_the_status(self) -> None:
        for each in ("pending", "failed", "hibernating"):
            assert drive_with(status(), heard(1.0, each, more=1)).action == Done(record(each, more=1), Reason(Because.ANSWERED))

    def test_get_execution_status_bears_no_404(self) -> None:
        action = drive_with(status(), answered(0.0, 404)).action
        assert (action.failure.error, action.failure.handle) == (PlatformNotFoundError, None)

    def test_the_record_of_another_execution_is_nonsense(self) -> None:
        assert drive_with(status(), heard(1.0, execution_id="other")).action.failure.error is PlatformResponseError


class TestSkills:
    @pytest.mark.parametrize("content", [{"endpoints": []}, {"endpoints": [{"path": "/"}], "more": 1}])
    def test_they_end_in_the_artifact(self, content: dict[str, Any]) -> None:
        assert drive_with(service_skills("s", seed=SEED), answered(1.0, 200, content)).action.value == content

    def test_an_artifact_without_endpoints_is_nonsense(self) -> None:
        assert drive_with(service_skills("s", seed=SEED), answered(1.0, 200, {})).action.failure.error is PlatformResponseError


class TestSubmission:
    @pytest.mark.parametrize("each", ["pending", "running", "completed", "failed", "hibernating"])
    def test_it_ends_in_the_record_as_submitted(self, each: str) -> None:
        assert drive_with(submit(), answered(1.0, 202, record(each))).action == Done(record(each), Reason(Because.ANSWERED))

    def test_409_is_borne(self) -> None:
        assert isinstance(drive_with(submit(), answered(1.0, 409)).action, Sleep)
        assert isinstance(drive_with(submit(KEYLESS), answered(1.0, 409)).action, Raise)

    def test_refused_without_being_begun_fails_without_a_handle(self) -> None:
        action = drive_with(submit(), answered(1.0, 422)).action
        assert (action.failure.error, action.failure.handle) == (PlatformClientError, None)

    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            (lost(1.0), PlatformSubmissionUnknownError),
            (lost(1.0, cause=FailureCause.TIMEOUT), PlatformTimeoutError),
            (answered(1.0, 202, {"status": "pending"}), PlatformResponseError),
            (answered(1.0, 503), PlatformClientError),
        ],
    )
    def test_a_submission_whose_fate_is_not_known_fails_with_its_handle(self, outcome: Outcome, error: type[PlatformClientError]) -> None:
        action = drive_with(submit(ONCE), outcome).action
        assert (action.failure.error, action.failure.handle) == (error, submission_handle(1.0, 1))

    def test_no_token_after_a_lost_attempt_keeps_the_handle(self) -> None:
        run = drive_with(submit(), lost(1.0), Woke(2.0), answered(3.0, 401), token_refused(4.0, permanent=True))
        assert (run.action.failure.error, run.action.failure.handle) == (PlatformAuthenticationError, submission_handle(4.0, 2))


def test_what_an_answer_should_hold_is_told_apart_by_its_class() -> None:
    assert len({AnyContent(), AnyAnswer(), Skills()}) == len((AnyContent, AnyAnswer, Skills))


def test_the_edges_are_as_declared() -> None:
    twice = Settings(retry=RetryPolicy(attempts_max=2), timeout_seconds=20.0)
    operations = (get(twice), submit(twice), submit(Settings(retry=twice.retry, timeout_seconds=20.0, idempotent_submissions=False)))
    assert differences(walk(operations, (0.0, 11.0, 80.0), EDGES), EDGES) == []
