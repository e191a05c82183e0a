"""What must hold in every world that can be reached: each a function that tells it of one move, with its number and its words.

9 and the connections of 6 are those of the pool (`pool_world.py`); 11 is about bytes, of which there are none here.
"""

import json
from collections.abc import Callable
from typing import Any

from platform_core.actions import Authorize, Done, Fate, Gone, Raise, Send, Sleep
from platform_core.errors import PlatformExecutionError, PlatformTimeoutError
from platform_core.execution import Polling, Waiting
from platform_core.http_dates import retry_after_seconds
from platform_core.lifecycle import ExecutionStatus, is_terminal
from platform_core.messages import Request
from platform_core.outcomes import Received, Restored

from .network import status_in
from .world import ATTEMPTS_MAX, SECRET, Moment, Move, executions_of, is_submission, sent_of

SLEEP_SECONDS_MAX = 8.0
CLEANUP_SECONDS_MAX = 5.0
EPSILON = 1e-6

Invariant = Callable[[Move], bool]


def at_most_one_start(move: Move) -> bool:
    """1. For each execution request the platform starts at most one execution."""
    after = move.after
    return len(executions_of(after)) <= 1 and len(after.shared.platform.executions) <= after.shared.runs


def no_blind_repeat(move: Move) -> bool:
    """2. A submission without a key is sent again only if the former attempt was not handed on, or was refused unprocessed."""
    request = _sent(move)
    if request is None or not is_submission(request) or sent_of(request).key is not None:
        return True
    return not move.after.run.history.maybe_started


def key_and_body_stay(move: Move) -> bool:
    """3. All attempts carry the same key, target and body bytes; two runs never share a key."""
    request = _sent(move)
    if request is None or not is_submission(request):
        return True
    sent = sent_of(request)
    run = move.after.run
    return sent == run.history.submission and sent.key == run.key and sent.key not in run.keys_of_others


def terminal_latch(move: Move) -> bool:
    """4. Once a terminal state was heard, nothing changes it, and no further request is emitted."""
    if not isinstance(move.outcome, Received):
        return True
    status = status_in(move.outcome.response)
    if status is None or not any(each.execution_id in str(move.outcome.response.body) for each in executions_of(move.after)):
        return True
    return not is_terminal(status) or (move.after.run.ended and _reported(move.after) in (status, None))


def truth(move: Move) -> bool:
    """5. A terminal state is reported only if the platform was in exactly that state; and so is what became of a run that was left."""
    run, _ = after = move.after
    statuses = [execution.status for execution in executions_of(after)]
    match run.action:
        case Done(record):
            status = record["status"]
            return (run.ends_in is None or status in run.ends_in) and (statuses == [status] or not is_terminal(status))
        case Raise(failure) if failure.execution_json is not None:
            # A run that its own deadline cancelled has its record, and is no verdict of the platform's.
            cancelled_late = failure.error is PlatformTimeoutError and statuses == [ExecutionStatus.CANCELLED]
            return (issubclass(failure.error, PlatformExecutionError) or cancelled_late) and statuses == [_reported(after)]
        case Gone(report):
            match report.fate:
                case Fate.NEVER_STARTED:
                    return not (run.starts and statuses) and not any(is_submission(request) for request in run.late)
                case Fate.CANCELLED:
                    return statuses == [ExecutionStatus.CANCELLED]
                case Fate.FINISHED:
                    return report.record is not None and statuses == [report.record["status"]] and is_terminal(statuses[0])
                case Fate.LEFT:
                    return bool(statuses)
                case Fate.UNKNOWN:
                    return True
        case _:
            return True


def matching(move: Move) -> bool:
    """6. The answer that is given to a run is about its own execution."""
    action = move.after.run.action
    own = {execution.execution_id for execution in executions_of(move.after)}
    match action:
        case Done(record):
            return record["execution_id"] in own
        case Gone(report) if report.record is not None:
            return report.record["execution_id"] in own
        case Gone(report) if report.handle is not None and report.handle.execution_id is not None:
            return report.handle.execution_id in own
        case Raise(failure) if failure.handle is not None and failure.handle.execution_id is not None:
            return failure.handle.execution_id in own
        case _:
            return True


