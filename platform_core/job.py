"""A run of an execution: what stays the same for all of it, and what it knows of the platform's side."""

from typing import NamedTuple, TypeAlias
from uuid import UUID

from .actions import Action
from .config import Settings
from .errors import Failure
from .exchange import Plan
from .handles import ExecutionHandle, HandleKind, OnAbandon, Submission
from .lifecycle import advance
from .machine import Operation
from .messages import Request
from .records import ExecutionRecord
from .retry import RetryPolicy

EXECUTION_REQUEST_SECONDS_MAX = 30.0
"""A poll or a cancel is answered from a table: what takes longer is better asked again."""
GRACE_SECONDS = 10.0
"""How long a 404 is borne for an execution that the platform is known, or said, to have: a replica may lag behind."""
_ONE_ATTEMPT = RetryPolicy(attempts_max=1)

Step: TypeAlias = tuple[Operation[ExecutionRecord], Action[ExecutionRecord]]


class Job(NamedTuple):
    """What stays the same. `seconds` is our own deadline, on the operation's clock."""

    seed: UUID
    kind: HandleKind
    settings: Settings
    seconds: float
    poll_seconds_max: float
    on_abandon: OnAbandon

    def handle(self, known: str | Submission, at: float, sends: int) -> ExecutionHandle:
        """The handle, by the execution's id where it is known, else by the submission."""
        execution_id, submission = (known, None) if isinstance(known, str) else (None, known)
        return ExecutionHandle(self.kind, execution_id, submission, max(0.0, self.seconds - at), sends, self.on_abandon)

    def single(self, request: Request, deadline: float, request_seconds_max: float) -> Plan:
        """One attempt, free of cost: a poll loop and a clean-up are their own retry loops, and paced as such."""
        return Plan(
            seed=self.seed,
            request=request,
            limits=self.settings.limits,
            policy=_ONE_ATTEMPT,
            deadline=deadline,
            request_seconds_max=request_seconds_max,
            harmless=True,
            cost=0,
        )


class Known(NamedTuple):
    """What is known of an execution on the platform."""

    execution_id: str
    since: float
    """When the waiting for its end began."""
    known_at: float
    """When an answer last knew it, or the waiting began: the grace for a 404 counts from here."""
    sends: int
    """Requests of the whole run so far."""
    status: str | None = None
    last: Failure | None = None
    """Why the last poll told nothing."""

    def after(self, record: ExecutionRecord, at: float, sends: int) -> "Known":
        """What is known once this record was heard."""
        return Known(self.execution_id, self.since, at, sends, advance(self.status, record["status"]))
