"""The lifecycle of an execution on the platform: its statuses and the one table of their transitions.

Theory of operation
-------------------
The platform alone moves an execution; we only hear of it, late, sometimes twice and sometimes out of order, since answers
may come from replicas that lag behind. Three rules follow:

Rule 1: the table below is the machine. Diagrams, the emulator's model and the tests are made from it.
Rule 2: the first terminal status that was heard wins. Nothing that is heard later changes it (`advance`).
Rule 3: a status that this table does not know is not terminal and is kept as it came: the platform may grow one, and to take
        an unknown status for an end would lose a run that is still being paid for.

A status that would go backwards (running, then pending) is the word of a lagging replica and changes nothing. One that skips
ahead (pending, then completed) is not a fault: we slept while the execution was running.

`python -m platform_core.lifecycle` prints the table as a Mermaid diagram.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ExecutionStatus(StrEnum):
    """The documented statuses."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[ExecutionStatus, Mapping[ExecutionStatus, str]] = MappingProxyType(
    {
        ExecutionStatus.PENDING: MappingProxyType(
            {
                ExecutionStatus.RUNNING: "worker picks up",
                ExecutionStatus.CANCELLED: "cancel requested",
            }
        ),
        ExecutionStatus.RUNNING: MappingProxyType(
            {
                ExecutionStatus.COMPLETED: "success",
                ExecutionStatus.FAILED: "error",
                ExecutionStatus.TIMEOUT: "deadline exceeded",
                ExecutionStatus.CANCELLED: "cancel requested",
            }
        ),
        ExecutionStatus.COMPLETED: MappingProxyType({}),
        ExecutionStatus.FAILED: MappingProxyType({}),
        ExecutionStatus.TIMEOUT: MappingProxyType({}),
        ExecutionStatus.CANCELLED: MappingProxyType({}),
    }
)
"""From each status, the statuses that may follow and what leads to them."""

INITIAL = ExecutionStatus.PENDING
TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
_BY_NAME: Mapping[str, ExecutionStatus] = MappingProxyType({str(status): status for status in ExecutionStatus})


def known(status: str) -> ExecutionStatus | None:
    """The documented status of this name, or None: Rule 3."""
    return _BY_NAME.get(status)


def is_terminal(status: str) -> bool:
    """Whether nothing can follow; never for a status that is not known here."""
    return status in TERMINAL


def is_reachable(status: ExecutionStatus, target: ExecutionStatus) -> bool:
    """Whether `target` can follow `status` by one or more transitions."""
    following = TRANSITIONS[status]
    return target in following or any(is_reachable(between, target) for between in following)


def advance(heard: str | None, reported: str) -> str:
    """The status that counts after `reported` was heard, where `heard` counted before: Rules 2 and 3."""
    if heard is None or heard == reported:  # most answers tell what counts already
        return reported
    before, after = known(heard), known(reported)
    if before in TERMINAL:
        return heard
    if before is None or after is None or is_reachable(before, after):
        return reported
    return heard


def mermaid() -> str:
    """The table as a Mermaid state diagram, in the words of the platform's own page."""
    lines = ["stateDiagram-v2", f"    [*] --> {INITIAL}: submit"]
    lines += [f"    {source} --> {target}: {why}" for source, following in TRANSITIONS.items() for target, why in following.items()]
    lines += [f"    {status} --> [*]" for status in TRANSITIONS if status in TERMINAL]
    return "\n".join(lines)


if __name__ == "__main__":
    print(mermaid())  # noqa: T201 -- printing is what the command is for
