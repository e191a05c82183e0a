"""Runs that are being left, for the tests of what becomes of them."""

from typing import Any

from platform_core.config import Settings
from platform_core.derive import idempotency_key
from platform_core.handles import ExecutionHandle, OnAbandon, Submission
from platform_core.machine import Operation
from platform_core.operations import execute_code_block
from platform_core.outcomes import Woke
from tests.support.core import (
    CODE_BLOCK_ID,
    EXECUTION_ID,
    SEED,
    SETTINGS,
    Run,
    answered,
    drive_with,
    heard,
    left,
    lost,
)

DEADLINE = 40.0
SUBMISSION = Submission(
    idempotency_key(SEED),
    f"/api/v1/code-blocks/{CODE_BLOCK_ID}/executions",
    b'{"input_parameters":{"a":1},"timeout_seconds":10.0}',
)


def execute(on_abandon: OnAbandon = "cancel", settings: Settings = SETTINGS) -> Operation[Any]:
    """A run whose own deadline is at 40 s."""
    return execute_code_block(CODE_BLOCK_ID, {"a": 1}, timeout_seconds=10.0, seed=SEED, on_abandon=on_abandon, settings=settings)


def learning() -> Run:
    """Abandoned at 1, while submitting: the clean-up ends at 6."""
    return drive_with(execute(), left(1.0))


def learn_pausing() -> Run:
    run = learning()
    run.tell(answered(1.5, 503))
    return run


def cancelling() -> Run:
    """Abandoned at 1, in the first pause: the clean-up ends at 6."""
    return drive_with(execute(), heard(0.0, "pending"), left(1.0, "no"))


def cancel_pausing() -> Run:
    run = cancelling()
    run.tell(heard(1.5, "running"))
    return run


def rereading() -> Run:
    run = cancelling()
    run.tell(answered(1.5, 409))
    return run


def last_poll(on_abandon: OnAbandon = "cancel") -> Run:
    """The deadline passed in a pause: the clean-up ends at 45."""
    return drive_with(execute(on_abandon), heard(30.0, "running"), Woke(DEADLINE))


def cancelling_late() -> Run:
    """The deadline passed, and the last poll told nothing: the clean-up ends at 45."""
    run = last_poll()
    run.tell(heard(41.0, "running"))
    return run


def learning_late() -> Run:
    """The deadline passed while submitting: the clean-up ends at 45."""
    return drive_with(execute(), lost(DEADLINE))


def learn_pausing_late() -> Run:
    run = learning_late()
    run.tell(answered(41.0, 503))
    return run


def handle(seconds_left: float, attempts: int, known: str | Submission = EXECUTION_ID, on_abandon: OnAbandon = "cancel") -> ExecutionHandle:
    execution_id, submission = (known, None) if isinstance(known, str) else (None, known)
    return ExecutionHandle("code_block", execution_id, submission, seconds_left, attempts, on_abandon)
