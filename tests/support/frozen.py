"""The fields of frozen values: those of the core are dataclasses or, where many are made for each call, named tuples."""

from dataclasses import fields, is_dataclass
from typing import Any


def field_names(kind: type[Any]) -> tuple[str, ...] | None:
    """The names of a type's fields in their order; None for a type that has none."""
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else getattr(kind, "_fields", None)
