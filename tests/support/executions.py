"""Runs of an execution at various points, for the tests of what happens next."""

from typing import Any

from platform_core.config import Settings
from platform_core.derive import idempotency_key
from platform_core.handles import ExecutionHandle, OnAbandon, Submission
from platform_core.machine import Operation
from platform_core.operations import await_execution, execute_code_block
from platform_core.outcomes import Woke
from tests.support.core import (
    CODE_BLOCK_ID,
    EXECUTION_ID,
    SEED,
    SETTINGS,
    Run,
    drive_with,
    heard,
)

SUBMISSION = Submission(idempotency_key(SEED), f"/api/v1/code-blocks/{CODE_BLOCK_ID}/executions", b'{"input_parameters":{"a":1}}')


def execute(settings: Settings = SETTINGS, on_abandon: OnAbandon = "cancel", **options: Any) -> Operation[Any]:
    return execute_code_block(CODE_BLOCK_ID, {"a": 1}, seed=SEED, settings=settings, on_abandon=on_abandon, **options)


def watch(timeout_seconds: float | None = None, **options: Any) -> Operation[Any]:
    return await_execution(EXECUTION_ID, timeout_seconds, seed=SEED, **options)


def submitted(**options: Any) -> Run:
    """A run whose execution is known since 0, in its first pause."""
    return drive_with(execute(**options), heard(0.0, "pending"))


def polling(at: float = 1.0, **options: Any) -> Run:
    """A run that polls at this time."""
    run = submitted(**options)
    run.tell(Woke(at))
    return run


def handle(seconds_left: float, attempts: int, on_abandon: OnAbandon = "cancel") -> ExecutionHandle:
    return ExecutionHandle("code_block", EXECUTION_ID, None, seconds_left, attempts, on_abandon)
