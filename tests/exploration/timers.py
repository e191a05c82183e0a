"""The times at which a run may decide otherwise than before: between two of them no time passes that would matter."""

from typing import Any

from platform_core.cancelling import CancelCall
from platform_core.cleanup import Leaving
from platform_core.job import GRACE_SECONDS

JUST_BEFORE = 0.001
"""Where a pause that is asked for would pass the time that comes next, but the time has not come."""


def thresholds(operation: Any) -> tuple[float, ...]:
    """In order; those that have passed too. None is later than the run's own end: a clock that wakes still later changes nothing more."""
    call = getattr(operation, "call", None)
    if call is not None:
        return (call.deadline,)
    cancel = getattr(operation, "cancel", None)
    goal = getattr(operation, "leaving", None) if cancel is None else cancel.goal
    match goal:
        case Leaving():
            return (goal.ends_at,)
        case CancelCall():
            return tuple(sorted((GRACE_SECONDS, goal.ends_at)))
        case _:
            return _of_job(operation)


def _of_job(operation: Any) -> tuple[float, ...]:
    found: set[float] = set()
    known, exchange = getattr(operation, "known", None), getattr(operation, "exchange", None)
    if known is not None:
        found.add(known.known_at + GRACE_SECONDS)
    if exchange is not None and exchange.tally.conflict_until is not None:
        found.add(exchange.tally.conflict_until)
    seconds = operation.job.seconds
    return tuple(sorted(at for at in found | {seconds} if at <= seconds))
