"""The answers of the platform: JSON, and the documented error body."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from platform_core.messages import Headers, Request, Response

JSON_TYPE = ("Content-Type", "application/json")


def json_answer(status: int, value: Any, *headers: tuple[str, str]) -> Response:  # noqa: ANN401 -- any JSON
    """An answer with this value as its body, in ASCII."""
    return Response(status, Headers((JSON_TYPE, *headers)), json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii"))


def error_answer(status: int, code: str, message: str, details: Sequence[dict[str, str]] = (), *headers: tuple[str, str]) -> Response:
    """An answer with the documented error body."""
    return json_answer(status, {"code": code, "message": message, "details": list(details)}, *headers)


def not_found(what: str) -> Response:
    """404: `what` says what there is not."""
    return error_answer(404, "NOT_FOUND", f"{what} does not exist")


def unauthenticated(message: str) -> Response:
    """401, with the challenge that RFC 9110, section 15.5.2, asks for."""
    return error_answer(401, "UNAUTHENTICATED", message, (), ("WWW-Authenticate", "Bearer"))


def with_request_id(request: Request, response: Response, seed: UUID, at: float) -> Response:
    """The answer with the client's `X-Request-ID`, or one made here where the client sent none."""
    request_id = request.headers.get("X-Request-ID") or str(uuid5(seed, f"request {request.method} {request.target} {at}"))
    return Response(response.status, response.headers.with_defaults((("X-Request-ID", request_id),)), response.body)
