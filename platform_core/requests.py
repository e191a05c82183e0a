"""Pure builders, one for each endpoint: they check what callers give, and know what goes over the wire."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias, cast
from uuid import UUID

from .checks import checked_seconds_or_none
from .config import Settings
from .handles import Submission
from .limits import Limits
from .messages import (
    NO_BODY,
    Body,
    External,
    Headers,
    Inline,
    Request,
    checked_header,
    checked_headers,
    checked_id,
    encoded_path,
    encoded_query,
    segment,
)
from .records import ComponentKind
from .retry import IDEMPOTENCY_KEY
from .routes import (
    CANCEL_EXECUTION,
    EXECUTION_STATUS,
    SERVICE_SKILLS,
    STREAM_AGENT,
    SUBMIT_AGENT,
    SUBMIT_CODE_BLOCK,
    SUBMIT_WORKFLOW,
    Route,
)
from .strict_json import json_body

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LIFECYCLE_EVENT = "X-Lifecycle-Event"
_Field: TypeAlias = tuple[str, str]
_ACCEPT: _Field = ("Accept", "application/json")
_ACCEPT_EVENTS: _Field = ("Accept", "text/event-stream")
_JSON_TYPE: _Field = ("Content-Type", "application/json")
_BYTES_TYPE: _Field = ("Content-Type", "application/octet-stream")
_ACCEPT_ALONE = Headers((_ACCEPT,))
_ACCEPT_FOR_JSON = Headers((_ACCEPT, _JSON_TYPE))
_ACCEPT_FOR_BYTES = Headers((_ACCEPT, _BYTES_TYPE))


class _Submit(NamedTuple):
    route: Route
    id_parameter: str
    inputs_parameter: str
    """Also its name in the body."""


_SUBMIT: Mapping[ComponentKind, _Submit] = {
    "code_block": _Submit(SUBMIT_CODE_BLOCK, "code_block_id", "input_parameters"),
    "agent": _Submit(SUBMIT_AGENT, "agent_id", "input_data"),
    "workflow": _Submit(SUBMIT_WORKFLOW, "workflow_id", "input_data"),
}


def submission(
    kind: ComponentKind,
    component_id: object,
    inputs: object,
    context: object,
    ring_id: object,
    timeout_seconds: object,
    *,
    execution_mode: object,
    scope: object,
    lifecycle_event: object,
    key: UUID | None,
    settings: Settings,
) -> Request:
    """The submission of a component. What is None is left out; `key` None sends no idempotency key.

    Raises `TypeError` or `ValueError` that names the public parameter (`code_block_id`, `input_data`, …) and the rule.
    """
    route, id_parameter, inputs_parameter = _SUBMIT[kind]
    target = route.path(component_id=segment(component_id, id_parameter))
    fields = {
        inputs_parameter: _checked_mapping(inputs, inputs_parameter),
        "context": _filled(_checked_mapping(context, "context"), settings),
        "execution_mode": _checked_name(execution_mode, "execution_mode"),
        "ring_id": settings.ring_id if ring_id is None else checked_id(ring_id, "ring_id"),
        "timeout_seconds": checked_seconds_or_none(timeout_seconds, "timeout_seconds"),
        "scope": _checked_name(scope, "scope"),
    }
    # One by one, so that an error names the parameter that it comes from.
    members = [b'"%s":%s' % (name.encode(), json_body(value, name)) for name, value in fields.items() if value is not None]
    body = _checked_body(b"{%s}" % b",".join(members), inputs_parameter, settings.limits)
    headers = [_ACCEPT, _JSON_TYPE]
    if key is not None:
        headers.append((IDEMPOTENCY_KEY, str(key)))
    event = _checked_name(lifecycle_event, "lifecycle_event")
    if event is not None:
        headers.append(checked_header(LIFECYCLE_EVENT, event, "lifecycle_event"))
    return Request(route.method, target, Headers(tuple(headers)), body)


def streamed(made: Request, agent_id: object) -> Request:
    """The submission of an agent, to be answered by a stream of its events (HTML standard, section 9.2)."""
    target = STREAM_AGENT.path(component_id=segment(agent_id, "agent_id"))
    others = tuple(each for each in made.headers if each != _ACCEPT)
    return Request(STREAM_AGENT.method, target, Headers((_ACCEPT_EVENTS, *others)), made.body)


def submission_kind(target: str) -> ComponentKind | None:
    """What kind of component a POST to this target submits; None where it is the target of no submission."""
    return next((kind for kind, submit in _SUBMIT.items() if submit.route.match(submit.route.method, target)), None)


def resubmission(made: Submission, parameter: str, limits: Limits) -> Request:
    """The submission that a handle names, with its key and its bytes. What its call said in headers besides is not known any more."""
    headers = (_ACCEPT, _JSON_TYPE, (IDEMPOTENCY_KEY, str(made.key)))
    return Request(SUBMIT_CODE_BLOCK.method, made.target, Headers(headers), _checked_body(made.body, parameter, limits))


def status_request(execution_id: object) -> Request:
    """The question for an execution's record."""
    target = EXECUTION_STATUS.path(execution_id=segment(execution_id, "execution_id"))
    return Request(EXECUTION_STATUS.method, target, _ACCEPT_ALONE)


