"""What the emulated platform knows, as one frozen value that hashes and compares by value."""

from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple
from uuid import UUID

from platform_core.lifecycle import ExecutionStatus

from .components import Component, Work
from .frozen_map import FrozenMap

PENDING_SECONDS = 0.015
"""How long a worker takes to pick an execution up: long enough to be seen pending, short enough for tests."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this platform behaves where platforms differ; what is in seconds is counted from a submission."""

    pending_seconds: float = PENDING_SECONDS
    """Until a worker picks it up; infinity: none ever does, and whoever holds the state calls `start` and `finish`."""
    replica_lag_seconds: float = 0.0
    """So long a status request is answered 404: it meets a replica that does not know the execution yet."""
    cancel_lag_seconds: float = 0.0
    """The same for a cancel."""
    intake_seconds: float = 0.0
    """So long a second submission with the same key is answered 409: the first is still being taken in."""
    serves_ranges: bool = True
    """False: `Range` is ignored, and whatever is read is sent whole."""

    def __post_init__(self) -> None:
        for name in ("pending_seconds", "replica_lag_seconds", "cancel_lag_seconds", "intake_seconds"):
            if not getattr(self, name) >= 0:
                message = f"{name} must not be negative"
                raise ValueError(message)


DEFAULT_BEHAVIOUR = Behaviour()
"""How it behaves where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution, with what its record does not show: the submission, its key and its billing headers.

    Times are those that `apply` and the worker events were given. `target` and `body` tell a repeated submission from another one.
    """

    execution_id: str
    component: Component
    target: str
    body: bytes
    idempotency_key: str | None
    parent_billing_txn_id: str | None
    lifecycle_event: str | None
    work: Work
    timeout_seconds: float | None
    created_at: float
    status: ExecutionStatus = ExecutionStatus.PENDING
    started_at: float | None = None
    finished_at: float | None = None
    result_json: str | None = None
    error_json: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The bytes of an object, and the content type that came with them."""

    content_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"StoredObject({self.content_type!r}, {len(self.content)} bytes)"


class Due(NamedTuple):
    """What the workers do next for an execution, and when: start it if it is pending, else end it."""

    at: float
    execution_id: str


@dataclass(frozen=True, slots=True)
class State:
    """All that the platform knows. Ids are made from `seed` and the number of executions before."""

    seed: UUID
    behaviour: Behaviour = DEFAULT_BEHAVIOUR
    executions: FrozenMap[str, Execution] = field(default_factory=FrozenMap[str, Execution])
    """By id, in the order of submission."""
    keys: FrozenMap[str, str] = field(default_factory=FrozenMap[str, str])
    """Idempotency key -> execution id."""
    schedule: tuple[Due, ...] = ()
    """Sorted; at most one entry for each execution, none for one that has ended."""
    components: tuple[Component, ...] = ()
    """Those beside the built-in ones."""
    waiting: tuple[str, ...] = ()
    """The pending executions of components that run outside of the model, in the order of submission."""
    objects: FrozenMap[tuple[str, str], StoredObject] = field(default_factory=FrozenMap[tuple[str, str], StoredObject])
    """By organization and name."""
    opened_at: float = -inf
    """When a platform that knew executions before was started again: no worker picks any of them up earlier."""
