"""An execution that is known: the pauses, the polls, and what is made of their answers."""

from typing import Any

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.cancelling import Cancelling
from platform_core.cleanup import LastPoll
from platform_core.derive import unit_random
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from platform_core.execution import Polling, Waiting
from platform_core.handles import OnAbandon
from platform_core.machine import Ended
from platform_core.operations import execute_code_block
from platform_core.outcomes import Authorized, FailureCause, Outcome, Restored, Started, Woke
from platform_core.poll_plan import poll_pause_seconds
from platform_core.snapshots import restore, snapshot
from tests.support.core import (
    CODE_BLOCK_ID,
    EXECUTION_ID,
    OTHER_SEED,
    SEED,
    Run,
    answered,
    drive_with,
    heard,
    left,
    lost,
    no_token,
    record,
    targets,
    token_refused,
)
from tests.support.executions import execute, handle, polling, submitted, watch

DEADLINE = 3600.0
STALE = lost(1.0, cause=FailureCause.DISCONNECTED, reused=True)
TERMINAL = {
    "failed": PlatformExecutionError,
    "timeout": PlatformExecutionTimeoutError,
    "cancelled": PlatformExecutionCancelledError,
}


class TestWaiting:
    @pytest.mark.parametrize("word", [heard(1.0), answered(1.0, 404), answered(1.0, 503)])
    def test_the_next_poll_is_made_as_the_last_one_and_nothing_of_it_anew(self, word: Outcome) -> None:
        run = polling()
        plan = run.state.exchange.plan
        run.tell(word)
        stored: Any = restore(snapshot(run.operation))
        run.wake()
        assert run.state.exchange.plan is plan
        polled, _ = stored.step(Woke(run.state.exchange.tally.at))
        assert polled == run.operation, "who does not have the last one any more makes an equal one"

    def test_waiting_on_woke_goes_to_polling_and_sends(self) -> None:
        run = submitted()
        action = run.wake()
        assert isinstance(run.operation, Polling)
        assert targets([action.request]) == [f"GET {EXECUTION_ID}"]
        assert action.reason == Reason(Because.PAUSE_OVER)
        assert run.operation.seed == SEED

    def test_waiting_on_woke_after_the_deadline_goes_to_last_poll_and_sends(self) -> None:
        run = submitted()
        run.tell(Woke(DEADLINE + 20.0))
        assert isinstance(run.operation, LastPoll)
        assert run.operation.leaving.ends_at == DEADLINE + 25.0

    def test_waiting_on_restored_stays_and_sleeps_until_the_same_time(self) -> None:
        run = submitted()
        until = run.action.until
        assert run.tell(Restored(0.001)) == Sleep(until, 0, Reason(Because.RESTORED))
        assert isinstance(run.operation, Waiting)

    def test_waiting_on_abandoned_goes_to_cancelling_and_sends_the_cancel(self) -> None:
        run = submitted()
        action = run.tell(left(1.0, "no"))
        assert isinstance(run.operation, Cancelling)
        assert targets([action.request]) == ["POST cancel"]

    @pytest.mark.parametrize(("on_abandon", "final"), [("detach", False), ("detach", True), ("cancel", True)])
    def test_waiting_on_abandoned_with_detach_or_finally_goes_to_ended_and_is_left(self, on_abandon: OnAbandon, final: bool) -> None:
        run = submitted(on_abandon=on_abandon)
        report = Report(Fate.LEFT, handle(3599.0, 1, on_abandon))
        assert run.tell(left(1.0, "no", final=final)) == Gone(report, Reason(Because.LEFT_RUNNING))


