"""The running platform as one object that threads may share: model, faults, credentials and what was received, under one lock.

Every method returns at once; nothing waits here but for the disk.

Rule 1: the model is replaced in `_become` alone, which keeps the change first: what could not be kept has not happened.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from platform_core import routes
from platform_core.lifecycle import TERMINAL, ExecutionStatus
from platform_core.messages import Request, Response
from platform_core.records import ExecutionRecord

from .answers import error_answer, unauthenticated, with_request_id
from .callers import DEVELOPER, Caller
from .components import Component
from .credentials import Credentials
from .executions import finish, start
from .faults import Fault, FaultPlan
from .keeping import NOWHERE, DatabaseError, Keeper
from .model import Execution, Model, record
from .rates import RateLimit
from .request_log import Logged, RequestLog
from .tokens import Identity, TokenError, Tokens

NOT_TERMINAL = frozenset(ExecutionStatus) - TERMINAL

Clock: TypeAlias = Callable[[], float]
"""POSIX seconds that never go back: the time of the model."""


def steady_clock(not_before: float) -> Clock:
    """The time, from this one on however the system's clock is set."""
    epoch = max(time.time(), not_before) - time.monotonic()
    return lambda: epoch + time.monotonic()


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


class Met(NamedTuple):
    """What a request meets before the platform looks at it: a fault, a refusal (401 or 429), and else who it comes from."""

    fault: Fault | None
    refusal: Response | None
    caller: Caller


class Watched(NamedTuple):
    """What there is to see: the latest executions, each with its progress, and requests; how many there were; the faults to come."""

    at: float
    executions: tuple[tuple[Execution, float | None], ...]
    executions_count: int
    requests: tuple[Logged, ...]
    requests_count: int
    faults: tuple[Fault, ...]


