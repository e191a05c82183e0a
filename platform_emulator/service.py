"""The running platform as one object that threads may share: model, faults, tokens and what was received, under one lock.

Every method returns at once; nothing waits here.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Request, Response
from platform_core.records import ExecutionRecord

from .answers import unauthenticated, with_request_id
from .components import Component
from .faults import Fault, FaultPlan
from .model import Execution, Model, record
from .tokens import TokenError, Tokens

REQUESTS_KEPT_MAX = 10_000
"""So that a platform which serves for days keeps a bounded memory of what it was asked."""

_SECRET_HEADERS = frozenset({"authorization", "x-api-key"})


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """An execution as tests see it: its record, and what came with the submission beside it."""

    record: ExecutionRecord
    component: Component
    body: bytes
    idempotency_key: str | None
    parent_billing_txn_id: str | None
    lifecycle_event: str | None

    @property
    def execution_id(self) -> str:
        """As in the record."""
        return self.record["execution_id"]

    @property
    def status(self) -> ExecutionStatus:
        """As in the record."""
        return ExecutionStatus(self.record["status"])


class Service:
    """The platform without its sockets."""

    def __init__(self, model: Model, tokens: Tokens, faults: Iterable[Fault] = ()) -> None:
        self.tokens = tokens
        self._lock = threading.Lock()
        self._model = model
        self._plan = FaultPlan()
        self._requests: deque[Request] = deque(maxlen=REQUESTS_KEPT_MAX)
        self._epoch = time.time() - time.monotonic()
        for fault in faults:
            self.inject(fault)

    def now(self) -> float:
        """POSIX seconds that never go back: the time of the model."""
        return self._epoch + time.monotonic()

    def due(self) -> float | None:
        """When the workers next change something; None while nothing is scheduled."""
        with self._lock:
            return self._model.due

    def advance(self) -> None:
        """Let the workers do what is due."""
        with self._lock:
            self._model = self._model.advance(self.now())

    def met(self, request: Request) -> tuple[Fault | None, Response | None]:
        """Note a request; answer with the fault that it meets, and with the refusal where its token is not accepted."""
        issued_at, refusal = self._checked_token(request)
        bare = Headers(tuple((name, value) for name, value in request.headers if name.lower() not in _SECRET_HEADERS))
        with self._lock:
            self._requests.append(Request(request.method, request.target, bare, request.body))
            self._plan, fault = self._plan.take(request, issued_at)
        return fault, refusal

    def apply(self, request: Request) -> Response:
        """What the platform answers, after what it does."""
        with self._lock:
            self._model, response = self._model.apply(request, self.now())
        return response

    def with_request_id(self, request: Request, response: Response) -> Response:
        """An answer that the model did not give, with its `X-Request-ID`."""
        return with_request_id(request, response, self._model.state.seed, self.now())

    def inject(self, fault: Fault) -> None:
        """One more fault, after those that are still to come."""
        at = self.tokens.moment()
        with self._lock:
            self._plan = self._plan.with_fault(fault, at)

    @property
    def requests(self) -> tuple[Request, ...]:
        """The latest requests as they were received, without their tokens."""
        with self._lock:
            return tuple(self._requests)

    @property
    def executions(self) -> tuple[ExecutionView, ...]:
        """All executions as they are now, in the order of submission."""
        with self._lock:
            at = self.now()
            self._model = self._model.advance(at)
            executions = tuple(self._model.state.executions.values())
        return tuple(_view(each, at) for each in executions)

    def _checked_token(self, request: Request) -> tuple[float | None, Response | None]:
        scheme, _, token = (request.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None, unauthenticated("a bearer token is needed")
        try:
            return self.tokens.issued_at(token), None
        except TokenError as error:
            return None, unauthenticated(str(error))


def _view(execution: Execution, at: float) -> ExecutionView:
    return ExecutionView(
        record=record(execution, at),
        component=execution.component,
        body=execution.body,
        idempotency_key=execution.idempotency_key,
        parent_billing_txn_id=execution.parent_billing_txn_id,
        lifecycle_event=execution.lifecycle_event,
    )