class TestPolling:
    @pytest.mark.parametrize("status", ["pending", "running", "hibernating"])
    def test_polling_on_a_record_that_is_not_terminal_goes_to_waiting_and_sleeps(self, status: str) -> None:
        run = polling()
        action = run.tell(heard(1.0, status))
        assert isinstance(run.operation, Waiting)
        assert (action.cost, action.reason) == (0, Reason(Because.NOT_TERMINAL, status))

    def test_polling_on_completed_goes_to_ended_and_is_done_with_the_record_as_it_came(self) -> None:
        run = polling()
        found = record("completed", result={"x": [1]}, surprise="kept")
        assert run.tell(answered(1.0, 200, found)) == Done(found, Reason(Because.TERMINAL, "completed"))
        assert run.operation == Ended(SEED)

    @pytest.mark.parametrize(("status", "error"), TERMINAL.items())
    def test_polling_on_another_end_goes_to_ended_and_raises_with_record_and_handle(
        self, status: str, error: type[PlatformClientError]
    ) -> None:
        run = polling()
        exception = run.tell(heard(1.0, status)).failure.exception()
        assert type(exception) is error
        assert (exception.execution, exception.handle) == (record(status), handle(3599.0, 2))

    def test_an_unknown_status_keeps_polling_and_comes_out_as_it_came(self) -> None:
        run = polling(timeout_seconds=10.0)
        run.tell(heard(1.0, "Completed"))
        assert run.state.known.status == "Completed"
        failure = run.tell(Woke(40.0), heard(40.0, "Completed"), answered(40.0, 400), answered(40.0, 500)).failure
        assert failure.message.endswith("last heard status: Completed")

    def test_a_status_that_goes_backwards_changes_nothing(self) -> None:
        run = polling()
        run.tell(heard(1.0, "running"), Woke(2.0), heard(2.0, "pending"))
        assert run.state.known.status == "running"
        assert isinstance(run.operation, Waiting)

    @pytest.mark.parametrize("seconds", [1, 30, 600])
    def test_a_hint_replaces_the_pause_above_the_cap_too(self, seconds: int) -> None:
        assert polling().tell(heard(2.0, "running", {"Retry-After": str(seconds)})).until == 2.0 + seconds

    def test_a_hint_comes_with_an_error_status_as_well(self) -> None:
        assert polling().tell(answered(2.0, 503, headers={"Retry-After": "30"})).until == 32.0

    def test_a_pause_is_cut_to_the_deadline(self) -> None:
        run = polling(timeout_seconds=10.0)
        assert run.tell(heard(20.0, "running", {"Retry-After": "30"})).until == 40.0
        run.wake()
        assert isinstance(run.operation, LastPoll)

    def test_a_poll_is_one_attempt_and_pays_nothing(self) -> None:
        run = polling()
        for at in range(1, 101):
            assert run.tell(answered(float(at), 503)).cost == 0
            assert isinstance(run.operation, Waiting)
            run.tell(Woke(float(at)))
        assert isinstance(run.operation, Polling)

    @pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
    def test_polling_on_a_later_status_goes_to_waiting_and_sleeps(self, status: int) -> None:
        run = polling()
        assert run.tell(answered(1.0, status)).reason == Reason(Because.STATUS, str(status))
        assert run.state.known.last.status_code == status

    @pytest.mark.parametrize("outcome", [lost(1.0), lost(1.0, "no"), lost(1.0, cause=FailureCause.TIMEOUT)])
    def test_polling_on_no_answer_goes_to_waiting_and_sleeps(self, outcome: Outcome) -> None:
        run = polling()
        assert run.tell(outcome).reason.because is Because.FAILURE
        assert isinstance(run.operation, Waiting)

    def test_polling_on_restored_polls_again_at_once(self) -> None:
        run = polling()
        assert run.tell(Restored(1.0)).reason == Reason(Because.RESTORED)
        assert isinstance(run.operation, Polling)

    @pytest.mark.parametrize("first", [no_token(1.0), answered(1.0, 401)])
    def test_polling_on_a_transient_token_failure_goes_to_waiting_and_sleeps(self, first: Outcome) -> None:
        run = polling()
        assert isinstance(run.tell(first, token_refused(1.0)), Sleep)
        assert isinstance(run.operation, Waiting)

    def test_a_stale_connection_is_polled_again_at_once(self) -> None:
        run = polling()
        action = run.tell(STALE)
        assert isinstance(action, Send)
        assert action.reason == Reason(Because.STALE_CONNECTION)
        assert isinstance(run.tell(STALE), Sleep)

    def test_a_poll_may_refresh_the_token_once_besides(self) -> None:
        run = polling()
        assert isinstance(run.tell(answered(1.0, 401), Authorized(1.0)), Send)
        assert isinstance(run.tell(heard(1.0)), Sleep)
        assert isinstance(run.tell(Woke(2.0), answered(2.0, 401, generation=2), Authorized(2.0)), Send)
        action = run.tell(answered(2.0, 401, generation=3))
        assert (action.failure.error, action.failure.handle) == (PlatformAuthenticationError, handle(3598.0, 5))

    @pytest.mark.parametrize(
        ("outcome", "error"),
        [
            (answered(1.0, 400), PlatformClientError),
            (answered(1.0, 403), PlatformPermissionError),
            (answered(1.0, 409), PlatformClientError),
            (answered(1.0, 500), PlatformExecutionError),
            (answered(1.0, 200), PlatformResponseError),
            (heard(1.0, execution_id="other"), PlatformResponseError),
            (lost(1.0, cause=FailureCause.TLS), PlatformConnectionError),
            (lost(1.0, cause=FailureCause.CLOSED), PlatformClientError),
        ],
    )
    def test_polling_on_what_will_not_pass_goes_to_ended_and_raises_with_the_handle_without_a_cancel(
        self, outcome: Outcome, error: type[PlatformClientError]
    ) -> None:
        run = polling()
        action = run.tell(outcome)
        assert isinstance(action, Raise)
        assert (action.failure.error, action.failure.handle) == (error, handle(3599.0, 2))
        assert "POST cancel" not in targets(run.requests)

    def test_polling_on_no_token_for_good_goes_to_ended_and_raises_with_the_handle(self) -> None:
        action = polling().tell(no_token(1.0), token_refused(1.0, permanent=True))
        assert (action.failure.error, action.failure.handle) == (PlatformAuthenticationError, handle(3599.0, 2))
        assert action.reason == Reason(Because.FAILURE, "there is no token: KeyError")

    def test_polling_on_abandoned_goes_to_cancelling_and_sends_the_cancel(self) -> None:
        run = polling()
        assert targets([run.tell(left(1.0)).request]) == ["POST cancel"]
        assert isinstance(run.operation, Cancelling)

    @pytest.mark.parametrize(("on_abandon", "final"), [("detach", False), ("detach", True), ("cancel", True)])
    def test_polling_on_abandoned_with_detach_or_finally_goes_to_ended_and_is_left(self, on_abandon: OnAbandon, final: bool) -> None:
        run = polling(on_abandon=on_abandon)
        assert run.tell(left(1.0, final=final)).report == Report(Fate.LEFT, handle(3599.0, 2, on_abandon))


