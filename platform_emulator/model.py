"""The platform as a pure model: a request and a time go in, the next state and an answer come out.

What others build on::

    initial(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR) -> State
    apply(state: State, request: Request, at: float) -> tuple[State, Response]       answers; moves no worker
    due(state: State) -> float | None                                                when the workers next change something
    advance(state: State, at: float) -> State                                        all that they do by then
    start(state: State, execution_id: str, at: float) -> State                       one worker event, by hand
    finish(state: State, execution_id: str, status: ExecutionStatus, outcome: JSON, at: float) -> State
    record(execution: Execution, at: float) -> ExecutionRecord

and the same as one frozen value, in which the workers are always up to date, for a driver with a clock::

    Model(state: State)
    Model.new(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR) -> Model
    model.due -> float | None
    model.advance(at: float) -> Model
    model.apply(request: Request, at: float) -> tuple[Model, Response]               advances first

Rule 1: `State` and `Model` are frozen and hashable; equal ones behave equally. Nothing here reads a clock, waits or imports a server.
Rule 2: `at` is seconds since the epoch (RFC 3339 times in records are made of it), or of any other clock that never goes back.
Rule 3: requests are in origin-form with the body inline. Who may ask is not asked here: tokens are the server's business.
Rule 4: every request gets an answer; an exception is our bug.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias
from urllib.parse import parse_qs
from uuid import UUID

from platform_core import routes
from platform_core.messages import Request, Response
from platform_core.routes import Route

from .answers import error_answer, json_answer, not_found, with_request_id
from .components import ORG_ID
from .executions import advance, cancel, due, finish, record, start
from .skills import VERSIONS, skills
from .state import DEFAULT_BEHAVIOUR, Behaviour, Execution, State
from .submissions import submit

__all__ = [
    "DEFAULT_BEHAVIOUR",
    "Behaviour",
    "Execution",
    "Model",
    "State",
    "advance",
    "apply",
    "due",
    "finish",
    "initial",
    "record",
    "start",
]


def initial(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR) -> State:
    """A platform on which nothing was executed yet; `seed` is what its ids are made from."""
    return State(seed, behaviour)


def apply(state: State, request: Request, at: float) -> tuple[State, Response]:
    """The state after this request, and the answer to it, which carries an `X-Request-ID`."""
    state, response = _answered(state, request, at)
    return state, with_request_id(request, response, state.seed, at)


@dataclass(frozen=True, slots=True)
class Model:
    """A state whose workers never lag: the pure platform for a driver that has a clock, virtual or real."""

    state: State

    @classmethod
    def new(cls, seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR) -> "Model":
        """A platform on which nothing was executed yet."""
        return cls(initial(seed, behaviour))

    @property
    def due(self) -> float | None:
        """When `advance` next changes something; None while nothing is scheduled."""
        return due(self.state)

    def advance(self, at: float) -> "Model":
        """The model after all that the workers do by `at`."""
        state = advance(self.state, at)
        return self if state is self.state else Model(state)

    def apply(self, request: Request, at: float) -> "tuple[Model, Response]":
        """The model after this request at this time, and the answer to it."""
        state, response = apply(advance(self.state, at), request, at)
        return (self if state is self.state else Model(state)), response


_Handler: TypeAlias = Callable[[State, Request, Mapping[str, str], float], tuple[State, Response]]


def _answered(state: State, request: Request, at: float) -> tuple[State, Response]:
    path = request.path
    if request.method == "HEAD":
        state, response = _answered(state, replace(request, method="GET"), at)
        return state, replace(response, body=b"")
    for route, handler in _HANDLERS:
        segments = route.match(request.method, path)
        if segments is not None:
            return handler(state, request, segments, at)
    allowed = sorted({route.method for route, _ in _HANDLERS if route.match(route.method, path) is not None})
    if allowed:
        message = f"{path} takes {', '.join(allowed)}"
        return state, error_answer(405, "METHOD_NOT_ALLOWED", message, (), ("Allow", ", ".join(allowed)))
    return state, not_found(path)


def _status(state: State, _request: Request, segments: Mapping[str, str], at: float) -> tuple[State, Response]:
    execution = _known(state, segments, state.behaviour.replica_lag_seconds, at)
    if execution is None:
        return state, not_found(f"execution {segments['execution_id']}")
    return state, json_answer(200, record(execution, at))


def _cancel(state: State, _request: Request, segments: Mapping[str, str], at: float) -> tuple[State, Response]:
    execution = _known(state, segments, state.behaviour.cancel_lag_seconds, at)
    if execution is None:
        return state, not_found(f"execution {segments['execution_id']}")
    state = cancel(state, execution.execution_id, at)
    return state, json_answer(200, record(state.executions[execution.execution_id], at))


def _known(state: State, segments: Mapping[str, str], lag_seconds: float, at: float) -> Execution | None:
    execution = state.executions.get(segments["execution_id"].lower())
    return None if execution is None or at < execution.created_at + lag_seconds else execution


def _skills(state: State, request: Request, segments: Mapping[str, str], _at: float) -> tuple[State, Response]:
    version = parse_qs(request.target.partition("?")[2], keep_blank_values=True).get("version", [str(VERSIONS[-1])])[-1]
    if not (version.isascii() and version.isdigit() and len(version) < 10):  # noqa: PLR2004 -- digits that an int surely holds
        rule = {"field": "version", "message": "must be a whole number"}
        return state, error_answer(422, "VALIDATION_ERROR", "version must be a whole number", [rule])
    artifact = skills(segments["service_id"], int(version))
    if artifact is None:
        return state, not_found(f"hosted service {segments['service_id']} in version {version}")
    return state, json_answer(200, artifact)


def _organizations(state: State, _request: Request, _segments: Mapping[str, str], _at: float) -> tuple[State, Response]:
    return state, json_answer(200, [{"id": ORG_ID, "name": "Emulated organization"}])


def _models(state: State, _request: Request, _segments: Mapping[str, str], _at: float) -> tuple[State, Response]:
    return state, json_answer(200, {"items": [], "next_cursor": None})


_HANDLERS: tuple[tuple[Route, _Handler], ...] = (
    (routes.EXECUTION_STATUS, _status),
    (routes.CANCEL_EXECUTION, _cancel),
    (routes.SUBMIT_CODE_BLOCK, partial(submit, "code_block")),
    (routes.SUBMIT_AGENT, partial(submit, "agent")),
    (routes.SUBMIT_WORKFLOW, partial(submit, "workflow")),
    (routes.SERVICE_SKILLS, _skills),
    (routes.ORGANIZATIONS, _organizations),
    (routes.MODELS, _models),
)
"""The paths that are served, those that are asked for most first."""
