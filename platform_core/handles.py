"""The handle of an execution: what another process needs to go on with it, as a versioned JSON value.

It holds neither an origin nor a token: a handle may be read from anywhere, and must not be able to send our token elsewhere.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args
from uuid import UUID

from .messages import checked_id, checked_target

HANDLE_VERSION = 1

OnAbandon: TypeAlias = Literal["cancel", "detach"]
HandleKind: TypeAlias = Literal["code_block", "agent", "workflow", "execution"]
"""The kind of component that was submitted; `execution` for one that was only awaited."""


class Submission(NamedTuple):
    """What was submitted, to send the same bytes with the same key again."""

    key: UUID
    target: str
    body: bytes

    def __repr__(self) -> str:
        return f"Submission(key={self.key}, target={self.target!r}, body={len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class ExecutionHandle:
    """Names one execution: by its id, or, as long as none is known, by the submission that learns it.

    `seconds_left` is what was left of our own deadline, `attempts` how many requests it had taken.
    """

    kind: HandleKind
    execution_id: str | None
    submission: Submission | None
    seconds_left: float
    attempts: int
    on_abandon: OnAbandon

    def __post_init__(self) -> None:
        if (self.execution_id is None) == (self.submission is None):
            message = "a handle has either an execution_id or a submission"
            raise ValueError(message)

    def to_dict(self) -> dict[str, Any]:
        """The handle for a log or an error report: without the body of the submission, which may hold anything."""
        return {
            "version": HANDLE_VERSION,
            "kind": self.kind,
            "execution_id": self.execution_id,
            "submission": None if self.submission is None else {"key": str(self.submission.key), "target": self.submission.target},
            "seconds_left": self.seconds_left,
            "attempts": self.attempts,
            "on_abandon": self.on_abandon,
        }

    def to_json(self) -> str:
        """The whole handle, with the body of the submission where no id is known yet."""
        whole = self.to_dict()
        if self.submission is not None:
            whole["submission"]["body"] = self.submission.body.decode()
        return json.dumps(whole)

    def checked(self) -> "ExecutionHandle":
        """The same handle, if `from_json` would read it: one that was made by hand may hold anything. Raises `ValueError`."""
        try:
            text = self.to_json()
        except (AttributeError, TypeError, ValueError):
            text = ""
        if text:
            return ExecutionHandle.from_json(text)
        message = "handle must hold values that have a form in JSON"
        raise ValueError(message)

    @classmethod
    def from_json(cls, text: str) -> "ExecutionHandle":
        """Read what `to_json` wrote; from a stranger it is checked like any input. Raises `ValueError` that names the field."""
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            message = "handle: not JSON"
            raise ValueError(message) from None
        whole = _mapping(found, "handle")
        version = whole.get("version")
        if version != HANDLE_VERSION or isinstance(version, bool):
            message = f"handle.version must be {HANDLE_VERSION}, not {version!r}"
            raise ValueError(message)
        submission, execution_id = whole.get("submission"), whole.get("execution_id")
        attempts = _number(whole, "attempts")
        if not isinstance(attempts, int):
            message = "handle.attempts must be a whole number"
            raise ValueError(message)  # noqa: TRY004 -- one kind of error for whatever a stranger wrote
        if execution_id is not None:
            execution_id = checked_id(_text(whole, "execution_id"), "handle.execution_id")
        return cls(
            kind=cast("HandleKind", _choice(whole, "kind", get_args(HandleKind))),
            execution_id=execution_id,
            submission=None if submission is None else _submission(_mapping(submission, "handle.submission")),
            seconds_left=float(_number(whole, "seconds_left")),
            attempts=attempts,
            on_abandon=cast("OnAbandon", _choice(whole, "on_abandon", get_args(OnAbandon))),
        )


def _submission(found: Mapping[str, object]) -> Submission:
    try:
        key = UUID(_text(found, "key", "handle.submission"))
    except ValueError:
        message = "handle.submission.key must be a UUID"
        raise ValueError(message) from None
    target = checked_target(_text(found, "target", "handle.submission"), "handle.submission.target")
    try:
        body = _text(found, "body", "handle.submission").encode()
    except UnicodeEncodeError:
        message = "handle.submission.body must not have a lone surrogate"
        raise ValueError(message) from None
    return Submission(key, target, body)


def _mapping(found: object, field: str) -> Mapping[str, object]:
    if not isinstance(found, dict):
        message = f"{field} must be a JSON object"
        raise ValueError(message)  # noqa: TRY004 -- one kind of error for whatever a stranger wrote
    return cast("Mapping[str, object]", found)


def _text(whole: Mapping[str, object], field: str, parent: str = "handle") -> str:
    value = whole.get(field)
    if not isinstance(value, str):
        message = f"{parent}.{field} must be a string"
        raise ValueError(message)  # noqa: TRY004 -- one kind of error for whatever a stranger wrote
    return value


def _number(whole: Mapping[str, object], field: str) -> float | int:
    value = whole.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= sys.float_info.max:
        message = f"handle.{field} must be a number, finite and not negative"
        raise ValueError(message)
    return value


def _choice(whole: Mapping[str, object], field: str, choices: tuple[str, ...]) -> str:
    value = _text(whole, field)
    if value not in choices:
        message = f"handle.{field} must be one of {', '.join(choices)}"
        raise ValueError(message)
    return value
