"""The runs that are explored, each in its world at the start."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from platform_core import (
    RetryPolicy,
    Settings,
    await_execution,
    cancel_execution,
    execute_code_block,
    execution_status,
    resume_execution,
    submit_code_block_execution,
)
from platform_core.actions import Gone, Send
from platform_core.derive import idempotency_key
from platform_core.handles import OnAbandon
from platform_core.lifecycle import ExecutionStatus
from platform_core.operations import VERDICT_SECONDS
from platform_core.outcomes import Abandoned, Started
from platform_core.requests import submission
from platform_core.retry import RETRY_COST, RetryBudget
from platform_emulator import model as platform
from platform_emulator.components import COMPONENTS

from .network import given_up
from .world import ATTEMPTS_MAX, History, Moment, Run, Shared, sent_of

DEADLINE = 12.0
"""Later than the grace of a 404, so that the one ends before the other, and no later than needed."""
SETTINGS = Settings(retry=RetryPolicy(attempts_max=ATTEMPTS_MAX))
SHORT = SETTINGS._replace(timeout_seconds=1.0)
GOES_ON = UUID(int=9)
"""The seed of no other run: `forms.py` takes what is submitted for known where the seed is."""
COMPLETED = frozenset({str(ExecutionStatus.COMPLETED)})
FEWER_ENDS = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED)
"""An execution that ends timeout is as one that failed: two runs at once do without it."""
CODE_BLOCK = COMPONENTS[0].component_id
PLATFORM = platform.initial(UUID(int=1), platform.Behaviour(pending_seconds=float("inf")))
"""Whose workers the exploration moves itself."""


def bounded(moment: Moment, faults: int | None, abandonments: int = 2, ends_in: tuple[ExecutionStatus, ...] = FEWER_ENDS) -> Moment:
    """The same with at most so many faults (None: any number), so often left, and with workers that end an execution so."""
    return moment._replace(shared=replace(moment.shared, faults_left=faults, abandonments_left=abandonments, ends_in=ends_in))


def execution(on_abandon: OnAbandon = "cancel", *, keyed: bool = True, generation: int = 1, index: int = 0) -> Moment:
    """A code block is submitted and polled to its end."""
    seed = UUID(int=index + 1)
    settings = SETTINGS._replace(idempotent_submissions=keyed)
    operation: Any = execute_code_block(CODE_BLOCK, {}, seed=seed, settings=settings, on_abandon=on_abandon)
    operation = replace(operation, job=operation.job._replace(seconds=DEADLINE))
    run = Run(index, operation, str(idempotency_key(seed)) if keyed else None, DEADLINE, COMPLETED)
    return Moment(run, Shared(PLATFORM, generation))


def two_executions(faults: int, *, abandonments: int = 2) -> tuple[tuple[Run, ...], Shared]:
    """Two code blocks at once, of one client, whose budget pays for two repeats."""
    first, second = execution(), execution(index=1)
    budget = RetryBudget(2 * RETRY_COST, 2 * RETRY_COST)
    runs = tuple(replace(each.run, keys_of_others=frozenset({str(other.run.key)})) for each, other in ((first, second), (second, first)))
    return runs, replace(first.shared, budget=budget, faults_left=faults, abandonments_left=abandonments, runs=2, ends_in=FEWER_ENDS)


def awaiting() -> Moment:
    """Another client's execution is watched to its end."""
    state, execution_id = _submitted()
    operation = await_execution(execution_id, DEADLINE, seed=UUID(int=1), settings=SETTINGS)
    return Moment(Run(0, operation, None, DEADLINE, COMPLETED, starts=False), Shared(state))


def resuming() -> Moment:
    """Another process goes on with the handle of a run that was left amid its first submission, which may yet arrive, or has."""
    left = execution()
    operation, action = left.run.operation.step(Started(0.0))
    assert isinstance(action, Send), "a run begins with its submission"
    _, gone = operation.step(Abandoned(0.0, "maybe", final=True))
    assert isinstance(gone, Gone), "every state lets go of a caller who leaves for good"
    operation = resume_execution(gone.report.handle, seed=GOES_ON, settings=SETTINGS)
    late = given_up(left._replace(run=replace(left.run, history=History(submission=sent_of(action.request)))), action.request)
    return late._replace(run=replace(late.run, operation=operation, deadline=VERDICT_SECONDS))


def cancelling() -> Moment:
    """Another client's execution is cancelled."""
    state, execution_id = _submitted()
    operation: Any = cancel_execution(execution_id, seed=UUID(int=1), settings=SHORT)
    run = Run(0, operation, None, operation.cancel.goal.ends_at, None, starts=False)
    return Moment(run, Shared(state))


def submitting() -> Moment:
    """A code block is submitted, and that is all."""
    seed = UUID(int=1)
    operation: Any = submit_code_block_execution(CODE_BLOCK, {}, seed=seed, settings=SHORT)
    return Moment(Run(0, operation, str(idempotency_key(seed)), operation.call.deadline, None), Shared(PLATFORM))


def looking() -> Moment:
    """Another client's execution is asked for once."""
    state, execution_id = _submitted()
    operation: Any = execution_status(execution_id, seed=UUID(int=1), settings=SHORT)
    return Moment(Run(0, operation, None, operation.call.deadline, None, starts=False), Shared(state))


def _submitted() -> tuple[platform.State, str]:
    request = submission(
        "code_block", CODE_BLOCK, {}, None, None, None, execution_mode=None, scope=None, lifecycle_event=None, key=None, settings=SETTINGS
    )
    state, _ = platform.apply(PLATFORM, request, 0.0)
    return state, next(iter(state.executions))
