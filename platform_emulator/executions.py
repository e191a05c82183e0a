"""What happens to an execution after it was taken in: worker events, cancellation, and the one schedule of all of it.

Rule 1: every change of a status goes through `_moved`, which refuses what does not stand in `lifecycle.TRANSITIONS`: such a
        change is a bug of whoever asked for it, never the answer to a request.
Rule 2: when something happens is decided here, in `_due`, and nowhere else: server and fake wake at `due` and call `advance`.
Rule 3: a scheduled change happens at its own time, however late `advance` is called.
Rule 4: a component that runs outside of the model is started and finished from there; its deadline is scheduled here.
Rule 5: workers end with the platform: after a new start what was running has failed, and what was pending is still to be run.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from platform_core.lifecycle import TERMINAL, TRANSITIONS, ExecutionStatus
from platform_core.records import ErrorBody, ExecutionRecord

from .frozen_map import FrozenMap
from .state import Due, Execution, State

WORKER_LOST = "WORKER_LOST"
"""The code of a run that ended before it came to an end of its own."""


def due(state: State) -> float | None:
    """When the workers next change something, in the time of `at`; None while nothing is scheduled."""
    return state.schedule[0].at if state.schedule else None


def advance(state: State, at: float) -> State:
    """The state after all that the workers do by `at`, in the order of its times."""
    while state.schedule and state.schedule[0].at <= at:
        next_due = state.schedule[0]
        execution = state.executions[next_due.execution_id]
        if execution.status is ExecutionStatus.PENDING:
            state = start(state, execution.execution_id, next_due.at)
        else:
            state = _end(state, execution, next_due.at)
    return state


def start(state: State, execution_id: str, at: float) -> State:
    """A worker picks up a pending execution."""
    return _with(state, replace(_moved(state.executions[execution_id], ExecutionStatus.RUNNING), started_at=at))


def finish(state: State, execution_id: str, status: ExecutionStatus, outcome: Any, at: float) -> State:  # noqa: ANN401 -- any JSON
    """A running execution ends: `outcome` is the result of a `completed` one, else its error body."""
    ended = replace(_moved(state.executions[execution_id], status), finished_at=at)
    text = json.dumps(outcome)
    completed = status is ExecutionStatus.COMPLETED
    return _with(state, replace(ended, result_json=text) if completed else replace(ended, error_json=text))


def cancel(state: State, execution_id: str, at: float) -> State:
    """A cancel was asked for; one that has ended stays as it is."""
    execution = state.executions[execution_id]
    if execution.status in TERMINAL:
        return state
    cancelled = replace(_moved(execution, ExecutionStatus.CANCELLED), finished_at=at)
    return _with(state, replace(cancelled, error_json=json.dumps(_error("EXECUTION_CANCELLED", "the execution was cancelled on request"))))


def taken_in(state: State, execution: Execution) -> State:
    """The state with a new execution."""
    state = _with(state, execution)
    if execution.idempotency_key is None:
        return state
    return replace(state, keys=state.keys.with_entry(execution.idempotency_key, execution.execution_id))


def reopened(state: State, executions: Iterable[Execution], at: float) -> State:
    """The platform started again at this time, where it knew these executions, in the order of submission, when it ended."""
    state = replace(state, opened_at=at)
    known = [_lost(each, at) if each.status is ExecutionStatus.RUNNING else each for each in executions]
    dues = ((_due(state, each), each.execution_id) for each in known)
    return replace(
        state,
        executions=FrozenMap({each.execution_id: each for each in known}),
        keys=FrozenMap({each.idempotency_key: each.execution_id for each in known if each.idempotency_key is not None}),
        schedule=tuple(sorted(Due(due_at, execution_id) for due_at, execution_id in dues if due_at is not None)),
        waiting=tuple(each.execution_id for each in known if _waits(each)),
    )


def record(execution: Execution, at: float) -> ExecutionRecord:
    """The execution as the platform shows it at this time; one that runs for a while shows its progress."""
    shown: ExecutionRecord = {
        "execution_id": execution.execution_id,
        "status": execution.status.value,
        "component_type": execution.component.kind,
        "component_id": execution.component.component_id,
        "result": None if execution.result_json is None else json.loads(execution.result_json),
        "error": None if execution.error_json is None else json.loads(execution.error_json),
        "created_at": timestamp(execution.created_at),
        "started_at": None if execution.started_at is None else timestamp(execution.started_at),
        "finished_at": None if execution.finished_at is None else timestamp(execution.finished_at),
    }
    if execution.status is ExecutionStatus.RUNNING and execution.started_at is not None and 0 < execution.work.seconds < inf:
        shown["progress"] = round(min(max((at - execution.started_at) / execution.work.seconds, 0.0), 1.0), 3)
    return shown


def timestamp(at: float) -> str:
    """POSIX seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moved(execution: Execution, status: ExecutionStatus) -> Execution:
    if status not in TRANSITIONS[execution.status]:
        message = f"{execution.execution_id} cannot go from {execution.status} to {status}"
        raise AssertionError(message)
    return replace(execution, status=status)


def _lost(execution: Execution, at: float) -> Execution:
    error = _error(WORKER_LOST, "the platform was ended while this was running")
    return replace(_moved(execution, ExecutionStatus.FAILED), finished_at=at, error_json=json.dumps(error))


def _end(state: State, execution: Execution, at: float) -> State:
    """The end that is due: the component's own, or the deadline where that comes first."""
    work = execution.work
    if execution.timeout_seconds is not None and execution.timeout_seconds < work.seconds:
        error = _error("EXECUTION_TIMEOUT", f"the execution did not end within {execution.timeout_seconds:g} s")
        return finish(state, execution.execution_id, ExecutionStatus.TIMEOUT, error, at)
    return finish(state, execution.execution_id, work.status, json.loads(work.outcome_json), at)


def _with(state: State, execution: Execution) -> State:
    """The state with this execution in place of its earlier self, and scheduled anew."""
    schedule = [each for each in state.schedule if each.execution_id != execution.execution_id]
    at = _due(state, execution)
    if at is not None:
        schedule = sorted((*schedule, Due(at, execution.execution_id)))
    waiting = tuple(each for each in state.waiting if each != execution.execution_id)
    if _waits(execution):
        waiting += (execution.execution_id,)
    executions = state.executions.with_entry(execution.execution_id, execution)
    return replace(state, executions=executions, schedule=tuple(schedule), waiting=waiting)


def _waits(execution: Execution) -> bool:
    return execution.component.external and execution.status is ExecutionStatus.PENDING


def _due(state: State, execution: Execution) -> float | None:
    """When the workers next change this execution. The deadline runs from the start: only a running one can end `timeout`."""
    if execution.status in TERMINAL:
        return None
    if execution.started_at is None:
        at = inf if execution.component.external else max(execution.created_at + state.behaviour.pending_seconds, state.opened_at)
    else:
        longest = inf if execution.timeout_seconds is None else execution.timeout_seconds
        at = execution.started_at + min(execution.work.seconds, longest)
    return None if at == inf else at


def _error(code: str, message: str) -> ErrorBody:
    return {"code": code, "message": message, "details": []}
