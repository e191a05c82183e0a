"""Lists in pages: `?limit=&cursor=` in, `{"items", "next_cursor"}` out."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from platform_core.messages import Request

from .fields import Invalid, Rule, query_value, whole_number

LIMIT_DEFAULT = 50
LIMIT_MAX = 100

LIMIT_RULE: Rule = (
    lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LIMIT_MAX,
    f"must be a whole number from 1 to {LIMIT_MAX}",
)
"""For a limit that stands in a body."""


def asked_limit(request: Request) -> int:
    """The limit that the query asks for, else the default one. Raises `Invalid`."""
    text = query_value(request, "limit")
    return LIMIT_DEFAULT if text is None else whole_number("limit", text, 1, LIMIT_MAX)


def page(items: Sequence[Any], limit: int, cursor: str | None) -> dict[str, Any]:
    """The page that begins at this cursor; `next_cursor` is None on the last one. Raises `Invalid` for a cursor that no page gave."""
    start = 0 if cursor is None else _offset(items, cursor)
    end = start + limit
    return {"items": list(items[start:end]), "next_cursor": _cursor(end) if end < len(items) else None}


def _cursor(offset: int) -> str:
    """Opaque, so that nobody counts on its being a number."""
    return urlsafe_b64encode(f"from {offset}".encode()).decode().rstrip("=")


def _offset(items: Sequence[Any], cursor: str) -> int:
    for offset in range(1, len(items)):
        if _cursor(offset) == cursor:
            return offset
    raise Invalid(422, ("cursor", "must be one that a page of this list gave"))
