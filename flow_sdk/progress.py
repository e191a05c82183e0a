"""What is known of an execution while it runs, as a value, told to a callback whenever it changes: an observer.

client = PlatformClient(observers=[on_progress(lambda progress: print(progress.status, progress.fraction))])
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from platform_core.actions import Because, Done, Gone, Raise, Sleep
from platform_core.call import Calling, ReadyToCall, Submitted
from platform_core.cancelling import Cancelling, CancelPausing, Rereading
from platform_core.cleanup import Learning, LearnPausing
from platform_core.downloads import Downloading, ReadyToDownload
from platform_core.lifecycle import advance
from platform_core.limits import DEFAULT_LIMITS
from platform_core.machine import Decision
from platform_core.outcomes import Outcome, Received
from platform_core.records import ExecutionRecord
from platform_core.responses import Nonsense, execution_record
from platform_transports.run import Observer

from .fed import inner

_TROUBLE = frozenset({Because.STATUS, Because.FAILURE, Because.TOKEN_REFUSED, Because.NOT_KNOWN_YET})
"""Reasons of a pause that is not the plain one between two polls."""
_LEAVING = (Cancelling, CancelPausing, Rereading, Learning, LearnPausing)
"""Not `LastPoll`, which only looks."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of one run. `fraction` is the platform's word, 0 to 1, where it gives one."""

    operation_id: UUID
    seconds: float = 0.0
    """Since the run began, on its own clock."""
    execution_id: str | None = None
    status: str | None = None
    """As last heard; None as long as the submission was not answered."""
    fraction: float | None = None
    trouble: str = ""
    """Why it pauses, where that is not the plain pause between two polls: "status: 503"."""
    is_leaving: bool = False
    """The caller went away or the deadline passed: it is being cancelled."""
    is_ended: bool = False


def on_progress(callback: Callable[[Progress], None]) -> Observer:
    """An observer that calls back whenever what is known of an execution changes. Plain calls are not told."""
    known: dict[UUID, Progress] = {}

    def observe(decision: Decision) -> None:
        if is_plain_call(decision):
            return
        before = known.pop(decision.operation_id, Progress(decision.operation_id))
        after = advanced(before, decision)
        if not after.is_ended:
            known[decision.operation_id] = after
        if after != replace(before, seconds=after.seconds):
            callback(after)

    return observe


def advanced(progress: Progress, decision: Decision) -> Progress:
    """What is known after this decision, where that was known before it."""
    action, record = decision.action, _record(decision)
    if record is not None:
        fraction = record.get("progress")
        status = advance(progress.status, record["status"])
        progress = replace(progress, execution_id=record["execution_id"], status=status, fraction=fraction)
    return replace(
        progress,
        seconds=decision.outcome.at,
        trouble=str(action.reason) if isinstance(action, Sleep) and action.reason.because in _TROUBLE else "",
        is_leaving=isinstance(inner(decision.after), _LEAVING),
        is_ended=isinstance(action, (Done, Raise, Gone)),
    )


def is_plain_call(decision: Decision) -> bool:
    """Whether the run is no execution's: there is no progress to be told."""
    before = inner(decision.before)
    if isinstance(before, (ReadyToDownload, Downloading)):
        return True
    return isinstance(before, (ReadyToCall, Calling)) and not isinstance(before.call.expected, Submitted)


def _record(decision: Decision) -> ExecutionRecord | None:
    """The record that was heard just now. The last one stands in the end of the run, read already."""
    match decision.action:
        case Done(value):
            return cast("ExecutionRecord", value)
        case Raise(failure) if failure.execution_json is not None:
            return cast("ExecutionRecord", json.loads(failure.execution_json))
        case Gone(report) if report.record is not None:
            return report.record
        case _:
            return _heard(decision.outcome)


def _heard(outcome: Outcome) -> ExecutionRecord | None:
    if not isinstance(outcome, Received) or not outcome.response.is_success:
        return None
    found = execution_record(outcome.response, DEFAULT_LIMITS, None)
    return None if isinstance(found, Nonsense) else found
