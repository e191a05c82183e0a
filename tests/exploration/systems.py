"""The runs that are explored, each in its world at the start."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from platform_core import RetryPolicy, Settings, await_execution, cancel_execution, execute_code_block
from platform_core.handles import OnAbandon
from platform_core.lifecycle import ExecutionStatus
from platform_core.operations import EXECUTION_SECONDS
from platform_core.requests import submission
from platform_emulator import model as platform
from platform_emulator.components import COMPONENTS

from .invariants import ATTEMPTS_MAX
from .world import World

SEED = UUID(int=1)
DEADLINE = 12.0
"""Later than the grace of a 404, so that the one ends before the other, and no later than needed."""
SETTINGS = Settings(retry=RetryPolicy(attempts_max=ATTEMPTS_MAX))
IDLE_WORKERS = platform.Behaviour(pending_seconds=float("inf"))
"""The exploration moves the workers itself."""
COMPLETED = frozenset({str(ExecutionStatus.COMPLETED)})
CODE_BLOCK = COMPONENTS[0].component_id


def execution(on_abandon: OnAbandon = "cancel", *, keyed: bool = True) -> World:
    """A code block is submitted and polled to its end."""
    settings = replace(SETTINGS, idempotent_submissions=keyed)
    operation: Any = execute_code_block(CODE_BLOCK, {}, seed=SEED, settings=settings, on_abandon=on_abandon)
    assert operation.job.seconds == EXECUTION_SECONDS
    return World(
        replace(operation, job=replace(operation.job, seconds=DEADLINE)), None, platform.initial(SEED, IDLE_WORKERS), DEADLINE, COMPLETED
    )


def awaiting() -> World:
    """Another client's execution is watched to its end."""
    state, execution_id = _submitted()
    return World(await_execution(execution_id, DEADLINE, seed=SEED, settings=SETTINGS), None, state, DEADLINE, COMPLETED)


def cancelling() -> World:
    """Another client's execution is cancelled."""
    state, execution_id = _submitted()
    settings = replace(SETTINGS, timeout_seconds=1.0)
    operation: Any = cancel_execution(execution_id, seed=SEED, settings=settings)
    return World(operation, None, state, operation.cancel.goal.ends_at, frozenset(ExecutionStatus))


def _submitted() -> tuple[platform.State, str]:
    request = submission(
        "code_block", CODE_BLOCK, {}, None, None, None, execution_mode=None, scope=None, lifecycle_event=None, key=None, settings=SETTINGS
    )
    state, _ = platform.apply(platform.initial(SEED, IDLE_WORKERS), request, 0.0)
    return state, next(iter(state.executions))
