"""What a process leaves behind that dies: the value that was stored before its action was performed, as JSON."""

import json
from typing import Any

from platform_core.machine import Operation
from platform_core.outcomes import Outcome, Restored, Started
from platform_core.resuming import first_outcome
from platform_core.snapshots import restore, snapshot

_CAME_BACK: dict[int, Operation[Any]] = {}
"""By identity, which is the operation's own as long as it is kept here."""


def stored(operation: Operation[Any]) -> Started | Restored:
    """What another process tells the operation first: its clock stands still meanwhile. It must come back from JSON as it was."""
    if id(operation) not in _CAME_BACK:
        restored = restore(json.loads(json.dumps(snapshot(operation), allow_nan=False)))
        first: Outcome = first_outcome(operation)
        assert restored == operation, "an operation comes back from a snapshot as it was"
        assert restored.step(first) == operation.step(first), "and steps as it did"
        _CAME_BACK[id(operation)] = operation
    return first_outcome(operation)
