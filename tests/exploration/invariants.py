"""What must hold in every world that can be reached, each with its number and its words in the list of invariants."""

from collections.abc import Callable
from typing import Any

from platform_core.actions import Authorize, Done, Fate, Gone, Raise, Send, Sleep
from platform_core.cleanup import CLEANUP_SECONDS
from platform_core.errors import PlatformExecutionError, PlatformTimeoutError
from platform_core.execution import Polling, Waiting
from platform_core.lifecycle import ExecutionStatus

from .world import Move, World, is_submission, sent_of

ATTEMPTS_MAX = 3
SLEEP_SECONDS_MAX = 8.0
EPSILON = 1e-6

Invariant = Callable[[Move], bool]


def at_most_one_start(move: Move) -> bool:
    """1. For each execution request the platform starts at most one execution."""
    return len(move.after.platform.executions) <= 1


def no_blind_repeat(move: Move) -> bool:
    """2. A submission without a key is sent again only if the former attempt was not handed on, or was refused unprocessed."""
    request = _sent(move)
    if request is None or not is_submission(request) or sent_of(request).key is not None:
        return True
    return not move.after.history.maybe_started


def key_and_body_stay(move: Move) -> bool:
    """3. All attempts carry the same key, target and body bytes."""
    request = _sent(move)
    return request is None or not is_submission(request) or sent_of(request) == move.after.history.submission


def terminal_latch(move: Move) -> bool:
    """4. Once a terminal state was heard, nothing changes it, and no further request is emitted."""
    return not move.after.history.terminal or move.after.ended


def truth(move: Move) -> bool:
    """5. A terminal state is reported only if the platform was in exactly that state; and so is what became of a run that was left."""
    statuses = [execution.status for execution in move.after.platform.executions.values()]
    match move.after.action:
        case Done(record):
            return statuses == [record["status"]] and record["status"] in move.after.ends_in
        case Raise(failure) if failure.execution_json is not None:
            cancelled_late = failure.error is PlatformTimeoutError and statuses == [ExecutionStatus.CANCELLED]
            is_verdict = issubclass(failure.error, PlatformExecutionError)
            return (is_verdict or cancelled_late) and f'"{statuses[0]}"' in failure.execution_json
        case Gone(report):
            match report.fate:
                case Fate.NEVER_STARTED:
                    return not statuses
                case Fate.CANCELLED:
                    return statuses == [ExecutionStatus.CANCELLED]
                case Fate.FINISHED:
                    return report.record is not None and statuses == [report.record["status"]]
                case Fate.LEFT | Fate.UNKNOWN:
                    return True
        case _:
            return True


def deadline(move: Move) -> bool:
    """7. Nothing is emitted after the deadline but the bounded clean-up; no timer is armed past it; every sleep has a bound."""
    world, action = move.after, move.after.action
    if move.outcome is None or not isinstance(action, (Send, Sleep, Authorize)):
        return True
    operation: Any = world.operation
    ends_at = _ends_at(world)
    if world.now >= ends_at + EPSILON:
        return False
    if isinstance(operation, (Polling, Waiting)) and world.now >= operation.job.seconds:
        return False
    if isinstance(action, Sleep):
        return -EPSILON <= action.until - world.now <= SLEEP_SECONDS_MAX and action.until <= ends_at + EPSILON
    return action.deadline <= ends_at + EPSILON


def budget(move: Move) -> bool:
    """8. Attempts stay within their bound; at most one refresh for each rejected token."""
    exchange: Any = getattr(move.after.operation, "exchange", None)
    if exchange is not None and exchange.tally.attempts > ATTEMPTS_MAX:
        return False
    action = move.after.action
    if move.outcome is None or not isinstance(action, Authorize) or action.rejected is None:
        return True
    return action.rejected not in move.before.history.refused


def abandoned_means_cancelled(move: Move) -> bool:
    """12. Each run that was left has had a cancel attempted, or its report carries the handle, or nothing was started."""
    match move.after.action:
        case Gone(report):
            return report.fate is Fate.NEVER_STARTED or report.handle is not None or _keyless(move.after)
        case _:
            return True


def returns_in_time(move: Move) -> bool:
    """12. Every call returns by its deadline, or by its leaving, and the clean-up's bound."""
    world = move.after
    return not world.ended or world.now <= _ends_at(world) + EPSILON


def keeps_what_it_knows(move: Move) -> bool:
    """An error of a run that may go on on the platform carries the handle."""
    match move.after.action:
        case Raise(failure) if move.after.history.maybe_started and not _keyless(move.after):
            return failure.handle is not None
        case _:
            return True


INVARIANTS: tuple[Invariant, ...] = (
    at_most_one_start,
    no_blind_repeat,
    key_and_body_stay,
    terminal_latch,
    truth,
    deadline,
    budget,
    abandoned_means_cancelled,
    returns_in_time,
    keeps_what_it_knows,
)


def _sent(move: Move) -> Any:
    """The request that this move made the operation send."""
    action = move.after.action
    return action.request if move.outcome is not None and isinstance(action, Send) else None


def _keyless(world: World) -> bool:
    return world.history.submission is not None and world.history.submission.key is None


def _ends_at(world: World) -> float:
    """When all must be over: the deadline, and once the run is left or has ended, the bound of the clean-up besides."""
    left_at = world.history.abandoned_at
    left_or_deadline = world.deadline if left_at is None else min(world.deadline, left_at)
    return left_or_deadline + (CLEANUP_SECONDS if world.ended or _is_left(world) else 0.0)


def _is_left(world: World) -> bool:
    operation: Any = world.operation
    return not hasattr(operation, "job")