def deadline(move: Move) -> bool:
    """7. Nothing is emitted after the deadline but the bounded clean-up; no timer is armed past it; every sleep has a bound."""
    run, action = move.after.run, move.after.run.action
    if move.outcome is None or not isinstance(action, (Send, Sleep, Authorize)):
        return True
    operation: Any = run.operation
    ends_at = _ends_at(move.after)
    if run.now >= ends_at or (isinstance(operation, (Polling, Waiting)) and run.now >= run.deadline):
        return False
    if not isinstance(action, Sleep):
        return action.deadline <= ends_at + EPSILON
    asked = retry_after_seconds(move.outcome.response.headers) if isinstance(move.outcome, Received) else None
    if isinstance(move.outcome, Restored) and isinstance(move.before.run.action, Sleep):
        asked = move.before.run.action.until - run.now
    seconds = action.until - run.now
    longest = operation.job.poll_seconds_max if isinstance(operation, Waiting) else 0.0
    return -EPSILON <= seconds <= max(SLEEP_SECONDS_MAX, longest, asked or 0.0) and action.until <= ends_at + EPSILON


def budget(move: Move) -> bool:
    """8. Attempts stay within their bound, there is one refresh for each rejected token; the retry budget is never negative."""
    run, shared = move.after
    exchange: Any = getattr(run.operation, "exchange", None)
    attempts = run.history.attempts if exchange is None else max(run.history.attempts, exchange.tally.attempts)
    if attempts > ATTEMPTS_MAX or (shared.budget is not None and shared.budget.balance < 0):
        return False
    action = run.action
    if move.outcome is None or not isinstance(action, Authorize) or action.rejected is None:
        return True
    was_rejected = isinstance(move.outcome, Received) and move.outcome.generation == action.rejected
    return was_rejected and not move.before.run.history.renewed


def confinement(move: Move) -> bool:
    """10. The token appears nowhere but in the authorization header, to the origin that was configured: no run names either."""
    run = move.after.run
    if move.outcome is None:
        return True
    request = _sent(move)
    if request is not None:
        return request.target.startswith("/api/v1/") and not request.headers.get_all("Authorization")
    return not run.ended or SECRET not in repr(run.action)


def returns_in_time(move: Move) -> bool:
    """12. Every call returns by its deadline, or by its leaving, and the clean-up's bound."""
    run = move.after.run
    return not run.ended or run.now <= _ends_at(move.after) + EPSILON


def abandoned_means_cancelled(move: Move) -> bool:
    """12. Each run that was left has had a cancel attempted, or its report carries the handle, or nothing was started."""
    match move.after.run.action:
        case Gone(report):
            return report.fate is Fate.NEVER_STARTED or report.handle is not None or _is_keyless(move.after)
        case _:
            return True


def keeps_what_it_knows(move: Move) -> bool:
    """12. An error of a run that may go on on the platform carries the handle."""
    match move.after.run.action:
        case Raise(failure) if move.after.run.history.maybe_started and not _is_keyless(move.after):
            return failure.handle is not None
        case _:
            return True


INVARIANTS: tuple[Invariant, ...] = (
    at_most_one_start,
    no_blind_repeat,
    key_and_body_stay,
    terminal_latch,
    truth,
    matching,
    deadline,
    budget,
    confinement,
    returns_in_time,
    abandoned_means_cancelled,
    keeps_what_it_knows,
)


def _sent(move: Move) -> Request | None:
    """The request that this move made the operation send."""
    action = move.after.run.action
    return action.request if move.outcome is not None and isinstance(action, Send) else None


def _reported(moment: Moment) -> str | None:
    """The status that the end of the run tells, where it tells one."""
    match moment.run.action:
        case Done(record):
            return str(record["status"])
        case Raise(failure) if failure.execution_json is not None:
            return str(json.loads(failure.execution_json)["status"])
        case Gone(report) if report.record is not None:
            return report.record["status"]
        case _:
            return None


def _is_keyless(moment: Moment) -> bool:
    submission = moment.run.history.submission
    return submission is not None and submission.key is None


def _ends_at(moment: Moment) -> float:
    """When all must be over: the deadline, and once the run is left or has ended, the bound of the clean-up besides."""
    run = moment.run
    left_at = run.history.abandoned_at
    left_or_deadline = run.deadline if left_at is None else min(run.deadline, left_at)
    bounded = hasattr(run.operation, "job") or hasattr(run.operation, "call")
    return left_or_deadline + (CLEANUP_SECONDS_MAX if run.ended or not bounded else 0.0)
