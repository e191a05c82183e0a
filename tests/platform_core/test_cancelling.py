"""Cancelling an execution: as a call of its own, and what a run that is left does with the same states (see `test_cleanup.py`)."""

from typing import Any

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.cancelling import EDGES, Cancel, CancelCall, Cancelling, CancelPausing, ReadyToCancel, Rereading, begin_cancel
from platform_core.cleanup import ByCaller, ByDeadline, Leaving
from platform_core.config import Settings
from platform_core.derive import unit_random
from platform_core.errors import (
    Failure,
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from platform_core.handles import ExecutionHandle
from platform_core.job import Job
from platform_core.machine import Ended, Operation
from platform_core.operations import cancel_execution
from platform_core.outcomes import Abandoned, Authorized, Outcome, Refused, Restored, Started, Woke
from platform_core.retry import RetryPolicy
from tests.support.core import (
    EXECUTION_ID,
    REQUEST_ID,
    SEED,
    SETTINGS,
    Run,
    answered,
    asks_for,
    drive_with,
    heard,
    left,
    lost,
    record,
    targets,
    token_refused,
)
from tests.support.leaving import execute
from tests.support.walking import differences, walk


def cancel(settings: Settings = SETTINGS) -> Operation[Any]:
    return cancel_execution(EXECUTION_ID, seed=SEED, settings=settings)


def handle(attempts: int) -> ExecutionHandle:
    return ExecutionHandle("execution", EXECUTION_ID, None, 0.0, attempts, "detach")


def rereading(status: int = 404, at: float = 1.0) -> Run:
    """A cancel that was answered with this status."""
    return drive_with(cancel(), answered(at, status))


class TestReadyToCancel:
    @pytest.mark.parametrize("outcome", [Started(0.0), Restored(0.0)])
    def test_ready_on_started_or_restored_goes_to_cancelling_and_sends(self, outcome: Outcome) -> None:
        operation, action = cancel().step(outcome)
        assert isinstance(operation, Cancelling)
        assert isinstance(action, Send)
        assert targets([action.request]) == ["POST cancel"]
        assert (operation.seed, action.deadline) == (SEED, 30.0)

    @pytest.mark.parametrize("final", [False, True])
    def test_ready_on_abandoned_goes_to_ended_and_nothing_was_cancelled(self, final: bool) -> None:
        report = Report(Fate.LEFT, handle(0))
        assert cancel().step(Abandoned(0.0, "no", final)) == (Ended(SEED), Gone(report, Reason(Because.ABANDONED)))

    def test_the_seed_names_the_operation(self) -> None:
        assert cancel().seed == SEED


class TestCancelling:
    @pytest.mark.parametrize("status", ["cancelled", "completed", "failed", "running", "hibernating"])
    def test_cancelling_on_a_record_goes_to_ended_and_is_done_whatever_the_status(self, status: str) -> None:
        run = drive_with(cancel(), heard(1.0, status, more=1))
        assert (run.operation, run.action) == (Ended(SEED), Done(record(status, more=1), Reason(Because.ANSWERED)))

    @pytest.mark.parametrize("status", [400, 404, 409])
    def test_cancelling_on_400_404_or_409_goes_to_rereading_and_looks(self, status: int) -> None:
        run = rereading(status)
        assert isinstance(run.operation, Rereading)
        assert targets(run.requests) == ["POST cancel", f"GET {EXECUTION_ID}"]
        assert run.action.reason == Reason(Because.STATUS, str(status))
        assert len({each.headers.get(REQUEST_ID) for each in run.requests}) == 2

    @pytest.mark.parametrize(
        ("status", "error"), [(403, PlatformPermissionError), (422, PlatformClientError), (500, PlatformExecutionError)]
    )
    def test_cancelling_on_another_error_goes_to_ended_and_raises_with_the_handle(
        self, status: int, error: type[PlatformClientError]
    ) -> None:
        action = drive_with(cancel(), answered(1.0, status)).action
        assert (action.failure.error, action.failure.status_code, action.failure.handle) == (error, status, handle(1))

    def test_cancelling_on_another_executions_record_goes_to_ended_and_raises(self) -> None:
        assert drive_with(cancel(), heard(1.0, execution_id="other")).action.failure.error is PlatformResponseError

    @pytest.mark.parametrize("outcome", [answered(1.0, 503), answered(1.0, 429), lost(1.0), lost(1.0, "no")])
    def test_a_cancel_is_harmless_and_repeated_with_pauses_that_pay(self, outcome: Outcome) -> None:
        run = drive_with(cancel(), outcome)
        assert isinstance(run.action, Sleep)
        assert run.action.cost == 5
        run.wake()
        assert targets(run.requests) == ["POST cancel"] * 2

    @pytest.mark.parametrize("before", [(), (answered(1.0, 409),)])
    def test_cancelling_and_rereading_on_restored_ask_again_at_once(self, before: tuple[Outcome, ...]) -> None:
        run = drive_with(cancel(), *before)
        state = type(run.operation)
        assert run.tell(Restored(2.0)).request.target == run.requests[-2].target
        assert type(run.operation) is state

    def test_a_cancel_has_four_attempts(self) -> None:
        run = drive_with(cancel())
        for _ in range(3):
            run.tell(lost(1.0), Woke(1.0))
        action = run.tell(lost(1.0))
        assert (action.failure.error, action.failure.handle) == (PlatformConnectionError, handle(4))

    def test_an_empty_budget_ends_with_the_last_failure(self) -> None:
        assert drive_with(cancel(), answered(1.0, 503), Refused(1.0)).action.failure.status_code == 503

    def test_no_token_for_good_is_an_authentication_error(self) -> None:
        action = drive_with(cancel(), answered(1.0, 401), token_refused(1.0, permanent=True)).action
        assert action.failure.error is PlatformAuthenticationError

    def test_a_whole_cancel_ends_by_the_timeout_and_60_seconds(self) -> None:
        run = drive_with(cancel(Settings(timeout_seconds=5.0)), asks_for(4.0, 503, 60))
        assert run.tell(Woke(64.0)).deadline == 65.0
        assert run.tell(lost(64.0)).failure.error is PlatformConnectionError

    def test_a_request_takes_at_most_the_timeout(self) -> None:
        assert drive_with(cancel(Settings(timeout_seconds=5.0))).action.deadline == 5.0

    @pytest.mark.parametrize("outcomes", [(), (answered(1.0, 429),), (lost(1.0, "no"), Woke(2.0)), (answered(1.0, 401),)])
    def test_cancelling_on_abandoned_before_it_was_handed_on_goes_to_ended_and_is_left(self, outcomes: tuple[Outcome, ...]) -> None:
        run = drive_with(cancel(), *outcomes)
        assert run.tell(left(3.0, "no")).report == Report(Fate.LEFT, handle(len(run.requests)))

    @pytest.mark.parametrize(
        "outcomes", [(), (lost(1.0),), (answered(1.0, 503), Woke(2.0)), (answered(1.0, 404), answered(1.0, 404), Woke(2.0))]
    )
    def test_cancelling_on_abandoned_after_it_was_handed_on_goes_to_ended_and_is_unknown(self, outcomes: tuple[Outcome, ...]) -> None:
        run = drive_with(cancel(), *outcomes)
        action = run.tell(left(3.0, "no" if outcomes else "maybe"))
        assert action.report == Report(Fate.UNKNOWN, handle(len(run.requests)))


class TestRereading:
    @pytest.mark.parametrize("status", ["completed", "cancelled", "running"])
    @pytest.mark.parametrize("refused_with", [400, 404, 409])
    def test_rereading_on_a_record_goes_to_ended_and_is_done(self, status: str, refused_with: int) -> None:
        run = rereading(refused_with)
        assert run.tell(heard(2.0, status)) == Done(record(status), Reason(Because.ANSWERED))

    def test_rereading_on_a_second_404_goes_to_cancel_pausing_and_sleeps(self) -> None:
        run = rereading()
        action = run.tell(answered(2.0, 404))
        assert isinstance(run.operation, CancelPausing)
        assert isinstance(action, Sleep)
        assert 2.0 <= action.until < 2.5
        assert (action.cost, action.reason) == (0, Reason(Because.STATUS, "404"))

    @pytest.mark.parametrize("refused_with", [400, 409])
    def test_rereading_on_404_after_another_refusal_goes_to_ended_and_raises(self, refused_with: int) -> None:
        action = rereading(refused_with).tell(answered(2.0, 404))
        assert (action.failure.error, action.failure.handle) == (PlatformNotFoundError, handle(2))

    @pytest.mark.parametrize("status", [400, 403, 500])
    def test_rereading_on_another_error_goes_to_ended_and_raises(self, status: int) -> None:
        assert rereading().tell(answered(2.0, status)).failure.status_code == status

    def test_rereading_stays_while_its_exchange_goes_on(self) -> None:
        run = rereading()
        run.tell(answered(2.0, 503), Woke(3.0))
        assert isinstance(run.operation, Rereading)
        assert run.state.refused_with == 404
        assert isinstance(run.tell(answered(4.0, 404)), Sleep)

    def test_rereading_on_abandoned_goes_to_ended_and_is_unknown(self) -> None:
        assert rereading().tell(left(2.0, "no")).report == Report(Fate.UNKNOWN, handle(2))

    def test_too_late_for_a_look_ends_with_the_failure(self) -> None:
        action = drive_with(cancel(Settings(timeout_seconds=5.0)), asks_for(4.0, 503, 60), Woke(64.0), answered(65.0, 409)).action
        assert isinstance(action, Raise)
        assert (action.failure.status_code, action.failure.elapsed) == (409, 65.0)


class TestCancelPausing:
    def test_cancel_pausing_on_woke_goes_to_cancelling_and_sends(self) -> None:
        run = rereading()
        run.tell(answered(2.0, 404))
        action = run.wake()
        assert isinstance(run.operation, Cancelling)
        assert (targets([action.request]), action.reason) == (["POST cancel"], Reason(Because.PAUSE_OVER))

    def test_404_to_both_is_borne_for_10_seconds_with_the_pauses_of_the_backoff(self) -> None:
        run = drive_with(cancel())
        for pauses, at in enumerate((0.0, 2.0, 4.0, 6.0, 9.9)):
            action = run.tell(answered(at, 404), answered(at, 404))
            assert isinstance(action, Sleep)
            assert 0 <= action.until - at < SETTINGS.retry.pause_seconds(pauses)
            assert action.until == at + SETTINGS.retry.pause_seconds(pauses) * unit_random(SEED, "cancel-pause", pauses)
            run.tell(Woke(at))
        action = run.tell(answered(10.0, 404), answered(10.0, 404))
        assert (action.failure.error, action.failure.handle) == (PlatformNotFoundError, handle(12))

    def test_cancel_pausing_on_a_late_woke_goes_to_ended_and_raises_the_last_failure(self) -> None:
        run = rereading()
        run.tell(answered(2.0, 404))
        action = run.tell(Woke(360.0))
        assert (action.failure.error, action.failure.elapsed) == (PlatformNotFoundError, 360.0)

    def test_a_pause_that_would_reach_the_end_is_not_begun(self) -> None:
        goal = CancelCall(SEED, Settings(retry=RetryPolicy(4, 1e6, 1e6)), 60.0)
        action = drive_with(ReadyToCancel(Cancel(goal, EXECUTION_ID, 0)), answered(1.0, 404), answered(1.0, 404)).action
        assert action.failure.error is PlatformNotFoundError

    def test_a_clean_up_that_hears_no_end_asks_again_and_says_what_it_heard(self) -> None:
        run = drive_with(execute(), heard(0.0, "pending"), left(1.0, "no"))
        assert run.tell(heard(5.7, "running")) == Sleep(5.9, 0, Reason(Because.NOT_TERMINAL, "running"))

    def test_a_clean_up_whose_pause_would_last_to_its_end_is_over(self) -> None:
        run = drive_with(execute(), heard(0.0, "pending"), left(1.0, "no"))
        assert run.tell(heard(5.8, "running")).report.fate == Fate.UNKNOWN

    def test_the_record_of_another_execution_is_no_answer(self) -> None:
        assert rereading().tell(heard(2.0, "completed", execution_id="0" * 8)).failure.error is PlatformResponseError

    def test_cancel_pausing_on_restored_stays_and_sleeps_until_the_same_time(self) -> None:
        run = rereading()
        until = run.tell(answered(2.0, 404)).until
        assert run.tell(Restored(2.001)) == Sleep(until, 0, Reason(Because.RESTORED))
        assert isinstance(run.operation, CancelPausing)

    def test_cancel_pausing_on_abandoned_goes_to_ended_and_is_unknown(self) -> None:
        run = rereading()
        run.tell(answered(2.0, 404))
        assert run.tell(left(2.0, "no")).report == Report(Fate.UNKNOWN, handle(2))

    def test_every_state_is_named_by_the_seed(self) -> None:
        run = rereading()
        assert run.operation.seed == SEED
        run.tell(answered(2.0, 404))
        assert run.operation.seed == SEED


def test_the_token_is_refreshed_once_for_each_exchange() -> None:
    run = drive_with(cancel(), answered(1.0, 401), Authorized(1.0), answered(1.0, 409), answered(1.0, 401, generation=2), Authorized(1.0))
    assert isinstance(run.operation, Rereading)
    assert run.tell(answered(1.0, 401, generation=3)).failure.error is PlatformAuthenticationError


def test_the_edges_are_as_declared() -> None:
    twice = Settings(retry=RetryPolicy(attempts_max=2))
    call = ReadyToCancel(Cancel(CancelCall(SEED, twice, 20.0), EXECUTION_ID, 0))
    failure = Failure(PlatformTimeoutError, "late")
    job = Job(SEED, "agent", twice, 15.0, 1.0, "cancel")
    leaving = [Leaving(job, why, 20.0) for why in (ByCaller(), ByDeadline(failure))]
    starts = [begin_cancel(Cancel(goal, EXECUTION_ID, 0), 0.0, Reason(Because.FIRST))[0] for goal in leaving]
    found = walk([call, *starts], (0.0, 11.0, 20.0), EDGES)
    assert differences(found, EDGES) == []
