"""Stored objects: bytes in, the same bytes out, whole or in part, with the content type that came with them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Response

from .answers import error_answer, json_answer, not_found
from .callers import Call, refused_org
from .fields import Invalid
from .made_up import DISCARDED, INLINE_BYTES_MAX, Measured, generated_bytes, pieces
from .ranges import Part, asked_part
from .state import State, StoredObject

OBJECT_BYTES_MAX = DEFAULT_LIMITS.request_body_bytes_max
ALL_BYTES_MAX = 4 * OBJECT_BYTES_MAX
"""Of all objects together: they lie in memory."""
NAME_LENGTH_MAX = 1024

CONTENT_TYPE_DEFAULT = "application/octet-stream"


def write_object(state: State, call: Call) -> tuple[State, Response]:
    """201 for a new object, 200 for one in place of another: its name, content type, size and hash."""
    refusal = refused_org(call.caller, call.segments["org_id"])
    if refusal is not None:
        return state, refusal
    name, body = call.segments["name"], call.request.body
    if name in (".", "..") or len(name) > NAME_LENGTH_MAX or generated_bytes(name) is not None:
        raise Invalid(422, ("name", f"must have at most {NAME_LENGTH_MAX} characters, not be '.' or '..', nor that of a generated object"))
    content_type = call.request.headers.get("Content-Type") or CONTENT_TYPE_DEFAULT
    if isinstance(body, Measured):
        return state, _written(200, name, content_type, body.length or 0, body.sha256)
    stored = StoredObject(content_type, body.content)
    size_bytes, digest = len(stored.content), sha256(stored.content).hexdigest()
    if name == DISCARDED:
        return state, _written(200, name, content_type, size_bytes, digest)
    if size_bytes > OBJECT_BYTES_MAX:
        return state, error_answer(413, "TOO_LARGE", f"an object has at most {OBJECT_BYTES_MAX} bytes")
    key = (call.segments["org_id"].lower(), name)
    if size_bytes + sum(len(each.content) for other, each in state.objects.items() if other != key) > ALL_BYTES_MAX:
        return state, error_answer(507, "STORAGE_FULL", f"all objects together have at most {ALL_BYTES_MAX} bytes")
    answer = _written(200 if key in state.objects else 201, name, content_type, size_bytes, digest)
    return replace(state, objects=state.objects.with_entry(key, stored)), answer


def read_object(state: State, call: Call) -> tuple[State, Response]:
    """The bytes as they were stored, or the part of them that is asked for: RFC 9110, section 14."""
    refusal = refused_org(call.caller, call.segments["org_id"])
    if refusal is not None:
        return state, refusal
    readable = _readable(state, call.segments["org_id"].lower(), call.segments["name"])
    if readable is None:
        return state, not_found(f"object {call.segments['name']}")
    return state, _read(call.request.headers, readable) if state.behaviour.serves_ranges else _part(
        200, Part(0, readable.size_bytes), readable
    )


@dataclass(frozen=True, slots=True)
class _Readable:
    content_type: str
    size_bytes: int
    etag: str
    read: Callable[[Part], bytes]
    """Empty where it is too much for a value."""


def _written(status: int, name: str, content_type: str, size_bytes: int, digest: str) -> Response:
    return json_answer(status, {"name": name, "content_type": content_type, "size_bytes": size_bytes, "sha256": digest})


def _readable(state: State, org_id: str, name: str) -> _Readable | None:
    generated = generated_bytes(name)
    if generated is not None:
        return _Readable(
            CONTENT_TYPE_DEFAULT,
            generated,
            f'"{name}"',
            lambda part: b"".join(pieces(part)) if part.stop - part.start <= INLINE_BYTES_MAX else b"",
        )
    stored = state.objects.get((org_id, name))
    if stored is None:
        return None
    etag = f'"{sha256(stored.content).hexdigest()}"'
    return _Readable(stored.content_type, len(stored.content), etag, lambda part: stored.content[part.start : part.stop])


def _read(asked_by: Headers, readable: _Readable) -> Response:
    size_bytes = readable.size_bytes
    asked = asked_part(asked_by, size_bytes, readable.etag)
    if asked == "unsatisfiable":
        message = f"the object has {size_bytes} bytes"
        return error_answer(416, "RANGE_NOT_SATISFIABLE", message, (), ("Content-Range", f"bytes */{size_bytes}"))
    ranges = ("Accept-Ranges", "bytes")
    if asked == "whole":
        return _part(200, Part(0, size_bytes), readable, ranges)
    return _part(206, asked, readable, ranges, ("Content-Range", f"bytes {asked.start}-{asked.stop - 1}/{size_bytes}"))


def _part(status: int, part: Part, readable: _Readable, *more: tuple[str, str]) -> Response:
    content, length_bytes = readable.read(part), part.stop - part.start
    if len(content) < length_bytes:
        more = (*more, ("Content-Length", str(length_bytes)))
    return Response(status, Headers((("Content-Type", readable.content_type), ("ETag", readable.etag), *more)), content)
