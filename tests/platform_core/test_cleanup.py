"""Leaving a run: abandoned, or by its deadline; with what is told of it."""

from dataclasses import replace
from typing import Any

import pytest

from platform_core.actions import Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.cancelling import Cancelling, CancelPausing, Rereading
from platform_core.cleanup import EDGES, ByCaller, LastPoll, Learning, LearnPausing
from platform_core.config import Settings
from platform_core.errors import PlatformExecutionCancelledError, PlatformExecutionError, PlatformTimeoutError
from platform_core.machine import Ended
from platform_core.operations import cancel_execution
from platform_core.outcomes import Authorized, FailureCause, Outcome, Restored, Sent, Woke
from platform_core.retry import RetryPolicy
from tests.support.core import (
    EXECUTION_ID,
    KEYLESS,
    REQUEST_ID,
    SEED,
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
from tests.support.leaving import (
    DEADLINE,
    SUBMISSION,
    cancel_pausing,
    cancelling,
    cancelling_late,
    execute,
    handle,
    last_poll,
    learn_pausing,
    learn_pausing_late,
    learning,
    learning_late,
    rereading,
)
from tests.support.walking import differences, walk

ABANDONED = {
    "learning": (learning, Learning),
    "learn pausing": (learn_pausing, LearnPausing),
    "cancelling": (cancelling, Cancelling),
    "cancel pausing": (cancel_pausing, CancelPausing),
    "rereading": (rereading, Rereading),
}
LATE = {
    "last poll": (last_poll, LastPoll),
    "cancelling": (cancelling_late, Cancelling),
    "learning": (learning_late, Learning),
    "learn pausing": (learn_pausing_late, LearnPausing),
}


class TestAbandonedTwice:
    @pytest.mark.parametrize("name", ABANDONED)
    @pytest.mark.parametrize("final", [False, True])
    @pytest.mark.parametrize("sent", ["no", "maybe"])
    def test_a_second_abandonment_ends_at_once_and_is_unknown(self, name: str, final: bool, sent: Sent) -> None:
        make, state = ABANDONED[name]
        run = make()
        assert isinstance(run.operation, state)
        action = run.tell(left(2.0, sent, final=final))
        assert run.operation == Ended(SEED)
        assert (action.report.fate, action.reason) == (Fate.UNKNOWN, Reason(Because.CLEANUP_OVER))
        known = SUBMISSION if state in (Learning, LearnPausing) else EXECUTION_ID
        assert action.report.handle == handle(38.0, action.report.handle.attempts, known)

    @pytest.mark.parametrize("name", LATE)
    def test_what_leaves_by_its_deadline_is_abandoned_for_the_first_time_and_goes_on_within_its_seconds(self, name: str) -> None:
        make, state = LATE[name]
        run = make()
        assert isinstance(run.operation, state)
        action = run.tell(left(42.0, "maybe"))
        assert isinstance(action, Send)
        assert action.deadline == 43.5
        goal: Any = run.state.cancel.goal if isinstance(run.operation, Cancelling) else run.state.leaving
        assert (goal.why, goal.ends_at) == (ByCaller(), 45.0)
        assert isinstance(run.tell(left(42.5)), Gone)

    @pytest.mark.parametrize("name", LATE)
    def test_what_leaves_by_its_deadline_and_is_abandoned_finally_ends_at_once(self, name: str) -> None:
        make, _ = LATE[name]
        run = make()
        action = run.tell(left(42.0, final=True))
        assert isinstance(action, Gone)
        assert action.report.fate is (Fate.LEFT if name == "last poll" else Fate.UNKNOWN)
        assert action.report.handle is not None

    @pytest.mark.parametrize("name", LATE)
    def test_what_is_abandoned_after_its_clean_up_ends_at_once(self, name: str) -> None:
        make, _ = LATE[name]
        assert isinstance(make().tell(left(45.0)), Gone)


class TestLearning:
    def test_learning_on_a_record_goes_to_cancelling_and_sends_the_cancel(self) -> None:
        run = learning()
        action = run.tell(answered(2.0, 202, record("pending")))
        assert isinstance(run.operation, Cancelling)
        assert (targets([action.request]), action.reason) == (["POST cancel"], Reason(Because.ABANDONED))
        assert run.operation.seed == SEED

    @pytest.mark.parametrize(("status", "fate"), [("completed", Fate.FINISHED), ("failed", Fate.FINISHED), ("cancelled", Fate.CANCELLED)])
    def test_learning_on_a_terminal_record_goes_to_ended_and_tells_it(self, status: str, fate: Fate) -> None:
        report = learning().tell(heard(2.0, status)).report
        assert report == Report(fate, handle(38.0, 2), record(status))

    @pytest.mark.parametrize(
        "outcome",
        [answered(2.0, 503), answered(2.0, 429), answered(2.0, 409), lost(2.0), lost(2.0, "no")],
    )
    def test_learning_on_what_may_pass_goes_to_learn_pausing_and_asks_again_after_0_2_seconds(self, outcome: Outcome) -> None:
        run = learning()
        assert run.tell(outcome) == Sleep(2.2, 0, Reason(Because.NOT_KNOWN_YET))
        assert isinstance(run.operation, LearnPausing)

    @pytest.mark.parametrize(
        "outcome", [answered(2.0, 403), answered(2.0, 422), answered(2.0, 500), answered(2.0, 202), lost(2.0, cause=FailureCause.TLS)]
    )
    def test_learning_on_what_will_not_pass_goes_to_ended_and_is_unknown_with_the_submission(self, outcome: Outcome) -> None:
        assert learning().tell(outcome) == Gone(Report(Fate.UNKNOWN, handle(38.0, 2, SUBMISSION)), Reason(Because.CLEANUP_OVER))

    def test_learning_on_restored_asks_again_at_once(self) -> None:
        run = learning()
        assert run.tell(Restored(2.0)).reason == Reason(Because.RESTORED)
        assert isinstance(run.operation, Learning)

    @pytest.mark.parametrize("at", [5.8, 5.9])
    def test_learning_too_near_to_the_end_goes_to_ended_and_is_unknown(self, at: float) -> None:
        assert learning().tell(answered(at, 503)).report == Report(Fate.UNKNOWN, handle(40.0 - at, 2, SUBMISSION))

    def test_learning_begins_because_of_the_caller_or_the_deadline(self) -> None:
        assert [learning().action.reason, learning_late().action.reason] == [Reason(Because.ABANDONED), Reason(Because.DEADLINE)]

    def test_an_id_that_is_learned_at_the_end_is_unknown_with_the_id(self) -> None:
        assert learning().tell(heard(6.0, "pending")).report == Report(Fate.UNKNOWN, handle(34.0, 2))

    @pytest.mark.parametrize("outcome", [answered(2.0, 401), no_token(2.0)])
    def test_learning_may_refresh_the_token(self, outcome: Outcome) -> None:
        run = learning()
        assert isinstance(run.tell(outcome, Authorized(2.1)), Send)
        assert isinstance(run.operation, Learning)

    def test_learning_on_no_token_for_good_goes_to_ended_and_is_unknown(self) -> None:
        assert learning().tell(answered(2.0, 401), token_refused(2.0, permanent=True)).report.fate is Fate.UNKNOWN

    def test_learning_late_on_no_record_goes_to_ended_and_raises_the_deadlines_error(self) -> None:
        action = learning_late().tell(answered(41.0, 500))
        assert isinstance(action, Raise)
        failure = action.failure
        assert (failure.error, failure.handle, failure.elapsed) == (PlatformTimeoutError, handle(0.0, 2, SUBMISSION), 41.0)
        assert action.reason == Reason(Because.DEADLINE)

    def test_learning_late_on_a_record_cancels_and_then_raises_the_deadlines_error(self) -> None:
        run = learning_late()
        assert run.tell(heard(41.0, "pending")).reason == Reason(Because.DEADLINE)
        failure = run.tell(heard(42.0, "cancelled")).failure
        assert failure.error is PlatformTimeoutError
        assert failure.message.endswith("; the execution was cancelled")

    @pytest.mark.parametrize(("status", "action"), [("completed", Done), ("failed", Raise)])
    def test_learning_late_on_a_terminal_record_goes_to_ended_with_the_verdict(self, status: str, action: type) -> None:
        assert isinstance(learning_late().tell(heard(41.0, status)), action)


class TestLearnPausing:
    def test_learn_pausing_on_woke_goes_to_learning_and_sends_the_same_submission(self) -> None:
        run = learn_pausing()
        run.wake()
        assert isinstance(run.operation, Learning)
        sent = {(each.target, each.body.content, each.headers.get("Idempotency-Key")) for each in run.requests}
        assert sent == {(SUBMISSION.target, SUBMISSION.body, str(SUBMISSION.key))}
        assert len(run.requests) == 3
        assert run.operation.seed == SEED

    def test_learn_pausing_on_a_late_woke_goes_to_ended_and_is_unknown(self) -> None:
        assert learn_pausing().tell(Woke(6.0)).report == Report(Fate.UNKNOWN, handle(34.0, 2, SUBMISSION))

    def test_learn_pausing_on_restored_stays_and_sleeps_until_the_same_time(self) -> None:
        run = learn_pausing()
        assert run.tell(Restored(1.6)) == Sleep(1.7, 0, Reason(Because.RESTORED))
        assert isinstance(run.operation, LearnPausing)
        assert run.operation.seed == SEED


class TestLastPoll:
    def test_it_takes_at_most_half_of_the_clean_up(self) -> None:
        assert last_poll().action.deadline == 42.5

    def test_last_poll_on_completed_goes_to_ended_and_is_done(self) -> None:
        run = last_poll()
        assert run.tell(heard(41.0, "completed")) == Done(record("completed"), Reason(Because.TERMINAL, "completed"))
        assert run.operation == Ended(SEED)

    def test_the_last_poll_is_made_because_of_the_deadline(self) -> None:
        assert last_poll().action.reason == Reason(Because.DEADLINE)

    def test_the_record_of_another_execution_is_no_verdict(self) -> None:
        run = last_poll()
        assert targets([run.tell(heard(41.0, "completed", execution_id="0" * 8)).request]) == ["POST cancel"]

    def test_last_poll_on_failed_goes_to_ended_and_raises_the_verdict(self) -> None:
        assert last_poll().tell(heard(41.0, "failed")).failure.error is PlatformExecutionError

    def test_last_poll_on_cancelled_is_the_deadlines_error(self) -> None:
        # Who cancelled it is not known here, and the caller's deadline has passed.
        failure = last_poll().tell(heard(41.0, "cancelled")).failure
        assert (failure.error, failure.handle) == (PlatformTimeoutError, handle(0.0, 2))

    @pytest.mark.parametrize("outcome", [heard(41.0), lost(41.0), answered(41.0, 404), answered(41.0, 500), answered(41.0, 403)])
    def test_last_poll_on_no_verdict_goes_to_cancelling_and_sends_the_cancel(self, outcome: Outcome) -> None:
        run = last_poll()
        action = run.tell(outcome)
        assert isinstance(run.operation, Cancelling)
        assert (targets([action.request]), action.reason) == (["POST cancel"], Reason(Because.DEADLINE))

    def test_last_poll_on_restored_looks_again_at_once(self) -> None:
        run = last_poll()
        assert targets([run.tell(Restored(41.0)).request]) == targets(run.requests[-2:-1])
        assert isinstance(run.operation, LastPoll)

    @pytest.mark.parametrize("outcome", [heard(41.0), lost(41.0)])
    def test_last_poll_with_detach_on_no_verdict_goes_to_ended_and_raises_with_the_handle(self, outcome: Outcome) -> None:
        action = last_poll("detach").tell(outcome)
        assert isinstance(action, Raise)
        assert (action.failure.error, action.failure.handle) == (PlatformTimeoutError, handle(0.0, 2, on_abandon="detach"))

    def test_last_poll_may_refresh_the_token(self) -> None:
        run = last_poll()
        assert isinstance(run.tell(answered(41.0, 401), Authorized(41.0)), Send)
        assert isinstance(run.operation, LastPoll)
        assert run.operation.seed == SEED

    def test_last_poll_with_detach_on_abandoned_goes_to_ended_and_is_left(self) -> None:
        assert last_poll("detach").tell(left(41.0)).report == Report(Fate.LEFT, handle(0.0, 2, on_abandon="detach"))


class TestCancelling:
    @pytest.mark.parametrize(("status", "fate"), [("cancelled", Fate.CANCELLED), ("completed", Fate.FINISHED), ("timeout", Fate.FINISHED)])
    @pytest.mark.parametrize("make", [cancelling, rereading])
    def test_a_terminal_record_goes_to_ended_and_tells_what_became_of_it(self, make: Any, status: str, fate: Fate) -> None:
        run = make()
        report = run.tell(heard(2.0, status)).report
        assert report == Report(fate, handle(38.0, len(run.requests)), record(status))

    def test_accepted_but_still_running_asks_again_every_0_2_seconds_until_the_platform_says_cancelled(self) -> None:
        run = cancelling()
        for number in range(1, 21):
            at = 1.0 + number * 0.2
            assert run.tell(heard(at, "running")).until == pytest.approx(at + 0.2)
            assert targets([run.wake().request]) == ["POST cancel"]
        assert run.tell(heard(5.3, "cancelled")).report.fate is Fate.CANCELLED

    @pytest.mark.parametrize("status", ["running", "pending", "hibernating", "cancelling"])
    def test_still_running_to_the_end_of_the_clean_up_is_unknown(self, status: str) -> None:
        run = cancelling()
        run.tell(heard(5.79, status))
        assert isinstance(run.operation, CancelPausing)
        run.wake()
        assert run.tell(heard(5.995, status)) == Gone(Report(Fate.UNKNOWN, handle(34.005, 3)), Reason(Because.CLEANUP_OVER))

    def test_a_clean_up_that_wakes_late_is_over(self) -> None:
        assert cancel_pausing().tell(Woke(6.0)).report == Report(Fate.UNKNOWN, handle(34.0, 2))

    @pytest.mark.parametrize("outcome", [lost(2.0), lost(2.0, "no"), answered(2.0, 503), answered(2.0, 429)])
    def test_what_may_pass_is_asked_again(self, outcome: Outcome) -> None:
        run = cancelling()
        assert run.tell(outcome).until == 2.2
        assert isinstance(run.operation, CancelPausing)

    @pytest.mark.parametrize("outcome", [answered(2.0, 403), answered(2.0, 500), answered(2.0, 200), lost(2.0, cause=FailureCause.CLOSED)])
    def test_what_will_not_pass_goes_to_ended_and_is_unknown(self, outcome: Outcome) -> None:
        assert cancelling().tell(outcome).report == Report(Fate.UNKNOWN, handle(38.0, 2))

    def test_404_to_both_is_asked_again_to_the_end_of_the_clean_up(self) -> None:
        run = cancelling()
        for number in range(19):
            at = 1.0 + number * 0.25
            assert isinstance(run.tell(answered(at, 404), answered(at, 404)), Sleep)
            run.wake()
        assert run.tell(answered(5.75, 404), answered(5.9, 404)).report == Report(Fate.UNKNOWN, handle(34.1, 41))

    @pytest.mark.parametrize("status", [400, 409])
    def test_404_after_another_refusal_is_unknown_at_once(self, status: int) -> None:
        assert cancelling().tell(answered(2.0, status), answered(2.0, 404)).report.fate is Fate.UNKNOWN

    def test_a_refusal_at_the_end_of_the_clean_up_is_not_looked_into(self) -> None:
        assert cancelling().tell(answered(6.0, 409)).report == Report(Fate.UNKNOWN, handle(34.0, 2))

    def test_requests_get_at_most_half_of_the_time_left(self) -> None:
        run = cancelling()
        assert run.action.deadline == 3.5
        run.tell(lost(3.5))
        assert run.wake().deadline == pytest.approx(3.7 + 1.15)
        assert run.tell(answered(4.0, 409)).deadline == 5.0

    def test_late_and_cancelled_raises_the_deadlines_error_with_the_handle(self) -> None:
        action = cancelling_late().tell(heard(42.0, "cancelled"))
        failure = action.failure
        assert (failure.error, failure.handle, failure.elapsed) == (PlatformTimeoutError, handle(0.0, 3), 42.0)
        assert failure.message == "the execution did not end within 40 s; last heard status: running; the execution was cancelled"
        assert failure.exception().execution == record("cancelled"), "so that nobody is told that it may still be running"
        assert failure.error is not PlatformExecutionCancelledError

    def test_late_and_completed_after_all_is_done(self) -> None:
        assert cancelling_late().tell(heard(42.0, "completed")) == Done(record("completed"), Reason(Because.TERMINAL, "completed"))

    def test_late_and_failed_after_all_raises_the_verdict(self) -> None:
        assert cancelling_late().tell(answered(42.0, 409), heard(42.5, "failed")).failure.error is PlatformExecutionError

    def test_late_and_not_heard_raises_the_deadlines_error_with_the_handle(self) -> None:
        action = cancelling_late().tell(answered(44.9, 503))
        assert (action.failure.error, action.failure.handle) == (PlatformTimeoutError, handle(0.0, 3))


def test_without_a_key_a_passed_deadline_raises_without_a_handle() -> None:
    action = drive_with(execute(settings=KEYLESS), lost(DEADLINE)).action
    assert isinstance(action, Raise)
    assert (action.failure.error, action.failure.handle) == (PlatformTimeoutError, None)


def test_with_detach_a_passed_deadline_raises_with_the_handle_of_the_submission() -> None:
    action = drive_with(execute("detach"), lost(DEADLINE)).action
    assert action.reason == Reason(Because.DEADLINE)
    assert (action.failure.error, action.failure.handle) == (PlatformTimeoutError, handle(0.0, 1, SUBMISSION, "detach"))


def test_a_submission_that_is_left_with_detach_is_unknown_with_its_handle() -> None:
    report = Report(Fate.UNKNOWN, handle(39.0, 1, SUBMISSION, "detach"))
    assert drive_with(execute("detach"), left(1.0)).action == Gone(report, Reason(Because.ABANDONED))


def test_a_submission_that_is_left_without_a_key_is_unknown_without_a_handle() -> None:
    assert drive_with(execute(settings=KEYLESS), left(1.0)).action == Gone(Report(Fate.UNKNOWN), Reason(Because.ABANDONED))


@pytest.mark.parametrize("name", LATE)
def test_every_request_has_an_id_of_its_own_also_when_a_clean_up_is_begun_anew(name: str) -> None:
    make, _ = LATE[name]
    run = make()
    run.tell(left(42.0))
    ids = [each.headers.get(REQUEST_ID) for each in run.requests]
    assert len(ids) >= 3
    assert len(set(ids)) == len(ids)


def test_a_look_that_is_left_is_a_request_like_others() -> None:
    run = cancelling_late()
    run.tell(answered(41.5, 409), left(42.0))
    assert len({each.headers.get(REQUEST_ID) for each in run.requests}) == len(run.requests) == 5


def test_a_clean_up_pays_nothing() -> None:
    runs = [make() for make, _ in (*ABANDONED.values(), *LATE.values())]
    costs = {action.cost for run in runs for action in run.actions if isinstance(action, Sleep)}
    assert costs == {0}


def test_a_clean_up_lasts_5_seconds_from_where_the_run_was_left() -> None:
    assert learning().state.leaving.ends_at == 6.0
    assert cancelling().state.cancel.goal.ends_at == 6.0
    assert learning_late().state.leaving.ends_at == 45.0
    assert last_poll().state.leaving.ends_at == 45.0


def test_the_last_request_of_a_clean_up_is_done_by_its_end() -> None:
    deadlines: list[float] = []
    run = cancelling()
    action: Any = run.action
    while not isinstance(action, Gone):
        deadlines.append(action.deadline)
        action = run.tell(lost(action.deadline))
        if isinstance(action, Sleep):
            action = run.wake()
    assert len(deadlines) > 3
    assert max(deadlines) <= 6.0


def test_the_edges_are_as_declared() -> None:
    twice = Settings(retry=RetryPolicy(attempts_max=2))
    call: Any = cancel_execution(EXECUTION_ID, seed=SEED, settings=twice)
    call = replace(call, cancel=call.cancel._replace(goal=replace(call.cancel.goal, ends_at=20.0)))
    starts = [call]
    for on_abandon in ("cancel", "detach"):
        operation: Any = execute(on_abandon, twice)
        operation = replace(operation, job=operation.job._replace(seconds=15.0))
        starts += [drive_with(operation, lost(15.0)).operation, drive_with(operation, heard(1.0, "pending"), Woke(15.0)).operation]
        starts.append(drive_with(operation, left(15.0)).operation)
    starts = [start for start in starts if not isinstance(start, Ended)]
    assert differences(walk(starts, (15.0, 16.0, 20.0), EDGES), EDGES) == []
