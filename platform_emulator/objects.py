"""Stored objects: bytes in, the same bytes out, with the content type that came with them."""

from dataclasses import replace

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Response

from .answers import error_answer, json_answer, not_found
from .callers import Call, refused_org
from .fields import Invalid
from .state import State, StoredObject

OBJECT_BYTES_MAX = DEFAULT_LIMITS.request_body_bytes_max
ALL_BYTES_MAX = 4 * OBJECT_BYTES_MAX
"""Of all objects together: they lie in memory."""
NAME_LENGTH_MAX = 1024

CONTENT_TYPE_DEFAULT = "application/octet-stream"


def write_object(state: State, call: Call) -> tuple[State, Response]:
    """201 for a new object, 200 for one in place of another: its name, content type and size."""
    refusal = refused_org(call.caller, call.segments["org_id"])
    if refusal is not None:
        return state, refusal
    name, content = call.segments["name"], call.request.body.content
    if name in (".", "..") or len(name) > NAME_LENGTH_MAX:
        raise Invalid(422, ("name", f"must have at most {NAME_LENGTH_MAX} characters and not be '.' or '..'"))
    if len(content) > OBJECT_BYTES_MAX:
        return state, error_answer(413, "TOO_LARGE", f"an object has at most {OBJECT_BYTES_MAX} bytes")
    key = (call.segments["org_id"].lower(), name)
    if len(content) + sum(len(each.content) for other, each in state.objects.items() if other != key) > ALL_BYTES_MAX:
        return state, error_answer(507, "STORAGE_FULL", f"all objects together have at most {ALL_BYTES_MAX} bytes")
    stored = StoredObject(call.request.headers.get("Content-Type") or CONTENT_TYPE_DEFAULT, content)
    answer = json_answer(
        200 if key in state.objects else 201, {"name": name, "content_type": stored.content_type, "size_bytes": len(content)}
    )
    return replace(state, objects=state.objects.with_entry(key, stored)), answer


def read_object(state: State, call: Call) -> tuple[State, Response]:
    """The bytes as they were stored."""
    refusal = refused_org(call.caller, call.segments["org_id"])
    if refusal is not None:
        return state, refusal
    stored = state.objects.get((call.segments["org_id"].lower(), call.segments["name"]))
    if stored is None:
        return state, not_found(f"object {call.segments['name']}")
    return state, Response(200, Headers((("Content-Type", stored.content_type),)), stored.content)
