"""Worlds that differ only in what decides nothing are one world: the form in which they compare."""

from typing import Any

from .forms import STEPS, ahead
from .network import status_in
from .world import Moment, Run, Shared


def canonical(moment: Moment) -> Any:
    """A hashable form that is equal for worlds of which the same can become."""
    return form_of_run(moment.run), form_of_shared(moment.shared)


def form_of_run(run: Run) -> Any:
    """What decides about the run: nothing once it has ended."""
    if run.ended:
        return type(run.action)
    history = run.history
    left_at = run.deadline if history.abandoned_at is None else min(run.deadline, history.abandoned_at)
    return (
        STEPS.name(run.operation, run.action, run.now),
        run.answer and (run.answer.status, status_in(run.answer)),
        run.generation,
        tuple([each.target for each in run.late]),
        ahead(left_at, run.now, float("inf")),
        history.abandoned_at is None,
        history.maybe_started,
        history.submission is not None,
        history.attempts,
        history.renewed,
    )


def form_of_shared(shared: Shared) -> Any:
    """Times of executions and the like are left out: the exploration moves the workers itself."""
    executions = tuple([(each.status, each.idempotency_key) for each in shared.platform.executions.values()])
    return executions, shared.generation, shared.budget, shared.faults_left, shared.abandonments_left
