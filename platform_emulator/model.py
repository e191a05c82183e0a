"""The platform as a pure model: a request and a time go in, the next state and an answer come out.

What others build on::

    initial(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR, components: Iterable[Component] = ()) -> State
    apply(state: State, request: Request, at: float, caller: Caller = DEVELOPER) -> tuple[State, Response]   moves no worker
    refusal(request: Request) -> Response | None                                     what holds whatever the platform knows
    awaited(request: Request, response: Response) -> str | None                      the execution to hold the answer back for
    streamed(request: Request, response: Response) -> tuple[str, Told] | None        the execution whose events follow those of the answer
    due(state: State) -> float | None                                                when the workers next change something
    advance(state: State, at: float) -> State                                        all that they do by then
    start(state: State, execution_id: str, at: float) -> State                       one worker event, by hand
    finish(state: State, execution_id: str, status: ExecutionStatus, outcome: JSON, at: float) -> State
    record(execution: Execution, at: float) -> ExecutionRecord
    reopened(state: State, executions: Iterable[Execution], at: float) -> State      the platform started again, knowing these

and the same as one frozen value, in which the workers are always up to date, for a driver with a clock::

    Model(state: State)
    Model.new(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR, components: Iterable[Component] = ()) -> Model
    model.due -> float | None
    model.advance(at: float) -> Model
    model.apply(request: Request, at: float, caller: Caller = DEVELOPER) -> tuple[Model, Response]           advances first
    model.begun(request: Request, response: Response, at: float) -> Tale | None      the stream that goes on after this answer
    model.told(tale: Tale, at: float) -> tuple[Model, Tale | None, tuple[bytes, ...]]     what came of it by then, and what goes on
    model.look_at(tale: Tale) -> float                                               when something comes of it at the latest

Rule 1: `State` and `Model` are frozen and hashable; equal ones behave equally. Nothing here reads a clock, waits or imports a server.
Rule 2: `at` is seconds since the epoch (RFC 3339 times in records are made of it), or of any other clock that never goes back.
Rule 3: requests are in origin-form with the body inline. Who asks comes in as a `Caller`: tokens are the server's business, and
        so is the login that gives them out.
Rule 4: every request gets an answer; an exception is our bug.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias
from urllib.parse import unquote
from uuid import UUID

from platform_core import routes
from platform_core.messages import Headers, Request, Response
from platform_core.routes import Route

from .answers import error_answer, json_answer, not_found, unauthenticated, with_request_id
from .callers import DEVELOPER, NOT_PRESENTED, Call, Caller, presented
from .components import Component
from .executions import advance, cancel, due, finish, record, reopened, start
from .fields import Invalid, query_value, whole_number
from .listings import checked_query, models, organizations, query_dataset
from .objects import read_object, write_object
from .skills import VERSION_MAX, VERSIONS, skills
from .state import DEFAULT_BEHAVIOUR, Behaviour, Execution, State
from .streaming import Tale, going_on, streamed
from .submissions import awaited, checked_submission, execute, stream, submit

__all__ = [
    "DEFAULT_BEHAVIOUR",
    "DEVELOPER",
    "Behaviour",
    "Caller",
    "Component",
    "Execution",
    "Model",
    "State",
    "advance",
    "apply",
    "awaited",
    "due",
    "finish",
    "initial",
    "record",
    "refusal",
    "reopened",
    "start",
    "streamed",
]


def initial(seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR, components: Iterable[Component] = ()) -> State:
    """A platform on which nothing was executed yet; `seed` is what its ids are made from, `components` come beside the built-in ones."""
    return State(seed, behaviour, components=tuple(components))


def apply(state: State, request: Request, at: float, caller: Caller = DEVELOPER) -> tuple[State, Response]:
    """The state after this request, and the answer to it, which carries an `X-Request-ID`."""
    try:
        state, response = _answered(state, request, at, caller)
    except Invalid as invalid:
        response = invalid.answer
    return state, with_request_id(request, response, state.seed, at)


def refusal(request: Request) -> Response | None:
    """What is answered to a request that is wrong whatever the platform knows, by the same rules as in `apply`; None for any other.

    Here the request has its credentials: whether they open anything is the server's business, but that there are some is the contract's.
    """
    if routes.LOGIN.match(request.method, request.path) is not None:
        return None
    if presented(request.headers) is None:
        return unauthenticated(NOT_PRESENTED)
    try:
        found = _routed(request._replace(method="GET") if request.method == "HEAD" else request)
        if isinstance(found, Response):
            return found
        if found[0] in _CHECKS:
            _CHECKS[found[0]](request)
    except Invalid as invalid:
        return invalid.answer
    return None


@dataclass(frozen=True, slots=True)
class Model:
    """A state whose workers never lag: the pure platform for a driver that has a clock, virtual or real."""

    state: State

    @classmethod
    def new(cls, seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR, components: Iterable[Component] = ()) -> "Model":
        """A platform on which nothing was executed yet."""
        return cls(initial(seed, behaviour, components))

    @property
    def due(self) -> float | None:
        """When `advance` next changes something; None while nothing is scheduled."""
        return due(self.state)

    def advance(self, at: float) -> "Model":
        """The model after all that the workers do by `at`."""
        state = advance(self.state, at)
        return self if state is self.state else Model(state)

    def apply(self, request: Request, at: float, caller: Caller = DEVELOPER) -> "tuple[Model, Response]":
        """The model after this request at this time, and the answer to it."""
        state, response = apply(advance(self.state, at), request, at, caller)
        return (self if state is self.state else Model(state)), response

    def begun(self, request: Request, response: Response, at: float) -> Tale | None:
        """The stream that goes on after this answer, which was given at this time; None where it is whole."""
        found = streamed(request, response)
        return None if found is None else Tale(*found, at)

    def told(self, tale: Tale, at: float) -> "tuple[Model, Tale | None, tuple[bytes, ...]]":
        """The model at this time, the stream as it goes on then, and what has come of it by then."""
        model = self.advance(at)
        now = record(model.state.executions[tale.execution_id], at)
        moved = now["status"] != tale.told.status
        if not moved and at < tale.silent_until:
            return model, tale, ()
        told, pieces = going_on(tale.told, now if moved else None)
        return model, None if told.is_over else Tale(tale.execution_id, told, at), pieces

    def look_at(self, tale: Tale) -> float:
        """When there is something to tell at the latest, unless somebody does something before."""
        return tale.silent_until if self.due is None else min(tale.silent_until, self.due)


_Handler: TypeAlias = Callable[[State, Call], tuple[State, Response]]
_WRONG_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def _answered(state: State, request: Request, at: float, caller: Caller) -> tuple[State, Response]:
    if request.method == "HEAD":
        # Range is defined for GET alone, and else ignored (RFC 9110, section 14.2).
        headers = Headers(tuple(each for each in request.headers if each[0].lower() != "range"))
        state, response = _answered(state, request._replace(method="GET", headers=headers), at, caller)
        length = ("Content-Length", str(len(response.body)))
        return state, Response(response.status, response.headers.with_defaults((length,)))
    found = _routed(request)
    if isinstance(found, Response):
        return state, found
    route, segments = found
    return _HANDLERS[route](state, Call(request, segments, at, caller))


def _routed(request: Request) -> tuple[Route, Mapping[str, str]] | Response:
    """The route of a request, with its segments; or what is answered where there is none. Raises `Invalid`."""
    path = request.path
    _check_encoding(request.target)
    for route in _HANDLERS:
        segments = route.match(request.method, path)
        if segments is not None:
            return route, segments
    allowed = sorted({route.method for route in _HANDLERS if route.match(route.method, path) is not None})
    if allowed:
        message = f"{path} takes {', '.join(allowed)}"
        return error_answer(405, "METHOD_NOT_ALLOWED", message, (), ("Allow", ", ".join(allowed)))
    return not_found(path)


def _check_encoding(target: str) -> None:
    """Percent-encoding that two readers may decode differently is refused, so that no two names meet in one."""
    if _WRONG_PERCENT.search(target):
        raise Invalid(400, ("path", "has a % that is not followed by two hexadecimal digits"))
    try:
        unquote(target, errors="strict")
    except UnicodeDecodeError:
        raise Invalid(400, ("path", "must be percent-encoded UTF-8")) from None


def _status(state: State, call: Call) -> tuple[State, Response]:
    execution = _known(state, call, state.behaviour.replica_lag_seconds)
    if execution is None:
        return state, not_found(f"execution {call.segments['execution_id']}")
    return state, json_answer(200, record(execution, call.at))


def _cancel(state: State, call: Call) -> tuple[State, Response]:
    execution = _known(state, call, state.behaviour.cancel_lag_seconds)
    if execution is None:
        return state, not_found(f"execution {call.segments['execution_id']}")
    state = cancel(state, execution.execution_id, call.at)
    return state, json_answer(200, record(state.executions[execution.execution_id], call.at))


def _known(state: State, call: Call, lag_seconds: float) -> Execution | None:
    execution = state.executions.get(call.segments["execution_id"].lower())
    return None if execution is None or call.at < execution.created_at + lag_seconds else execution


def _skills(state: State, call: Call) -> tuple[State, Response]:
    text = query_value(call.request, "version")
    version = VERSIONS[-1] if text is None else whole_number("version", text, 0, VERSION_MAX)
    artifact = skills(call.segments["service_id"], version)
    if artifact is None:
        return state, not_found(f"hosted service {call.segments['service_id']} in version {version}")
    return state, json_answer(200, artifact)


_HANDLERS: Mapping[Route, _Handler] = {
    routes.EXECUTION_STATUS: _status,
    routes.CANCEL_EXECUTION: _cancel,
    routes.SUBMIT_CODE_BLOCK: partial(submit, "code_block"),
    routes.SUBMIT_AGENT: partial(submit, "agent"),
    routes.SUBMIT_WORKFLOW: partial(submit, "workflow"),
    routes.EXECUTE_AGENT: partial(execute, "agent"),
    routes.STREAM_AGENT: partial(stream, "agent"),
    routes.SERVICE_SKILLS: _skills,
    routes.ORGANIZATIONS: organizations,
    routes.MODELS: models,
    routes.QUERY_DATASET: query_dataset,
    routes.READ_OBJECT: read_object,
    routes.WRITE_OBJECT: write_object,
}
"""The paths that are served, those that are asked for most first."""

_CHECKS: Mapping[Route, Callable[[Request], object]] = {
    routes.SUBMIT_CODE_BLOCK: partial(checked_submission, "code_block"),
    routes.SUBMIT_AGENT: partial(checked_submission, "agent"),
    routes.SUBMIT_WORKFLOW: partial(checked_submission, "workflow"),
    routes.EXECUTE_AGENT: partial(checked_submission, "agent"),
    routes.STREAM_AGENT: partial(checked_submission, "agent"),
    routes.QUERY_DATASET: checked_query,
}
"""What their bodies are held to, whatever the platform knows."""
