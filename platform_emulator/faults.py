"""What goes wrong on purpose: faults as frozen values, and a plan that says which one a request meets.

In JSON a fault is one flat object, of one of these kinds; every one may have `times` (1), `method` and `path` (any)::

    {"kind": "status", "status": 503, "retry_after": "2", "body": {"code": "BUSY"}}    a body that is a string is sent as text/html
    {"kind": "html", "status": 502}                 a proxy's error page, nothing has happened
    {"kind": "delay", "seconds": 0.5}               then the request takes its course
    {"kind": "drop_before"}                         the connection ends without an answer, nothing has happened
    {"kind": "drop_after"}                          the same, and it has happened
    {"kind": "unauthorized"}                        401 for all tokens and keys given out before it, for good; `times` does not count

and of these, where the request takes its course and the answer to it is spoiled::

    {"kind": "truncated", "framing": "length", "sent_bytes": 9}     so many bytes of the body (half; of events all but the last), then
                                                                    the connection ends;
                                                                    framing is `length` (a Content-Length that is not kept) or `chunked`
    {"kind": "trickle", "interval_seconds": 0.1}                    the whole answer, head and body, one byte at a time
    {"kind": "malformed_json", "variant": "cut"}                    broken JSON in an answer that promises JSON; one of `VARIANTS`
    {"kind": "stale_status", "status": "pending"}                   a status answer from the past, `pending` or `running`; strikes where the
                                                                    execution is further by now

`path` matches where it is part of the request's path. A request meets at most one fault: the first that matches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TypeAlias

from platform_core.lifecycle import TERMINAL, ExecutionStatus, is_reachable
from platform_core.messages import Request

VARIANTS = ("cut", "empty", "nan", "overflow", "duplicate_key", "not_utf8", "lone_surrogate", "deep")
"""The ways in which JSON can be broken."""
FRAMINGS = ("length", "chunked")


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status instead; without a body of its own, with the documented error body."""

    status: int
    retry_after: str | None = None
    body: bytes | None = None
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        _check_status(self.status)
        if self.retry_after is not None and not (self.retry_after.isascii() and self.retry_after.isprintable()):
            raise ValueError("retry_after must be printable ASCII")


@dataclass(frozen=True, slots=True)
class Html:
    """Answer with an error page in HTML instead, as a proxy in front of the platform would."""

    status: int = 502

    def __post_init__(self) -> None:
        _check_status(self.status)


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait, then let the request take its course, even if the client has gone."""

    seconds: float

    def __post_init__(self) -> None:
        _check_seconds("seconds", self.seconds)


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connection without an answer, `after_effect` or before the platform has looked at the request."""

    after_effect: bool


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """Refuse every credential given out up to this time in POSIX seconds; None until the fault is injected."""

    issued_until: float | None = None


@dataclass(frozen=True, slots=True)
class Truncated:
    """Send this much of the body, half of it where that is None, and end the connection."""

    framing: str = "length"
    sent_bytes: int | None = None

    def __post_init__(self) -> None:
        _check_choice("framing", self.framing, FRAMINGS)
        if self.sent_bytes is not None:
            _check_type("sent_bytes", self.sent_bytes, int)
            if self.sent_bytes < 0:
                raise ValueError(f"sent_bytes must not be negative, not {self.sent_bytes}")


@dataclass(frozen=True, slots=True)
class Trickle:
    """Send the answer one byte at a time, with a pause between any two."""

    interval_seconds: float = 0.1

    def __post_init__(self) -> None:
        _check_seconds("interval_seconds", self.interval_seconds)


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """Break the JSON of the answer in one of `VARIANTS`, and leave status and media type as they are."""

    variant: str = "cut"

    def __post_init__(self) -> None:
        _check_choice("variant", self.variant, VARIANTS)


@dataclass(frozen=True, slots=True)
class StaleStatus:
    """Answer for an execution as it was when it had this status."""

    status: str = "pending"

    def __post_init__(self) -> None:
        _check_choice("status", self.status, [each.value for each in ExecutionStatus if each not in TERMINAL])


Spoiling: TypeAlias = Truncated | Trickle | MalformedJson | StaleStatus
Effect: TypeAlias = Status | Html | Delay | Drop | Unauthorized | Spoiling


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

    def matches(self, request: Request, issued_at: float | None = None, status: ExecutionStatus | None = None) -> bool:
        """Whether it strikes this request.

        `issued_at` is when its credential was given out, None where it has none that is accepted; `status` is that of the
        execution that it asks for, None where it asks for none.
        """
        if self.method not in (None, request.method) or (self.path is not None and self.path not in request.path):
            return False
        match self.effect:
            case Unauthorized(issued_until):
                return issued_at is not None and issued_until is not None and issued_at <= issued_until
            case StaleStatus(stale):
                return status is not None and is_reachable(ExecutionStatus(stale), status)
            case _:
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

    def take(
        self, request: Request, issued_at: float | None = None, status: ExecutionStatus | None = None
    ) -> "tuple[FaultPlan, Fault | None]":
        """The fault that this request meets, and the plan without that one time of it; see `Fault.matches`."""
        for index, fault in enumerate(self.faults):
            if fault.matches(request, issued_at, status):
                return self._struck(index, fault), fault
        return self, None

    def _struck(self, index: int, fault: Fault) -> "FaultPlan":
        if isinstance(fault.effect, Unauthorized):
            return self
        rest = () if fault.times == 1 else (replace(fault, times=fault.times - 1),)
        return FaultPlan((*self.faults[:index], *rest, *self.faults[index + 1 :]))


def _check_status(status: object) -> None:
    _check_type("status", status, int)
    assert isinstance(status, int)
    if not 200 <= status <= 599:  # noqa: PLR2004 -- the final statuses of RFC 9110, section 15
        raise ValueError(f"status must be from 200 to 599, not {status}")


def _check_seconds(name: str, seconds: object) -> None:
    _check_type(name, seconds, (int, float))
    assert isinstance(seconds, (int, float))
    if not (isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{name} must be finite and not negative, not {seconds}")


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    _check_type(name, value, str)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def _check_type(name: str, value: object, types: type | tuple[type, ...]) -> None:
    if isinstance(value, bool) or not isinstance(value, types):
        raise TypeError(f"{name} has the wrong type, {type(value).__name__}")