def cancel_request(execution_id: object) -> Request:
    """The wish that an execution be cancelled. Repeating it is harmless: a cancelled one stays as it is."""
    target = CANCEL_EXECUTION.path(execution_id=segment(execution_id, "execution_id"))
    return Request(CANCEL_EXECUTION.method, target, _ACCEPT_ALONE)


def skills_request(service_id: object, version: object) -> Request:
    """The question for a hosted service's skills: of its latest version where `version` is None, else of this one, from 1."""
    target = SERVICE_SKILLS.path(service_id=segment(service_id, "service_id"))
    if version is None:
        return Request(SERVICE_SKILLS.method, target, _ACCEPT_ALONE)
    if isinstance(version, bool) or not isinstance(version, int):
        message = f"version must be a whole number, not {type(version).__name__}"
        raise TypeError(message)
    if version < 1:
        message = f"version must be positive, not {version}"
        raise ValueError(message)
    return Request(SERVICE_SKILLS.method, f"{target}?{encoded_query({'version': version})}", _ACCEPT_ALONE)


def custom_request(
    method: object, path: object, *, params: object, json: object, content: object, headers: object, settings: Settings
) -> Request:
    """Any request: what `_request` of the client takes. A caller's header overrides ours of that name."""
    target = encoded_path(path)
    query = "" if params is None else encoded_query(params)
    own = None if headers is None else checked_headers(headers)
    if json is not None and content is not None:
        message = "json and content are both given: a request has one body"
        raise ValueError(message)
    defaults = _ACCEPT_ALONE
    body: Body = NO_BODY
    if json is not None:
        defaults = _ACCEPT_FOR_JSON
        body = _checked_body(json_body(json), "json", settings.limits)
    if content is not None:
        defaults = _ACCEPT_FOR_BYTES
        # The limits bound what is held at a time: of an external body that is never all of it.
        body = content if isinstance(content, External) else _checked_body(_checked_bytes(content), "content", settings.limits)
    fields = defaults if own is None else own.with_defaults(defaults)
    return Request(_checked_method(method), f"{target}?{query}" if query else target, fields, body)


def _checked_mapping(value: object, parameter: str) -> dict[object, object] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        message = f"{parameter} must be a mapping, not {type(value).__name__}"
        raise TypeError(message)
    return dict(cast("Mapping[object, object]", value))


def _filled(context: dict[object, object] | None, settings: Settings) -> dict[object, object] | None:
    """The context, with the client's organization and workspace where the caller's has none."""
    own = {"org_id": settings.org_id, "workspace_id": settings.workspace_id}
    filled: dict[object, object] = {name: value for name, value in own.items() if value is not None}
    return (filled or None) if context is None else context | {name: filled[name] for name in filled if name not in context}


def _checked_name(value: object, parameter: str) -> str | None:
    """A word of the platform's, which may know more of them than we do."""
    if value is None:
        return None
    if not isinstance(value, str):
        message = f"{parameter} must be a str, not {type(value).__name__}"
        raise TypeError(message)
    if not value:
        message = f"{parameter} must not be empty"
        raise ValueError(message)
    return value


def _checked_method(method: object) -> str:
    if not isinstance(method, str):
        message = f"method must be a str, not {type(method).__name__}"
        raise TypeError(message)
    # Of the letters outside of ASCII, some have upper cases inside.
    if not method.isascii() or method.upper() not in METHODS:
        message = f"method must be one of {', '.join(sorted(METHODS))}"
        raise ValueError(message)
    return method.upper()


def _checked_bytes(content: object) -> bytes:
    if not isinstance(content, (bytes, bytearray, memoryview)):
        message = f"content must be bytes or External, not {type(content).__name__}"
        raise TypeError(message)
    return bytes(cast("bytes", content))


def _checked_body(body: bytes, parameter: str, limits: Limits) -> Inline:
    if len(body) > limits.request_body_bytes_max:
        message = f"{parameter} makes a body of {len(body)} bytes; limits.request_body_bytes_max is {limits.request_body_bytes_max}"
        raise ValueError(message)
    return Inline(body)
