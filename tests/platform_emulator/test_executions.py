from collections import deque
from dataclasses import replace

import pytest

from platform_core.lifecycle import TERMINAL, TRANSITIONS, ExecutionStatus
from platform_emulator.executions import advance, cancel, due, finish, record, reopened, start, timestamp
from platform_emulator.model import Behaviour, State, apply, initial
from platform_emulator.state import PENDING_SECONDS
from tests.platform_emulator.support import SEED, parsed, submission, submitted

ENDS = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


def the_status(state: State) -> ExecutionStatus:
    (execution,) = state.executions.values()
    return execution.status


def events_after(state: State, execution_id: str) -> list[State]:
    """The states after each event that the platform and its callers can bring about, impossible ones left out."""
    after = [cancel(state, execution_id, 0.0)]
    status = the_status(state)
    if status is ExecutionStatus.PENDING:
        after.append(start(state, execution_id, 0.0))
    if status is ExecutionStatus.RUNNING:
        after += [finish(state, execution_id, end, None, 0.0) for end in ENDS]
    return after


def test_the_reachable_states_walk_exactly_the_transitions_of_the_table() -> None:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 1}})
    seen, queue = {state}, deque([state])
    walked: set[tuple[ExecutionStatus, ExecutionStatus]] = set()
    while queue:
        before = queue.popleft()
        for after in events_after(before, execution_id):
            if after != before:
                walked.add((the_status(before), the_status(after)))
            if after not in seen:
                seen.add(after)
                queue.append(after)
    assert walked == {(source, target) for source, following in TRANSITIONS.items() for target in following}
    assert {the_status(each) for each in seen} == set(ExecutionStatus)


def in_status(status: ExecutionStatus) -> tuple[State, str]:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 1}})
    if status is ExecutionStatus.PENDING:
        return state, execution_id
    if status is ExecutionStatus.CANCELLED:
        return cancel(state, execution_id, 0.0), execution_id
    state = start(state, execution_id, 0.0)
    return (state if status is ExecutionStatus.RUNNING else finish(state, execution_id, status, None, 0.0)), execution_id


@pytest.mark.parametrize("source", ExecutionStatus)
@pytest.mark.parametrize("target", ExecutionStatus)
def test_a_change_that_is_not_in_the_table_is_a_bug_of_ours(source: ExecutionStatus, target: ExecutionStatus) -> None:
    state, execution_id = in_status(source)
    if target in TRANSITIONS[source]:
        assert the_status(finish(state, execution_id, target, None, 0.0)) is target
    else:
        with pytest.raises(AssertionError, match=f"cannot go from {source} to {target}"):
            finish(state, execution_id, target, None, 0.0)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_cancel_leaves_a_terminal_execution_as_it_is(status: ExecutionStatus) -> None:
    state, execution_id = in_status(status)
    assert cancel(state, execution_id, 9.0) is state


@pytest.mark.parametrize(
    ("name", "body", "end", "ends_after_seconds"),
    [
        ("echo", {"input_parameters": {"a": 1}}, "completed", 0.0),
        ("sleep", {"input_parameters": {"seconds": 2}}, "completed", 2.0),
        ("sleep", {"input_parameters": {"seconds": 2}, "timeout_seconds": 2}, "completed", 2.0),
        ("sleep", {"input_parameters": {"seconds": 2}, "timeout_seconds": 0.5}, "timeout", 0.5),
        ("fail", {"input_parameters": {"message": "no"}}, "failed", 0.0),
        ("answer", {"input_data": {"q": 1}, "execution_mode": "isolated"}, "completed", 0.0),
        ("pipeline", {"input_data": {"q": 1}}, "completed", 0.0),
    ],
)
def test_a_run_is_picked_up_and_ends_at_its_own_times(name: str, body: dict[str, object], end: str, ends_after_seconds: float) -> None:
    state, execution_id = submitted(name, body, at=10.0)
    ended = advance(state, 100.0)
    shown = record(ended.executions[execution_id], 100.0)
    assert shown["status"] == end
    assert shown.get("started_at") == timestamp(10.0 + PENDING_SECONDS)
    assert shown.get("finished_at") == timestamp(10.0 + PENDING_SECONDS + ends_after_seconds)
    assert (shown.get("result") is not None, shown.get("error") is not None) == (end == "completed", end != "completed")
    assert due(ended) is None


