"""What a request says in its body and its query, checked: a wrong field becomes an answer that names it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Request, Response
from platform_core.strict_json import InvalidJson, strict_json

from .answers import error_answer

Rule: TypeAlias = tuple[Callable[[object], bool], str]
"""Whether a value is taken, and the words that say what would be."""

OBJECT: Rule = (lambda value: isinstance(value, dict), "must be an object")
TEXT: Rule = (lambda value: isinstance(value, str) and value != "", "must be a text that is not empty")


class Invalid(Exception):  # noqa: N818 -- never leaves the model: it becomes an answer
    """A request that makes no sense; `answer` says which fields, and why."""

    def __init__(self, status: int, *details: tuple[str, str]) -> None:
        super().__init__(status, details)
        self.answer: Response = error_answer(
            status,
            "VALIDATION_ERROR",
            "; ".join(f"{field} {rule}" for field, rule in details),
            [{"field": field, "message": rule} for field, rule in details],
        )


def json_fields(request: Request) -> dict[str, Any]:
    """The fields of a JSON object in the body. Raises `Invalid`: 415 or 400."""
    media_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Invalid(415, ("Content-Type", "must be application/json"))
    try:
        value = strict_json(request.body.content, DEFAULT_LIMITS.json_depth_max)
    except InvalidJson as error:
        raise Invalid(400, ("body", f"must be a JSON object: {error}")) from None
    if not isinstance(value, dict):
        raise Invalid(400, ("body", "must be a JSON object"))
    return cast(dict[str, Any], value)


def check_fields(fields: Mapping[str, Any], rules: Mapping[str, Rule], required: frozenset[str] = frozenset()) -> None:
    """Hold the fields against the rules. Raises `Invalid`, 422, with one detail for each field that is wrong, missing or not known."""
    details = [(name, "is not a field of this request") for name in fields if name not in rules]
    details += [(name, words) for name, (holds, words) in rules.items() if name in fields and not holds(fields[name])]
    details += [(name, "is missing") for name in rules if name in required and name not in fields]
    if details:
        raise Invalid(422, *details)


def query_value(request: Request, name: str) -> str | None:
    """The last value of this name in the query, else None."""
    values = parse_qs(request.target.partition("?")[2], keep_blank_values=True).get(name)
    return values[-1] if values else None


def whole_number(field: str, text: str, least: int, most: int) -> int:
    """The number that this text writes in plain digits. Raises `Invalid`, 422, for anything else and outside of the bounds."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise Invalid(422, (field, f"must be a whole number from {least} to {most}"))
    return int(text)
