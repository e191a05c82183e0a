"""Faults as JSON: the flat objects that `faults.py` describes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .faults import Delay, Drop, Effect, Fault, Html, MalformedJson, StaleStatus, Status, Trickle, Truncated, Unauthorized


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind is made of its fields, beside the general ones: those that it may have, and those that it needs."""

    made: Callable[..., Effect]
    fields: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


def as_fault(value: object) -> Fault:
    """The fault itself, or the one that this mapping describes. Raises `TypeError` or `ValueError` that names what is wrong."""
    if isinstance(value, Fault):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"a fault must be a Fault or an object with a kind, not {type(value).__name__}")
    fields = dict(cast(Mapping[str, Any], value))
    name = fields.pop("kind", None)
    if not isinstance(name, str) or name not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}, not {name!r}")
    kind = _KINDS[name]
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


_KINDS: Mapping[str, _Kind] = {
    "status": _Kind(_status, frozenset({"status", "retry_after", "body"}), frozenset({"status"})),
    "html": _Kind(Html, frozenset({"status"})),
    "delay": _Kind(Delay, frozenset({"seconds"}), frozenset({"seconds"})),
    "drop_before": _Kind(lambda: Drop(after_effect=False)),
    "drop_after": _Kind(lambda: Drop(after_effect=True)),
    "unauthorized": _Kind(Unauthorized),
    "truncated": _Kind(Truncated, frozenset({"framing", "sent_bytes"})),
    "trickle": _Kind(Trickle, frozenset({"interval_seconds"})),
    "malformed_json": _Kind(MalformedJson, frozenset({"variant"})),
    "stale_status": _Kind(StaleStatus, frozenset({"status"})),
}
