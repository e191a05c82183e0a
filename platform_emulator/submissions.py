"""Taking a submission in: its idempotency key first, then its fields, then the execution."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid5

from platform_core import routes
from platform_core.messages import Request, Response
from platform_core.records import ComponentKind

from .answers import error_answer, json_answer, not_found
from .callers import Call, refused_org
from .components import ORGANIZATIONS, SECONDS_MAX, Component, component_of, work_of
from .executions import record, taken_in
from .fields import OBJECT, TEXT, Invalid, Rule, check_fields, json_fields
from .state import Execution, State
from .streaming import stream_answer

KEY_LENGTH_MAX = 255
"""Bounds what a client can make the platform keep; the usual limit of platforms that take such keys."""

INPUTS: Mapping[ComponentKind, str] = {"code_block": "input_parameters", "agent": "input_data", "workflow": "input_data"}
"""The field that holds the inputs, for each kind."""


def submit(kind: ComponentKind, state: State, call: Call) -> tuple[State, Response]:
    """Start an execution, or answer for the one that was started with the same key: 202 and its record."""
    return _submitted(kind, 202, state, call)


def execute(kind: ComponentKind, state: State, call: Call) -> tuple[State, Response]:
    """As `submit`, but 200: whoever has a clock holds this answer back until the execution of `awaited` has ended."""
    return _submitted(kind, 200, state, call)


def stream(kind: ComponentKind, state: State, call: Call) -> tuple[State, Response]:
    """As `submit`, but 200 and the beginning of its events: whoever has a clock goes on with the execution of `streamed`."""
    state, answer = _submitted(kind, 200, state, call)
    return state, stream_answer(answer)


def checked_submission(kind: ComponentKind, request: Request) -> dict[str, Any]:
    """The fields of a submission, whatever the platform knows. Raises `Invalid`."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= KEY_LENGTH_MAX:
        raise Invalid(400, ("Idempotency-Key", f"must have 1 to {KEY_LENGTH_MAX} characters"))
    fields = json_fields(request)
    _check(kind, fields)
    return fields


def awaited(request: Request, response: Response) -> str | None:
    """The execution that this answer has to wait for; None for an answer that can be given at once."""
    if response.status != HTTPStatus.OK or routes.EXECUTE_AGENT.match(request.method, request.path) is None:
        return None
    execution_id: str = json.loads(response.body)["execution_id"]
    return execution_id


def inputs_of(execution: Execution) -> dict[str, Any]:
    """What the component of this execution was given."""
    inputs: dict[str, Any] = json.loads(execution.body).get(INPUTS[execution.component.kind], {})
    return inputs


def _submitted(kind: ComponentKind, status: int, state: State, call: Call) -> tuple[State, Response]:
    component = component_of(kind, call.segments["component_id"], state.components)
    if component is None:
        return state, not_found(f"{kind} {call.segments['component_id']}")
    key = call.request.headers.get("Idempotency-Key")
    if key is not None and key in state.keys:
        return state, _repeated(state, state.executions[state.keys[key]], status, call)
    fields = checked_submission(kind, call.request)
    refusal = _refused_context(call, fields.get("context", {}))
    if refusal is not None:
        return state, refusal
    execution = _execution(state, component, call, key, fields)
    return taken_in(state, execution), json_answer(status, record(execution, call.at))


def _repeated(state: State, first: Execution, status: int, call: Call) -> Response:
    """The answer to a key that was seen before: the first execution as it is now, if this is the same submission."""
    if (first.target, first.body) != (call.request.target, call.request.body.content):
        return error_answer(422, "IDEMPOTENCY_KEY_REUSED", "the idempotency key came with another submission before")
    if call.at < first.created_at + state.behaviour.intake_seconds:
        return error_answer(409, "IDEMPOTENCY_KEY_IN_USE", "the first submission with this idempotency key is still being taken in")
    return json_answer(status, record(first, call.at), ("Idempotency-Replayed", "true"))


def _refused_context(call: Call, context: Mapping[str, Any]) -> Response | None:
    """403 where the context names an organization of this platform that the caller may not see, else None."""
    org_id = context.get("org_id")
    return refused_org(call.caller, org_id) if isinstance(org_id, str) and org_id.lower() in ORGANIZATIONS else None


def _execution(state: State, component: Component, call: Call, key: str | None, fields: Mapping[str, Any]) -> Execution:
    return Execution(
        execution_id=str(uuid5(state.seed, f"execution {len(state.executions)}")),
        component=component,
        target=call.request.target,
        body=call.request.body.content,
        idempotency_key=key,
        parent_billing_txn_id=call.request.headers.get("X-Parent-Billing-Txn-Id"),
        lifecycle_event=call.request.headers.get("X-Lifecycle-Event"),
        work=work_of(component, fields.get(INPUTS[component.kind], {})),
        timeout_seconds=fields.get("timeout_seconds"),
        created_at=call.at,
    )


def _check(kind: ComponentKind, fields: Mapping[str, Any]) -> None:
    rules: dict[str, Rule] = {INPUTS[kind]: OBJECT, "context": OBJECT, "ring_id": TEXT, "scope": TEXT, "timeout_seconds": _SECONDS}
    if kind == "agent":
        rules["execution_mode"] = TEXT
    check_fields(fields, rules)


_SECONDS: Rule = (
    lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= SECONDS_MAX,
    f"must be a positive number of seconds, at most {SECONDS_MAX}",
)
