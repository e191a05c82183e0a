"""The handles that calls leave with their callers, stored as text, as a program would that may end: another client goes on by them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from platform_core.actions import Gone
from platform_core.handles import ExecutionHandle
from platform_core.resuming import handle_of_record

from .shadow import Shadow
from .swarm import LEAVE_HANDLES, Call


class End(NamedTuple):
    """How a call ended for its caller."""

    value: Any = None
    error: BaseException | None = None
    left: bool = False


class Handles:
    """What is stored of each chain of calls: by the call that it began with, in order."""

    def __init__(self, shadows: Sequence[Shadow]) -> None:
        self._shadows = shadows
        self._stored: dict[int, list[str]] = {}

    def keep(self, call: Call, end: End) -> None:
        """Store what this call has left; one that only looks or cancels leaves what was stored."""
        if call.kind not in LEAVE_HANDLES:
            return
        handle = self._left(call, end)
        if handle is not None:
            self._stored.setdefault(self._head(call), []).append(handle.to_json())

    def of(self, call: Call) -> ExecutionHandle | None:
        """By which this call is to go on; None where nothing was left that it could use."""
        stored = self._stored.get(self._head(call))
        if call.of is None or not stored:
            return None
        handle = ExecutionHandle.from_json(stored[0 if call.from_first else -1])
        return handle if call.kind == "resume" or handle.execution_id is not None else None

    def _left(self, call: Call, end: End) -> ExecutionHandle | None:
        """As a caller gets it: of the record, of the error, or, where it went away, as its observer is told."""
        shadow = self._shadows[call.index]
        action = shadow.seen[-1].action if shadow.seen else None
        if end.left:
            return action.report.handle if isinstance(action, Gone) else None
        if end.error is not None:
            return getattr(end.error, "handle", None)
        # What is no record is a violation, and told as such.
        return None if end.value is None else handle_of_record(end.value)

    def _head(self, call: Call) -> int:
        while call.of is not None:
            call = self._shadows[call.of].call
        return call.index
