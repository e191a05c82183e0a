"""Makers for the tests of the core: answers, outcomes, settings, and a run that is fed outcomes one by one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from platform_core.actions import Action, Because, Gone, Raise, Reason, Send, Sleep
from platform_core.agent_stream import ReadyToStream, Streaming
from platform_core.config import Settings
from platform_core.downloads import Downloading, ReadyToDownload
from platform_core.machine import Ended, Operation
from platform_core.messages import Headers, Request, Response
from platform_core.outcomes import (
    Abandoned,
    Authorized,
    Failed,
    FailureCause,
    NotAuthorized,
    Outcome,
    Received,
    Refused,
    Restored,
    Sent,
    Started,
    Woke,
)
from platform_core.records import ExecutionRecord
from platform_core.resuming import first_outcome
from platform_core.retry import RetryPolicy
from platform_core.snapshots import restore, snapshot

SEED = UUID("6c9f1f2e-0c39-4d53-9f0c-5f6a2b6a1d10")
OTHER_SEED = UUID("0d5a7f7e-7d1e-4bb1-8b1f-3d1a5e0f9a11")
CODE_BLOCK_ID = UUID("11111111-2222-4333-8444-555555555555")
EXECUTION_ID = "99999999-8888-4777-8666-555555555555"
SETTINGS = Settings()
KEYLESS = Settings(idempotent_submissions=False)
ONE_ATTEMPT = Settings(retry=RetryPolicy(attempts_max=1))
MANY_ATTEMPTS = Settings(retry=RetryPolicy(attempts_max=1000))
JSON_TYPE = ("Content-Type", "application/json")
REQUEST_ID = "X-Request-ID"


def record(status: str = "running", execution_id: str = EXECUTION_ID, **fields: object) -> ExecutionRecord:
    """An execution record as the platform sends it."""
    return cast(ExecutionRecord, {"execution_id": execution_id, "status": status, **fields})


def response(status: int, content: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with this JSON in its body, or none."""
    fields = tuple((headers or {}).items())
    if content is None:
        return Response(status, Headers(fields))
    return Response(status, Headers((JSON_TYPE, *fields)), json.dumps(content).encode())


def answered(at: float, status: int, content: object = None, headers: Mapping[str, str] | None = None, generation: int = 1) -> Received:
    """The answer to a `Send`."""
    return Received(at, response(status, content, headers), generation)


def asks_for(at: float, status: int, seconds: int) -> Received:
    """An answer that asks for a pause."""
    return answered(at, status, headers={"Retry-After": str(seconds)})


def heard(at: float, status: str = "running", headers: Mapping[str, str] | None = None, **fields: Any) -> Received:
    """The answer is an execution record with this status."""
    return answered(at, 200, record(status, **fields), headers)


def lost(at: float, sent: Sent = "maybe", cause: FailureCause = FailureCause.READ, *, reused: bool = False) -> Failed:
    """No answer came."""
    return Failed(at, cause, sent, reused)


def no_token(at: float) -> Failed:
    """There is no token to send with."""
    return Failed(at, FailureCause.NO_TOKEN, "no")


def token_refused(at: float, *, permanent: bool = False) -> NotAuthorized:
    """The provider gave none."""
    return NotAuthorized(at, "KeyError" if permanent else "OSError", permanent)


def left(at: float, sent: Sent = "maybe", *, final: bool = False) -> Abandoned:
    """The caller went away."""
    return Abandoned(at, sent, final)


NOT_STORED = (Ended, ReadyToDownload, Downloading, ReadyToStream, Streaming)
"""What needs no storing, and what cannot be: of a body that flows and breaks off, what came of it is with the caller."""


@dataclass
class Run:
    """An operation under way, and every action it has asked for. Whatever it is told, its accounts have to be right."""

    operation: Operation[Any]
    actions: list[Action[Any]] = field(default_factory=list[Action[Any]])

    def tell(self, *outcomes: Outcome) -> Any:
        """What the operation asks for after these outcomes: the last action, of whichever class."""
        for outcome in outcomes:
            before = self.operation
            self.operation, action = before.step(outcome)
            self.actions.append(action)
            assert self.operation.seed == before.seed
            assert isinstance(action.reason, Reason)
            assert isinstance(action.reason.because, Because)
            assert isinstance(self.operation, NOT_STORED) or restore(snapshot(self.operation)) == self.operation, "it can be stored"
            assert clocks(self.operation) <= {outcome.at}, "there its clock stands still while it is stored"
            assert counts(self.operation) <= {len(self.requests)}
            if isinstance(action, Raise):
                assert (action.failure.attempts, action.failure.elapsed) == (len(self.requests), outcome.at)
            handle = action.report.handle if isinstance(action, Gone) else action.failure.handle if isinstance(action, Raise) else None
            assert handle is None or handle.attempts == len(self.requests)
        return self.action

    @property
    def action(self) -> Any:
        return self.actions[-1]

    @property
    def state(self) -> Any:
        """The operation, for a look at the fields of its class."""
        return self.operation

    @property
    def requests(self) -> list[Request]:
        """All that was to be sent, in order."""
        return [action.request for action in self.actions if isinstance(action, Send)]

    @property
    def pauses(self) -> list[Sleep]:
        return [action for action in self.actions if isinstance(action, Sleep)]

    def wake(self) -> Any:
        """What the operation asks for once the pause that it asked for is over."""
        return self.tell(Woke(self.action.until))


def clocks(state: Any) -> set[float]:
    """When what is in flight was decided, as the state and the exchange in it say."""
    exchange: Any = getattr(state, "exchange", None)
    return {each.at for each in (state, exchange and exchange.tally) if hasattr(each, "at")}


def counts(state: Any) -> set[int]:
    """How many requests there were, as the state and what is in it say."""
    exchange: Any = getattr(state, "exchange", None)
    if exchange is not None:
        return {exchange.tally.sends}
    parts: list[Any] = [state, getattr(state, "known", None), getattr(state, "cancel", None)]
    return {each.sends for each in parts if hasattr(each, "sends")}


def drive_with(operation: Operation[Any], *outcomes: Outcome) -> Run:
    """The run of an operation that began as a driver would begin it, after these outcomes."""
    run = Run(operation)
    run.tell(first_outcome(operation), *outcomes)
    return run


def targets(requests: list[Request]) -> list[str]:
    """Method and last part of each target, as in "POST executions"."""
    return [f"{request.method} {request.target.rsplit('/', 1)[-1]}" for request in requests]


def samples(at: float) -> tuple[Outcome, ...]:
    """One outcome of each class, and of `Received`, `Failed`, `NotAuthorized` and `Abandoned` every kind that decides something."""
    return (
        Started(at),
        Restored(at),
        *(answered(at, status) for status in (200, 400, 401, 404, 409, 429, 500, 503)),
        *(heard(at, status) for status in ("pending", "running", "completed", "failed", "cancelled")),
        *(lost(at, sent, cause) for sent in ("no", "maybe") for cause in (FailureCause.READ, FailureCause.TLS)),
        lost(at, cause=FailureCause.DISCONNECTED, reused=True),
        no_token(at),
        Woke(at),
        Refused(at),
        Authorized(at),
        token_refused(at),
        token_refused(at, permanent=True),
        *(left(at, sent, final=final) for sent in ("no", "maybe") for final in (False, True)),
    )
