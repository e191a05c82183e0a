"""What goes wrong on purpose: faults as frozen values, and a plan that says which one a request meets.

In JSON a fault is one flat object, of one of these kinds; every one may have `times` (1), `method` and `path` (any)::

    {"kind": "status", "status": 503, "retry_after": "2", "body": {"code": "BUSY"}}    a body that is a string is sent as text/html
    {"kind": "delay", "seconds": 0.5}                                                  then the request takes its course
    {"kind": "drop_before"}                                                            the connection ends, nothing has happened
    {"kind": "drop_after"}                                                             the connection ends, it has happened
    {"kind": "unauthorized"}               401 for every token minted before the injection, for good; `times` does not count

`path` matches where it is part of the request's path. A request meets at most one fault: the first that matches.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, TypeAlias, assert_never, cast

from platform_core.messages import Headers, Request, Response

from .answers import error_answer, unauthenticated


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status instead; without a body of its own, with the documented error body."""

    status: int
    retry_after: str | None = None
    body: bytes | None = None
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        _check_type("status", self.status, int)
        if not 200 <= self.status <= 599:  # noqa: PLR2004 -- the final statuses of RFC 9110, section 15
            raise ValueError(f"status must be from 200 to 599, not {self.status}")
        if self.retry_after is not None and not (self.retry_after.isascii() and self.retry_after.isprintable()):
            raise ValueError("retry_after must be printable ASCII")


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait, then let the request take its course, even if the client has gone."""

    seconds: float

    def __post_init__(self) -> None:
        _check_type("seconds", self.seconds, (int, float))
        if not (isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"seconds must be finite and not negative, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connection without an answer, `after_effect` or before the platform has looked at the request."""

    after_effect: bool


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """Refuse every token minted up to this time in POSIX seconds; None until the fault is injected."""

    issued_until: float | None = None


Effect: TypeAlias = Status | Delay | Drop | Unauthorized


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect, how often it strikes, and which requests. Raises `TypeError` or `ValueError`, naming the field."""

    effect: Effect
    times: int = 1
    method: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        _check_type("times", self.times, int)
        if self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")
        for name, value in (("method", self.method), ("path", self.path)):
            if value is not None:
                _check_type(name, value, str)
        if self.method is not None:
            object.__setattr__(self, "method", self.method.upper())

    def matches(self, request: Request, issued_at: float | None) -> bool:
        """Whether it strikes this request, which came with a token minted at `issued_at`; None: with none that is accepted."""
        if self.method not in (None, request.method) or (self.path is not None and self.path not in request.path):
            return False
        if isinstance(self.effect, Unauthorized):
            return issued_at is not None and self.effect.issued_until is not None and issued_at <= self.effect.issued_until
        return True


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults that are still to come, in order."""

    faults: tuple[Fault, ...] = ()

    def with_fault(self, fault: Fault, at: float) -> "FaultPlan":
        """The plan with one more fault, injected at this time in POSIX seconds, on the clock that tokens are minted by."""
        if isinstance(fault.effect, Unauthorized):
            fault = replace(fault, effect=Unauthorized(at))
        return FaultPlan((*self.faults, fault))

    def take(self, request: Request, issued_at: float | None = None) -> "tuple[FaultPlan, Fault | None]":
        """The fault that this request meets, and the plan without that one time of it; see `Fault.matches`."""
        for index, fault in enumerate(self.faults):
            if fault.matches(request, issued_at):
                return self._struck(index, fault), fault
        return self, None

    def _struck(self, index: int, fault: Fault) -> "FaultPlan":
        if isinstance(fault.effect, Unauthorized):
            return self
        rest = () if fault.times == 1 else (replace(fault, times=fault.times - 1),)
        return FaultPlan((*self.faults[:index], *rest, *self.faults[index + 1 :]))


def answer_of(effect: Status | Unauthorized) -> Response:
    """What a request that meets this effect is answered."""
    match effect:
        case Unauthorized():
            return unauthenticated("the token was revoked")
        case Status(status, retry_after, body, content_type):
            extra = () if retry_after is None else (("Retry-After", retry_after),)
            if status in (204, 205, 304):
                return Response(status, Headers(extra))
            if body is None:
                return error_answer(status, "EMULATED_FAULT", f"injected status {status}", (), *extra)
            return Response(status, Headers((("Content-Type", content_type), *extra)), body)
        case _:
            assert_never(effect)


def as_fault(value: object) -> Fault:
    """The fault itself, or the one that this mapping describes. Raises `TypeError` or `ValueError` that names what is wrong."""
    if isinstance(value, Fault):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"a fault must be a Fault or an object with a kind, not {type(value).__name__}")
    fields = dict(cast(Mapping[str, Any], value))
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise ValueError(f"kind must be one of {', '.join(_FIELDS)}, not {kind!r}")
    general = {name: fields.pop(name) for name in ("times", "method", "path") if name in fields}
    unknown = sorted(fields.keys() - _FIELDS[kind])
    if unknown:
        raise ValueError(f"a fault of kind {kind} has no field {', '.join(unknown)}")
    return Fault(_effect(kind, fields), **general)


def parsed_faults(text: str) -> tuple[Fault, ...]:
    """The faults of a JSON list. Raises `ValueError` that says which entry is wrong, and why."""
    try:
        values: object = json.loads(text)
    except ValueError as error:
        raise ValueError(f"faults must be JSON: {error}") from None
    if not isinstance(values, list):
        raise ValueError(f"faults must be a JSON list, not {type(values).__name__}")  # noqa: TRY004 -- what the text says is a value
    faults: list[Fault] = []
    for index, value in enumerate(cast(list[object], values)):
        try:
            faults.append(as_fault(value))
        except (TypeError, ValueError) as error:
            raise ValueError(f"fault {index}: {error}") from None
    return tuple(faults)


_FIELDS: Mapping[str, frozenset[str]] = {
    "status": frozenset({"status", "retry_after", "body"}),
    "delay": frozenset({"seconds"}),
    "drop_before": frozenset(),
    "drop_after": frozenset(),
    "unauthorized": frozenset(),
}
"""The fields that each kind has beside the general ones."""


def _effect(kind: str, fields: Mapping[str, Any]) -> Effect:
    match kind:
        case "status":
            return _status(fields)
        case "delay":
            if "seconds" not in fields:
                raise ValueError("a fault of kind delay needs seconds")
            return Delay(fields["seconds"])
        case "unauthorized":
            return Unauthorized()
        case _:
            return Drop(after_effect=kind == "drop_after")


def _status(fields: Mapping[str, Any]) -> Status:
    if "status" not in fields:
        raise ValueError("a fault of kind status needs a status")
    retry_after = fields.get("retry_after")
    if retry_after is not None:
        _check_type("retry_after", retry_after, (str, int))
        retry_after = str(retry_after)
    body = fields.get("body")
    if body is None:
        return Status(fields["status"], retry_after)
    if isinstance(body, str):
        return Status(fields["status"], retry_after, body.encode("utf-8"), "text/html; charset=utf-8")
    return Status(fields["status"], retry_after, json.dumps(body).encode("ascii"))


def _check_type(name: str, value: object, types: type | tuple[type, ...]) -> None:
    if isinstance(value, bool) or not isinstance(value, types):
        raise TypeError(f"{name} has the wrong type, {type(value).__name__}")
