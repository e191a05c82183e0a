"""What a fault makes of an answer: another answer, or bytes that no HTTP library would send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, assert_never, cast

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Response

from .answers import error_answer, json_answer, unauthenticated
from .faults import Html, MalformedJson, Spoiling, StaleStatus, Status, Trickle, Truncated, Unauthorized

NO_BODY_STATUSES = (204, 205, 304)

_HTML = "<!DOCTYPE html>\n<html><head><title>{0}</title></head>\n<body><center><h1>{0}</h1></center><hr></body></html>\n"


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes to write onto the connection as they are, with a pause between any two parts; after them the connection ends."""

    parts: tuple[bytes, ...]
    interval_seconds: float = 0.0


def answer_of(effect: Status | Html | Unauthorized) -> Response:
    """What a request that meets this effect is answered instead."""
    match effect:
        case Unauthorized():
            return unauthenticated("the token was revoked")
        case Html(status):
            title = f"{status} {_phrase(status)}".strip()
            if status in NO_BODY_STATUSES:
                return Response(status)
            return Response(status, Headers((("Content-Type", "text/html"),)), _HTML.format(title).encode())
        case Status(status, retry_after, body, content_type):
            extra = () if retry_after is None else (("Retry-After", retry_after),)
            if status in NO_BODY_STATUSES:
                return Response(status, Headers(extra))
            if body is None:
                return error_answer(status, "EMULATED_FAULT", f"injected status {status}", (), *extra)
            return Response(status, Headers((("Content-Type", content_type), *extra)), body)
        case _:
            assert_never(effect)


def spoiled(effect: Spoiling, response: Response) -> Response | Wire:
    """What is sent in place of this answer."""
    match effect:
        case Truncated(framing, sent_bytes):
            half = len(response.body) // 2
            return _truncated(response, framing, half if sent_bytes is None else min(sent_bytes, len(response.body)))
        case Trickle(interval_seconds):
            whole = _head(response, f"Content-Length: {len(response.body)}") + response.body
            return Wire(tuple(bytes((each,)) for each in whole), interval_seconds)
        case MalformedJson(variant):
            return Response(response.status, response.headers, _malformed(variant, response.body))
        case StaleStatus(status):
            return _stale(response, ExecutionStatus(status))
        case _:
            assert_never(effect)


def _truncated(response: Response, framing: str, sent_bytes: int) -> Wire:
    """One byte more is promised than the body has, so that also a body that is sent whole has its end missing."""
    sent = response.body[:sent_bytes]
    if framing == "chunked":
        chunk = b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b""
        return Wire((_head(response, "Transfer-Encoding: chunked") + chunk,))
    missing_bytes = max(len(response.body) - sent_bytes, 1)
    return Wire((_head(response, f"Content-Length: {sent_bytes + missing_bytes}") + sent,))


def _head(response: Response, framing: str) -> bytes:
    fields = [f"{name}: {value}" for name, value in response.headers if name.lower() != "content-length"]
    lines = (f"HTTP/1.1 {response.status} {_phrase(response.status)}", *fields, framing, "Connection: close", "", "")
    return "\r\n".join(lines).encode("latin-1")


def _phrase(status: int) -> str:
    """RFC 9112, section 4: there may be none."""
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _malformed(variant: str, body: bytes) -> bytes:
    """The body broken in this way; where the way needs an object, something of its own in it."""
    inner = body[1:] if body[:1] == b"{" else b"}"
    comma = b"" if inner.lstrip()[:1] == b"}" else b","
    broken: Mapping[str, bytes] = {
        "cut": body[:-1],
        "empty": b"",
        "nan": b'{"spoiled":NaN' + comma + inner,
        "overflow": b'{"spoiled":1e400' + comma + inner,
        "duplicate_key": b'{"status":"pending","status":"completed"' + comma + inner,
        "not_utf8": b'{"spoiled":"\xff"' + comma + inner,
        "lone_surrogate": b'{"spoiled":"\\ud800"' + comma + inner,
        "deep": b"[" * 100_000 + b"]" * 100_000,
    }
    return broken[variant]


def _stale(response: Response, status: ExecutionStatus) -> Response:
    """The record as it was at this status; an answer that holds no record (the execution may be hidden by a lag) stays."""
    record: object = json.loads(response.body) if response.status == HTTPStatus.OK else None
    if not isinstance(record, dict):
        return response
    past = cast(dict[str, Any], record)
    past.pop("progress", None)
    past.update(status=status.value, result=None, error=None, finished_at=None)
    if status is ExecutionStatus.PENDING:
        past["started_at"] = None
    return json_answer(response.status, past, *(each for each in response.headers if each[0].lower() != "content-type"))
