"""Taking a submission in: its idempotency key first, then its fields, then the execution."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast
from uuid import uuid5

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Request, Response
from platform_core.records import ComponentKind
from platform_core.strict_json import InvalidJson, strict_json

from .answers import error_answer, json_answer, not_found
from .components import SECONDS_MAX, Component, component_of, work_of
from .executions import record, taken_in
from .state import Execution, State

KEY_LENGTH_MAX = 255
"""Bounds what a client can make the platform keep; the usual limit of platforms that take such keys."""

INPUTS: Mapping[ComponentKind, str] = {"code_block": "input_parameters", "agent": "input_data", "workflow": "input_data"}
"""The field that holds the inputs, for each kind."""


class _Invalid(Exception):  # noqa: N818 -- never leaves this module: it becomes an answer
    def __init__(self, status: int, *details: tuple[str, str]) -> None:
        super().__init__(status, details)
        self.answer = error_answer(
            status,
            "VALIDATION_ERROR",
            "; ".join(f"{field} {rule}" for field, rule in details),
            [{"field": field, "message": rule} for field, rule in details],
        )


def submit(kind: ComponentKind, state: State, request: Request, segments: Mapping[str, str], at: float) -> tuple[State, Response]:
    """Start an execution, or answer for the one that was started with the same key."""
    component = component_of(kind, segments["component_id"])
    if component is None:
        return state, not_found(f"{kind} {segments['component_id']}")
    key = request.headers.get("Idempotency-Key")
    if key is not None and key in state.keys:
        return state, _repeated(state, state.executions[state.keys[key]], request, at)
    try:
        execution = _execution(state, component, request, key, at)
    except _Invalid as invalid:
        return state, invalid.answer
    return taken_in(state, execution), json_answer(202, record(execution, at))


def _repeated(state: State, first: Execution, request: Request, at: float) -> Response:
    """The answer to a key that was seen before: the first execution as it is now, if this is the same submission."""
    if (first.target, first.body) != (request.target, request.body.content):
        return error_answer(422, "IDEMPOTENCY_KEY_REUSED", "the idempotency key came with another submission before")
    if at < first.created_at + state.behaviour.intake_seconds:
        return error_answer(409, "IDEMPOTENCY_KEY_IN_USE", "the first submission with this idempotency key is still being taken in")
    return json_answer(202, record(first, at), ("Idempotency-Replayed", "true"))


def _execution(state: State, component: Component, request: Request, key: str | None, at: float) -> Execution:
    if key is not None and not 0 < len(key) <= KEY_LENGTH_MAX:
        raise _Invalid(400, ("Idempotency-Key", f"must have 1 to {KEY_LENGTH_MAX} characters"))
    fields = _fields(request)
    _check_fields(component.kind, fields)
    return Execution(
        execution_id=str(uuid5(state.seed, f"execution {len(state.executions)}")),
        component=component,
        target=request.target,
        body=request.body.content,
        idempotency_key=key,
        parent_billing_txn_id=request.headers.get("X-Parent-Billing-Txn-Id"),
        lifecycle_event=request.headers.get("X-Lifecycle-Event"),
        work=work_of(component, fields.get(INPUTS[component.kind], {})),
        timeout_seconds=fields.get("timeout_seconds"),
        created_at=at,
    )


def _fields(request: Request) -> dict[str, Any]:
    media_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _Invalid(415, ("Content-Type", "must be application/json"))
    try:
        value = strict_json(request.body.content, DEFAULT_LIMITS.json_depth_max)
    except InvalidJson as error:
        raise _Invalid(400, ("body", f"must be a JSON object: {error}")) from None
    if not isinstance(value, dict):
        raise _Invalid(400, ("body", "must be a JSON object"))
    return cast(dict[str, Any], value)


def _check_fields(kind: ComponentKind, fields: Mapping[str, Any]) -> None:
    rules: dict[str, _Rule] = {INPUTS[kind]: _OBJECT, "context": _OBJECT, "ring_id": _TEXT, "scope": _TEXT, "timeout_seconds": _SECONDS}
    if kind == "agent":
        rules["execution_mode"] = _TEXT
    details = [(name, "is not a field of this submission") for name in fields if name not in rules]
    details += [(name, words) for name, (holds, words) in rules.items() if name in fields and not holds(fields[name])]
    if details:
        raise _Invalid(422, *details)


_Rule: TypeAlias = tuple[Callable[[object], bool], str]
_OBJECT: _Rule = (lambda value: isinstance(value, dict), "must be an object")
_TEXT: _Rule = (lambda value: isinstance(value, str) and value != "", "must be a text that is not empty")
_SECONDS: _Rule = (
    lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= SECONDS_MAX,
    f"must be a positive number of seconds, at most {SECONDS_MAX}",
)