def test_waking_at_every_due_time_comes_to_the_same_as_one_late_look() -> None:
    state, _ = submitted("sleep", {"input_parameters": {"seconds": 2}})
    stepwise, times = state, list[float]()
    while (at := due(stepwise)) is not None and len(times) < 5:
        times.append(at)
        stepwise = advance(stepwise, at)
    assert times == [PENDING_SECONDS, PENDING_SECONDS + 2.0]
    assert stepwise == advance(state, 99.0)


def test_before_it_is_due_nothing_changes() -> None:
    state, _ = submitted("echo")
    assert advance(state, PENDING_SECONDS / 2) is state


def test_many_runs_end_in_the_order_of_their_times() -> None:
    state = initial(SEED)
    for seconds in (3, 1, 2):
        state, _ = apply(state, submission("sleep", {"input_parameters": {"seconds": seconds}}), 0.0)
    halfway = advance(state, 2.5)
    assert [each.status.value for each in halfway.executions.values()] == ["running", "completed", "completed"]
    assert due(halfway) == PENDING_SECONDS + 3.0


def test_after_a_cancel_nothing_is_due() -> None:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 2}})
    cancelled = cancel(advance(state, 1.0), execution_id, 1.0)
    assert due(cancelled) is None
    shown = record(cancelled.executions[execution_id], 5.0)
    assert (shown["status"], shown.get("finished_at")) == ("cancelled", timestamp(1.0))


def test_where_no_worker_ever_comes_nothing_is_due() -> None:
    state, response = apply(initial(SEED, Behaviour(pending_seconds=float("inf"))), submission("echo"), 0.0)
    assert due(state) is None
    assert due(start(state, parsed(response)["execution_id"], 1.0)) == 1.0


@pytest.mark.parametrize(("at", "progress"), [(PENDING_SECONDS, 0.0), (PENDING_SECONDS + 1.0, 0.5)])
def test_a_running_one_shows_how_far_it_is(at: float, progress: float) -> None:
    state, execution_id = submitted("sleep", {"input_parameters": {"seconds": 2}})
    assert record(advance(state, at).executions[execution_id], at).get("progress") == progress


def test_times_are_rfc_3339_in_utc() -> None:
    assert timestamp(1_700_000_000.25) == "2023-11-14T22:13:20.250000Z"


def test_a_platform_that_starts_again_has_lost_what_ran_and_goes_on_with_what_waited() -> None:
    state, running = submitted("sleep", {"input_parameters": {"seconds": 1}})
    state, response = apply(start(state, running, 1.0), submission("echo", Idempotency_Key="k"), 1.0)
    pending = parsed(response)["execution_id"]
    state = reopened(state, state.executions.values(), 100.0)
    lost = record(state.executions[running], 100.0)
    assert (lost["status"], lost.get("started_at"), lost.get("finished_at")) == ("failed", timestamp(1.0), timestamp(100.0))
    assert lost.get("error") == {"code": "WORKER_LOST", "message": "the platform was ended while this was running", "details": []}
    assert (state.keys["k"], due(state)) == (pending, 100.0)
    ended = record(advance(state, 100.0).executions[pending], 100.0)
    assert (ended["status"], ended.get("started_at")) == ("completed", timestamp(100.0))


def test_what_has_ended_stays_as_it_was_when_the_platform_starts_again() -> None:
    state, _ = submitted("echo")
    ended = advance(state, 5.0)
    assert reopened(ended, ended.executions.values(), 9.0) == replace(ended, opened_at=9.0)


def test_workers_that_never_pick_anything_up_do_not_after_a_new_start_either() -> None:
    state, _ = apply(initial(SEED, Behaviour(pending_seconds=float("inf"))), submission("echo"), 0.0)
    assert due(reopened(state, state.executions.values(), 9.0)) is None
