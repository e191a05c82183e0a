"""Operations as JSON, to be stored and carried to another process, event loop or version of Python.

    stored = json.dumps(snapshot(operation))
    ...
    client.run(restore(json.loads(stored)))

A snapshot holds no token, no origin and no time of the process that made it. It does hold what was to be sent, inputs included.
Whatever an operation was doing is, once it is restored, something that may or may not have happened (`Restored`).
"""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from .machine import Operation
from .outcomes import Outcome
from .stored_shapes import OUTCOMES, STATES, one_of
from .stored_values import InvalidSnapshot, Json, json_object

SCHEMA = 1


class Snapshot(TypedDict):
    """The shape of a snapshot; what may stand in `operation`, schema 1 tells in `stored_shapes.STATES`."""

    schema: int
    operation: dict[str, Any]
    """`type`, the name of the state, and its fields."""


class UnknownSchema(InvalidSnapshot):
    """The snapshot is of a schema that this version cannot read: of a later version, or of none."""


_KINDS = frozenset(shape.kind for shape in STATES)
_OPERATION = one_of(*(shape.kind for shape in STATES))
_OUTCOME = one_of(*(shape.kind for shape in OUTCOMES if shape.name != "response"))


def snapshot(operation: Operation[Any]) -> Snapshot:
    """The operation as a value that `json.dumps` writes.

    Raises `TypeError` for what this package did not build, and `ValueError` where the body of its request, or what has come of its
    answer, is not in it: both are with the caller.
    """
    if hasattr(type(operation), "with_seen"):
        message = f"{type(operation).__name__} cannot be stored: what has come of its answer is not in it"
        raise ValueError(message)
    if type(operation) not in _KINDS:
        message = f"operation must be one that platform_core builds, not {type(operation).__name__}"
        raise TypeError(message)
    return {"schema": SCHEMA, "operation": _OPERATION.write(operation)}


def restore(stored: Mapping[str, Any]) -> Operation[Any]:
    """The operation of a snapshot, equal to the one that it was made of; from a stranger it is checked like any input.

    Raises `InvalidSnapshot`, a `ValueError`, that names the field; `UnknownSchema`, its subclass, for another schema.
    """
    members = json_object(stored, "snapshot")
    schema = members.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        message = f"snapshot.schema must be {SCHEMA}: this version reads no other"
        raise UnknownSchema(message)
    return cast("Operation[Any]", _OPERATION.read(members.get("operation"), "snapshot.operation"))


def stored_outcome(outcome: Outcome) -> dict[str, Json]:
    """An outcome in the same manner, for a journal: with all that was received."""
    return cast("dict[str, Json]", _OUTCOME.write(outcome))


def restored_outcome(stored: object, where: str) -> Outcome:
    """The outcome that stands at `where`. Raises `InvalidSnapshot`."""
    return cast("Outcome", _OUTCOME.read(stored, where))
