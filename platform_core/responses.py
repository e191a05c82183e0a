"""What an answer says: pure parsers, which never trust the shape of what came.

Rule 1: what is not as the platform promises is `Nonsense`, a value with a fixed text, not a guess.
Rule 2: of an answer's body only a sanitised message, a code, details and the first bytes find their way into an error, and what looks
        like a token is cut out of them: there are servers that echo the request.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from uuid import UUID

from .errors import (
    BODY_BYTES_KEPT,
    CallFacts,
    Failure,
    PlatformClientError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformResponseError,
    error_for_status,
)
from .http_dates import retry_after_seconds
from .lifecycle import ExecutionStatus
from .limits import Limits
from .media_types import JSON, MediaType, media_type
from .messages import Headers, Response, checked_id
from .records import ExecutionRecord, SkillsArtifact
from .strange_texts import first_bytes, one_line, without_secrets
from .strict_json import InvalidJson, strict_json

MESSAGE_LENGTH_MAX = 500
CODE_LENGTH_MAX = 100
_NO_CONTENT_STATUSES = frozenset({204, 205})
_REQUEST_ID = re.compile(r"[A-Za-z0-9\-._~:/+=@]{1,128}")
_HOST = r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//(?:[^/?#@]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~]{1,253})(?::[0-9]*)?(?:[/?#].*)?"

_BY_END: Mapping[str, type[PlatformExecutionError]] = {
    ExecutionStatus.FAILED: PlatformExecutionError,
    ExecutionStatus.TIMEOUT: PlatformExecutionTimeoutError,
    ExecutionStatus.CANCELLED: PlatformExecutionCancelledError,
}


class Nonsense(NamedTuple):
    """An answer that makes no sense, and why, in a fixed text."""

    message: str


def content(response: Response, limits: Limits) -> object | Nonsense:
    """What a 2xx answer holds: parsed JSON for `application/json`, None where that or the status means no content, else bytes."""
    if len(response.body) > limits.response_body_bytes_max:
        return Nonsense("the body is larger than the client's limits allow")
    if response.status in _NO_CONTENT_STATUSES:
        return None
    if response.body and is_compressed(response.headers):
        return Nonsense("the body has a content encoding, which was not asked for")
    media = media_type(response.headers)
    if media is None or media.name != JSON:
        return response.body
    if not response.body:
        return None
    return _parsed(response.body, media, limits)


def execution_record(response: Response, limits: Limits, expected_id: str | None) -> ExecutionRecord | Nonsense:
    """The execution record in a 2xx answer: of this execution, if one is expected. Fields that are not known stay in it."""
    record = _json_object(response, limits, "an execution record")
    if isinstance(record, Nonsense):
        return record
    execution_id = record.get("execution_id")
    if expected_id is None or execution_id != expected_id:  # what was asked for is usable
        try:
            checked_id(execution_id, "execution_id")
        except (TypeError, ValueError):
            return Nonsense("the execution record has no usable execution_id")
        if expected_id is not None and not _is_same_uuid(str(execution_id), expected_id):
            return Nonsense("the execution record is of another execution")
    status = record.get("status")
    if not isinstance(status, str) or not status:
        return Nonsense("the execution record has no usable status")
    for field, (types, allowed) in _RECORD_FIELDS.items():
        if field in record and type(record[field]) not in types:  # not by isinstance: True is an int to Python, not to the platform
            return Nonsense(f"{field} of the execution record must be {allowed}")
    return cast("ExecutionRecord", record)


def is_compressed(headers: Headers) -> bool:
    """Whether the body is not as it is meant to be read (RFC 9110, section 8.4): we ask for `identity` alone."""
    coded = headers.get("Content-Encoding")
    if coded is None:
        return False
    codings = coded.lower().split(",")
    return any(coding.strip() not in ("", "identity") for coding in codings)


def redirect_host(response: Response) -> str | None:
    """The host that an answer points to; "" where it points to none that can be told; None for an answer that points nowhere."""
    location = response.headers.get("Location")
    if location is None or not 300 <= response.status <= 399:
        return None
    found = re.fullmatch(_HOST, location)
    return "" if found is None else found[1]


def skills_artifact(response: Response, limits: Limits) -> SkillsArtifact | Nonsense:
    """The skills artifact in a 2xx answer."""
    artifact = _json_object(response, limits, "a skills artifact")
    if isinstance(artifact, Nonsense):
        return artifact
    if not isinstance(artifact.get("endpoints"), list):
        return Nonsense("the skills artifact has no list of endpoints")
    return cast("SkillsArtifact", artifact)


def answered_request_id(response: Response) -> str | None:
    """What the platform says that it calls the request in its logs, where that is usable."""
    request_id = response.headers.get("X-Request-ID")
    return request_id if request_id is not None and _REQUEST_ID.fullmatch(request_id) else None


def failure_from_status(response: Response, facts: CallFacts, limits: Limits) -> Failure:
    """The failure that an answer outside of 2xx stands for: by its status, whatever its body."""
    if not 100 <= response.status <= 599:
        return _answer_failure(PlatformResponseError, "the answer has an invalid status", response, facts, {})
    body = _error_body(response, limits)
    message = _redirect(response) or _said(body) or "the platform gave no message"
    return _answer_failure(error_for_status(response.status), message, response, facts, body)


def failure_from_nonsense(nonsense: Nonsense, response: Response, facts: CallFacts) -> Failure:
    """The failure that an answer without sense stands for."""
    return _answer_failure(PlatformResponseError, nonsense.message, response, facts, {})


def failure_from_record(record: ExecutionRecord, facts: CallFacts) -> Failure:
    """The failure of an execution that ended failed, timeout or cancelled; it carries the record."""
    status = record["status"]
    error = cast("Mapping[str, object]", record.get("error") or {})
    return Failure(
        _BY_END[status],
        _said(error) or f"the execution ended {status}",
        code=_code(error),
        details_json=_details_json(error),
        request_id=facts.request_id,
        method=facts.method,
        path=facts.path,
        attempts=facts.attempts,
        elapsed=facts.elapsed,
        execution_json=json.dumps(record),
    )


_RECORD_FIELDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "component_type": ((str,), "a string"),
    "component_id": ((str,), "a string"),
    "error": ((dict, type(None)), "an object or null"),
    "created_at": ((str,), "a string"),
    "started_at": ((str, type(None)), "a string or null"),
    "finished_at": ((str, type(None)), "a string or null"),
    "progress": ((int, float, type(None)), "a number or null"),
}
"""The optional fields that `ExecutionRecord` gives a type to: type checkers rely on it."""


def _parsed(body: bytes, media: MediaType, limits: Limits) -> object | Nonsense:
    if not media.is_utf_8:
        return Nonsense("the JSON is said to be in another encoding than UTF-8")
    try:
        return cast("object", strict_json(body, limits.json_depth_max))
    except InvalidJson as error:
        return Nonsense(f"the body is not strict JSON: {error}")


def _json_object(response: Response, limits: Limits, what: str) -> dict[str, Any] | Nonsense:
    found = content(response, limits)
    if isinstance(found, (Nonsense, dict)):
        return cast("dict[str, Any] | Nonsense", found)
    return Nonsense(f"the answer should be {what}, a JSON object, and is not")


def _is_same_uuid(text: str, other: str) -> bool:
    """Whether two spellings name the same UUID: a caller may write upper-case what a server writes lower-case (RFC 9562, section 4)."""
    try:
        return UUID(text) == UUID(other)
    except ValueError:
        return False


def _error_body(response: Response, limits: Limits) -> Mapping[str, object]:
    """What the platform says of an error; empty where it does not say it in JSON."""
    media = media_type(response.headers)
    if media is None or not media.is_any_json or is_compressed(response.headers) or len(response.body) > limits.response_body_bytes_max:
        return {}
    found = _parsed(response.body, media, limits)
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}


def _answer_failure(
    error: type[PlatformClientError], message: str, response: Response, facts: CallFacts, body: Mapping[str, object]
) -> Failure:
    return Failure(
        error,
        message,
        status_code=response.status,
        code=_code(body),
        details_json=_details_json(body),
        request_id=answered_request_id(response) or facts.request_id,
        method=facts.method,
        path=facts.path,
        attempts=facts.attempts,
        elapsed=facts.elapsed,
        body=first_bytes(response.body, BODY_BYTES_KEPT),
        retry_after=retry_after_seconds(response.headers),
    )


def _said(body: Mapping[str, object]) -> str:
    """The message of an error body: the platform's own, or `title` and `detail` of RFC 9457."""
    message = one_line(body.get("message"), MESSAGE_LENGTH_MAX)
    if message:
        return message
    parts = (one_line(body.get(field), MESSAGE_LENGTH_MAX) for field in ("title", "detail"))
    return ": ".join(part for part in parts if part)[:MESSAGE_LENGTH_MAX]


def _code(body: Mapping[str, object]) -> str | None:
    return one_line(body.get("code"), CODE_LENGTH_MAX) or None


def _details_json(body: Mapping[str, object]) -> str | None:
    details = body.get("details")
    return without_secrets(json.dumps(details)) if isinstance(details, list) else None


def _redirect(response: Response) -> str | None:
    """What is said of an answer that points elsewhere: the host alone, since the rest of a URL may hold anything."""
    host = redirect_host(response)
    if host is None:
        return None
    return f"a redirect to {host} was not followed" if host else "a redirect was not followed"
