"""What a driver is asked to do, and why.

A driver performs one action at a time and reports what came of it. Each action carries its reason, for observers alone: no
driver decides anything by it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, TypeAlias, TypeVar, assert_never

from .errors import Failure
from .handles import ExecutionHandle
from .messages import Request
from .records import ExecutionRecord

T_co = TypeVar("T_co", covariant=True)


class Because(StrEnum):
    """The facts that lead to an action."""

    FIRST = "first"
    """Nothing was sent before this."""
    STATUS = "status"
    """The answer had this status."""
    FAILURE = "failure"
    """There was no answer, by this cause."""
    STALE_CONNECTION = "stale connection"
    """The server closed a kept connection just as it was used again."""
    PAUSE_OVER = "pause over"
    TOKEN_REJECTED = "token rejected"
    NO_TOKEN = "no token"
    TOKEN_RENEWED = "token renewed"
    TOKEN_REFUSED = "token refused"
    """The token provider gave none, by this reason."""
    BUDGET_EMPTY = "budget empty"
    NOT_TERMINAL = "not terminal"
    """The execution goes on, with this status."""
    NOT_KNOWN_YET = "not known yet"
    """A 404 for an execution within its grace."""
    TERMINAL = "terminal"
    """The execution ended, with this status."""
    ANSWERED = "answered"
    NONSENSE = "nonsense"
    DEADLINE = "deadline"
    ABANDONED = "abandoned"
    LEFT_RUNNING = "left running"
    CLEANUP_OVER = "clean-up over"
    RESTORED = "restored"


class Reason(NamedTuple):
    """Why an action was chosen: a typed fact and, where there is one, its particular (a status, a cause)."""

    because: Because
    detail: str = ""

    @classmethod
    def of(cls, failure: Failure) -> "Reason":
        """The status of the answer where there was one, else why there was none."""
        return cls(Because.STATUS, str(failure.status_code)) if failure.status_code else cls(Because.FAILURE, failure.message)

    def __str__(self) -> str:
        return f"{self.because}: {self.detail}" if self.detail else str(self.because)


FIRST = Reason(Because.FIRST)
"""These stand in every call and every poll: made once."""
ANSWERED = Reason(Because.ANSWERED)
PAUSE_OVER = Reason(Because.PAUSE_OVER)


class Fate(StrEnum):
    """What became of a run that its caller left."""

    NEVER_STARTED = "never started"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    LEFT = "left"
    UNKNOWN = "unknown"


class Report(NamedTuple):
    """The truth about a run that was left, as far as it is known.

    `handle` is there where something may be running, or has run, on the platform; `record` where the platform's word was heard.
    """

    fate: Fate
    handle: ExecutionHandle | None = None
    record: ExecutionRecord | None = None

    def __str__(self) -> str:
        identity = f" {self.handle.execution_id}" if self.handle is not None and self.handle.execution_id is not None else ""
        match self.fate:
            case Fate.NEVER_STARTED:
                return "nothing was started on the platform"
            case Fate.CANCELLED:
                return f"execution{identity} was cancelled on the platform"
            case Fate.FINISHED:
                status = self.record["status"] if self.record is not None else "finished"
                return f"execution{identity} had ended on the platform: {status}"
            case Fate.LEFT:
                return f"execution{identity} was left running on the platform"
            case Fate.UNKNOWN:
                return f"what became of execution{identity} on the platform is not known"
            case _:
                assert_never(self.fate)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request; be done by `deadline`. Answered by `Received` or `Failed`."""

    request: Request
    deadline: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Sleep:
    """Sleep until then, if the retry budget can pay `cost`. Answered by `Woke` or, at once, by `Refused`."""

    until: float
    cost: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Authorize:
    """Get a token later than number `rejected` (None: any token). Answered by `Authorized` or `NotAuthorized`."""

    rejected: int | None
    deadline: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Done(Generic[T_co]):
    """The end: this is the operation's value."""

    value: T_co
    reason: Reason


@dataclass(frozen=True, slots=True)
class Raise:
    """The end: the driver makes an exception of this failure."""

    failure: Failure
    reason: Reason


@dataclass(frozen=True, slots=True)
class Gone:
    """The end of a run whose caller left: the driver tells the observers and re-raises what made it leave."""

    report: Report
    reason: Reason


Wait: TypeAlias = Send | Sleep | Authorize
End: TypeAlias = Done[T_co] | Raise | Gone
Action: TypeAlias = Send | Sleep | Authorize | Done[T_co] | Raise | Gone
"""What a driver is asked to do: one thing at a time."""