class TestGrace:
    def test_404_is_borne_for_10_seconds_from_the_answer_to_the_submission(self) -> None:
        run = drive_with(execute(), lost(3.0), Woke(4.0), heard(5.0, "pending"))
        assert run.tell(Woke(14.9), answered(14.9, 404)).reason == Reason(Because.NOT_KNOWN_YET)
        action = run.tell(Woke(15.0), answered(15.0, 404))
        assert (action.failure.error, action.failure.handle) == (PlatformNotFoundError, handle(3585.0, 4))

    def test_404_is_borne_for_10_seconds_from_the_start_of_an_await(self) -> None:
        run = Run(watch())
        run.tell(Started(2.0), answered(11.9, 404))
        assert isinstance(run.operation, Waiting)
        assert isinstance(run.tell(Woke(12.0), answered(12.0, 404)), Raise)

    def test_404_is_borne_again_from_each_answer_that_knew_the_execution(self) -> None:
        run = polling()
        run.tell(heard(100.0), Woke(109.9), answered(109.9, 404), Woke(109.95), heard(109.95), Woke(119.9), answered(119.9, 404))
        assert isinstance(run.operation, Waiting)
        assert isinstance(run.tell(Woke(119.95), answered(119.95, 404)), Raise)

    def test_what_did_not_know_the_execution_does_not_begin_the_grace_anew(self) -> None:
        run = polling(at=5.0)
        run.tell(answered(5.0, 404), Woke(9.0), answered(9.0, 503), Woke(9.9), lost(9.9), Woke(10.0))
        assert isinstance(run.tell(answered(10.0, 404)), Raise)

    def test_404_is_never_borne_beyond_the_deadline(self) -> None:
        run = drive_with(watch(5.0), answered(1.0, 404, headers={"Retry-After": "9"}))
        assert run.action.until == 5.0
        run.wake()
        assert isinstance(run.operation, LastPoll)
        action = run.tell(answered(5.0, 404))
        assert (action.failure.error, action.failure.status_code) == (PlatformTimeoutError, 404)

    def test_a_404_that_comes_at_the_deadline_within_its_grace_leaves_by_the_deadline(self) -> None:
        action = drive_with(watch(5.0), answered(5.0, 404)).action
        assert (action.failure.error, action.failure.status_code) == (PlatformTimeoutError, 404)


@pytest.mark.parametrize("seed", [SEED, OTHER_SEED])
def test_the_jitter_of_a_poll_pause_takes_off_a_tenth_at_most(seed: Any) -> None:
    run = drive_with(execute_code_block(CODE_BLOCK_ID, seed=seed), heard(0.0))
    shares: list[float] = []
    for number in range(400):
        at = 100.0 + number
        run.tell(Woke(at), heard(at))
        shares.append(run.action.until - at)
    assert 0.9 <= min(shares) < 0.91
    assert 0.99 < max(shares) <= 1.0


def test_the_share_of_a_pause_follows_from_the_seed_and_the_number_of_the_poll() -> None:
    run = drive_with(execute(), heard(0.0), Woke(10.0), heard(10.0))
    assert run.action.until == 10.0 + poll_pause_seconds(10.0, 5.0, hint_seconds=None, jitter=unit_random(SEED, "poll-pause", 2))


def test_the_time_waited_counts_from_the_answer_to_the_submission() -> None:
    run = drive_with(execute(), lost(50.0), Woke(60.0), heard(100.0))
    assert run.action.until <= 100.05
    assert 105.45 <= run.tell(Woke(105.0), heard(105.0)).until <= 105.5


def test_nothing_is_sent_after_the_end() -> None:
    run = polling()
    run.tell(heard(1.0, "completed"))
    assert run.operation == Ended(SEED)
