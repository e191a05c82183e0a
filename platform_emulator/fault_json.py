"""Faults as JSON: the flat objects that `faults.py` describes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never, cast

from .faults import (
    FRAMINGS,
    VARIANTS,
    Delay,
    Drop,
    Effect,
    Fault,
    Html,
    MalformedJson,
    StaleStatus,
    Status,
    Trickle,
    Truncated,
    Unauthorized,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind is made of its fields, beside the general ones: those that it may have, and those that it needs."""

    made: Callable[..., Effect]
    fields: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def as_fault(value: object) -> Fault:
    """The fault itself, or the one that this mapping describes. Raises `TypeError` or `ValueError` that names what is wrong."""
    if isinstance(value, Fault):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"a fault must be a Fault or an object with a kind, not {type(value).__name__}")
    fields = dict(cast(Mapping[str, Any], value))
    name = fields.pop("kind", None)
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {name!r}")
    kind = KINDS[name]
    general = {each: fields.pop(each) for each in ("times", "method", "path") if each in fields}
    unknown = sorted(fields.keys() - kind.fields)
    if unknown:
        raise ValueError(f"a fault of kind {name} has no field {', '.join(unknown)}")
    missing = sorted(kind.needed - fields.keys())
    if missing:
        raise ValueError(f"a fault of kind {name} needs {', '.join(missing)}")
    return Fault(kind.made(**fields), **general)


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


def as_json(fault: Fault) -> dict[str, Any]:
    """The object that describes this fault: `as_fault` makes the same of it, but for a body of bytes that are no UTF-8."""
    general = {"times": fault.times if fault.times > 1 else None, "method": fault.method, "path": fault.path}
    return {name: value for name, value in (_effect_json(fault.effect) | general).items() if value is not None}


def kinds() -> dict[str, dict[str, dict[str, Any]]]:
    """Every kind with its fields, for a form: whether one is `needed`, a `number`, and its `choices` where there are some."""
    return {
        kind_name: {
            each: {"needed": each in kind.needed, "number": each in _NUMBERS and each not in kind.choices}
            | ({"choices": list(kind.choices[each])} if each in kind.choices else {})
            for each in sorted(kind.fields, key=lambda name: (name not in kind.needed, name))
        }
        for kind_name, kind in KINDS.items()
    }


def _effect_json(effect: Effect) -> dict[str, Any]:
    match effect:
        case Status(status, retry_after, body, content_type):
            text = None if body is None else body.decode("utf-8", "replace")
            shown = json.loads(text) if text is not None and content_type == "application/json" else text
            return {"kind": "status", "status": status, "retry_after": retry_after, "body": shown}
        case Html(status):
            return {"kind": "html", "status": status}
        case Delay(seconds):
            return {"kind": "delay", "seconds": seconds}
        case Drop(after_effect):
            return {"kind": "drop_after" if after_effect else "drop_before"}
        case Unauthorized():
            return {"kind": "unauthorized"}
        case Truncated(framing, sent_bytes):
            return {"kind": "truncated", "framing": framing, "sent_bytes": sent_bytes}
        case Trickle(interval_seconds):
            return {"kind": "trickle", "interval_seconds": interval_seconds}
        case MalformedJson(variant):
            return {"kind": "malformed_json", "variant": variant}
        case StaleStatus(status):
            return {"kind": "stale_status", "status": status}
        case _:
            assert_never(effect)


def _status(status: Any, retry_after: object = None, body: object = None) -> Status:  # noqa: ANN401 -- checked by Status
    if retry_after is not None and (isinstance(retry_after, bool) or not isinstance(retry_after, (str, int))):
        raise TypeError(f"retry_after has the wrong type, {type(retry_after).__name__}")
    after = None if retry_after is None else str(retry_after)
    match body:
        case None:
            return Status(status, after)
        case str():
            return Status(status, after, body.encode("utf-8"), "text/html; charset=utf-8")
        case _:
            return Status(status, after, json.dumps(body).encode("ascii"))


KINDS: Mapping[str, _Kind] = {
    "status": _Kind(_status, frozenset({"status", "retry_after", "body"}), frozenset({"status"})),
    "html": _Kind(Html, frozenset({"status"})),
    "delay": _Kind(Delay, frozenset({"seconds"}), frozenset({"seconds"})),
    "drop_before": _Kind(lambda: Drop(after_effect=False)),
    "drop_after": _Kind(lambda: Drop(after_effect=True)),
    "unauthorized": _Kind(Unauthorized),
    "truncated": _Kind(Truncated, frozenset({"framing", "sent_bytes"}), choices={"framing": FRAMINGS}),
    "trickle": _Kind(Trickle, frozenset({"interval_seconds"})),
    "malformed_json": _Kind(MalformedJson, frozenset({"variant"}), choices={"variant": VARIANTS}),
    "stale_status": _Kind(StaleStatus, frozenset({"status"}), choices={"status": ("pending", "running")}),
}
"""By the word that names it in JSON."""
_NUMBERS = frozenset({"interval_seconds", "seconds", "sent_bytes", "status"})