class Service:
    """The platform without its sockets. `keeper` keeps each change of the model, which it holds already as it is."""

    def __init__(
        self,
        model: Model,
        tokens: Tokens,
        faults: Iterable[Fault] = (),
        rates: RateLimit | None = None,
        *,
        keeper: Keeper = NOWHERE,
        clock: Clock | None = None,
    ) -> None:
        self.tokens = tokens
        self.credentials: Credentials = Credentials(tokens, keeper)
        self.now: Clock = clock or steady_clock(model.state.opened_at)
        self._keeper = keeper
        self._lock = threading.Lock()
        self._model = model
        self._plan = FaultPlan()
        self._rates = rates
        self._log = RequestLog()
        for fault in faults:
            self.inject(fault)

    def due(self) -> float | None:
        """When the workers next change something; None while nothing is scheduled."""
        with self._lock:
            return self._model.due

    def advance(self) -> None:
        """Let the workers do what is due."""
        with self._lock:
            self._become(self._model.advance(self.now()))

    def met(self, request: Request) -> Met:
        """Note a request, and tell what it meets."""
        identity, refusal = self._identified(request)
        with self._lock:
            at = self.now()
            self._plan, fault = self._plan.take(request, identity.issued_at if identity else None, self._asked_status(request, at))
            self._log.add(request, at, fault)
            if refusal is None and self._rates is not None:
                self._rates, seconds = self._rates.take(identity.name if identity else "", at)
                if seconds is not None:
                    refusal = error_answer(429, "RATE_LIMITED", "too many requests", (), ("Retry-After", str(seconds)))
        return Met(fault, refusal, identity.caller if identity else DEVELOPER)

    def apply(self, request: Request, caller: Caller = DEVELOPER) -> Response:
        """What the platform answers, after what it does."""
        if _is_login(request):
            return self.credentials.login(request)
        with self._lock:
            model, response = self._model.apply(request, self.now(), caller)
            try:
                self._become(model)
            except DatabaseError as error:
                return error_answer(503, "NOT_KEPT", str(error))
        return response

    def with_request_id(self, request: Request, response: Response) -> Response:
        """An answer that the model did not give, with its `X-Request-ID`."""
        return with_request_id(request, response, self._model.state.seed, self.now())

    def inject(self, fault: Fault) -> None:
        """One more fault, after those that are still to come."""
        at = self.tokens.moment()
        with self._lock:
            self._plan = self._plan.with_fault(fault, at)

    def ended(self, execution_id: str) -> ExecutionRecord | None:
        """The record of an execution that has ended, else None."""
        return self.moved(execution_id, NOT_TERMINAL)

    def moved(self, execution_id: str, past: frozenset[ExecutionStatus]) -> ExecutionRecord | None:
        """The record of an execution whose status is none of these any more, else None."""
        with self._lock:
            execution = self._model.state.executions[execution_id]
        return None if execution.status in past else record(execution, self.now())

    def waiting(self) -> tuple[Execution, ...]:
        """The pending executions of components that run outside of the model, in the order of submission."""
        with self._lock:
            return tuple(self._model.state.executions[each] for each in self._model.state.waiting)

    def begin(self, execution_id: str) -> bool:
        """A worker has an execution in hand; False where it was cancelled before."""
        with self._lock:
            at = self.now()
            model = self._model.advance(at)
            pending = model.state.executions[execution_id].status is ExecutionStatus.PENDING
            self._become(Model(start(model.state, execution_id, at)) if pending else model)
            return pending

    def end(self, execution_id: str, status: ExecutionStatus, outcome: Any) -> None:  # noqa: ANN401 -- any JSON
        """A worker is done with an execution that it began; what ended otherwise before stays as it is."""
        with self._lock:
            at = self.now()
            model = self._model.advance(at)
            runs = model.state.executions[execution_id].status is ExecutionStatus.RUNNING
            self._become(Model(finish(model.state, execution_id, status, outcome, at)) if runs else model)

    def close(self) -> None:
        """From now on nothing happens: time stands still, and what is known can still be looked at."""
        with self._lock:
            at = self.now()
            self.now = lambda: at
            try:
                self._become(self._model.advance(at))
            finally:
                self._keeper.close()

    @property
    def requests(self) -> tuple[Request, ...]:
        """The latest requests as they were received, without their credentials."""
        with self._lock:
            return self._log.requests

    @property
    def executions(self) -> tuple[ExecutionView, ...]:
        """All executions as they are now, in the order of submission."""
        with self._lock:
            at = self.now()
            self._become(self._model.advance(at))
            executions = tuple(self._model.state.executions.values())
        return tuple(_view(each, at) for each in executions)

    def watched(self, latest_max: int) -> Watched:
        """What there is to see; changes nothing."""
        with self._lock:
            at = self.now()
            state, log, faults = self._model.advance(at).state, self._log, self._plan.faults
            requests, requests_count = log.latest(latest_max), log.count
        executions = tuple(state.executions.values())
        latest = tuple((each, record(each, at).get("progress")) for each in executions[-latest_max:])
        return Watched(at, latest, len(executions), requests, requests_count, faults)

    def _identified(self, request: Request) -> tuple[Identity | None, Response | None]:
        """Who asks, or why that is refused; neither for a login, which needs no credentials."""
        if _is_login(request):
            return None, None
        try:
            return self.credentials.identity(request.headers), None
        except TokenError as error:
            return None, unauthenticated(str(error))

    def _asked_status(self, request: Request, at: float) -> ExecutionStatus | None:
        """The status of the execution that a status request asks for."""
        segments = routes.EXECUTION_STATUS.match(request.method, request.path)
        if segments is None:
            return None
        execution = self._model.advance(at).state.executions.get(segments["execution_id"].lower())
        return None if execution is None else execution.status

    def _become(self, model: Model) -> None:
        if model is not self._model:
            self._keeper.keep(self._model.state, model.state)
            self._model = model


def _is_login(request: Request) -> bool:
    return routes.LOGIN.match(request.method, request.path) is not None


def _view(execution: Execution, at: float) -> ExecutionView:
    return ExecutionView(
        record=record(execution, at),
        component=execution.component,
        body=execution.body,
        idempotency_key=execution.idempotency_key,
        parent_billing_txn_id=execution.parent_billing_txn_id,
        lifecycle_event=execution.lifecycle_event,
    )
