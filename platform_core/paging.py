"""Lists that come page by page: what the next page is asked for with, what it holds, and that every list has an end.

Rule 1: the end is said, never guessed: by a field of the page that its caller has named, or by an empty page. A named field that is not
        there is an error, or a name that is misspelt would pass for the end of the list.
Rule 2: who turns pages comes to new ones. A cursor that was there before, and a page that was, are errors, as is a long row of empty
        pages: whatever the platform answers, nobody turns pages for ever without new items.
Rule 3: an error turns no page: the same one may be asked for again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias, TypeGuard, assert_never, cast

from .errors import CallFacts, Failure
from .limits import Limits
from .messages import Response, encoded_query
from .raw import RawResponse
from .responses import Nonsense, content, failure_from_nonsense

EMPTY_PAGES_MAX = 1000
"""In a row, of a list by cursor: a filter may leave some of its pages empty."""


@dataclass(frozen=True, slots=True)
class ByCursor:
    """Each page names the cursor of the next one: in its field `field`, sent as the query parameter `parameter`; null ends the list."""

    field: str = "next_cursor"
    """A field within fields has dots: `meta.next`."""
    parameter: str = "cursor"
    first: str | int | None = None
    """Where to begin: `next` of a page of an earlier walk, say. None sends no cursor with the first request."""
    may_be_missing: bool = False
    """Whether a page without the field, or with an empty string in it, is the last one, as null is."""

    def __post_init__(self) -> None:
        _checked_field(self.field, "next.field")
        _check_parameter(self.parameter)
        if self.first is not None and not _is_position(self.first):
            message = "next.first must be a str that is not empty, or a whole number"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class ByOffset:
    """A page is asked for by the number of items before it. The first page without items ends the list."""

    parameter: str = "offset"
    first: int = 0
    more: str | None = None
    """A field that says whether there is another page, which saves the last request: false, null and "" say no."""

    def __post_init__(self) -> None:
        _check_counted(self)


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Pages are numbered. The first page without items ends the list."""

    parameter: str = "page"
    first: int = 1
    more: str | None = None
    """As for `ByOffset`: the platforms that answer 404 after the last page have such a field."""

    def __post_init__(self) -> None:
        _check_counted(self)


Paging: TypeAlias = ByCursor | ByOffset | ByNumber


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: list[Any]
    answer: Any
    """All that the page says, as parsed JSON."""
    next: str | int | None
    """What the next page is asked for with, as `first` of a later walk too; None on the last one."""


class Walk:
    """Where somebody is in a list. It changes with each page that is turned."""

    def __init__(self, path: str, params: object, items: object, paging: object) -> None:
        if not isinstance(paging, (ByCursor, ByOffset, ByNumber)):
            message = f"next must be ByCursor, ByOffset or ByNumber, not {type(paging).__name__}"
            raise TypeError(message)
        self.path = path
        self._params = _checked_params(params, paging)
        self._items = None if items is None else _checked_field(items, "items")
        self._paging = paging
        self._position: str | int | None = paging.first
        self._seen: set[object] = {paging.first}  # where pages are counted, no mark of a page equals it
        self._empty = self._turned = 0
        self.ended: bool = False

    @property
    def params(self) -> dict[str, Any]:
        """The query that the next page is asked for with."""
        return self._params if self._position is None else {**self._params, self._paging.parameter: self._position}

    def turn(self, raw: RawResponse, limits: Limits) -> Page | Failure:
        """The page in the answer to that query, or why there is none."""
        response = Response(raw.status, raw.headers, raw.body)
        page = self._page(response, limits)
        if isinstance(page, Page):
            mark = self._mark(page)
            endless = self._endless(page, mark)
            if endless is None:
                self._turned += 1
                self._empty = 0 if page.items else self._empty + 1
                self._seen.add(mark)
                self._position = page.next
                self.ended = page.next is None
                return page
            page = endless
        return failure_from_nonsense(page, response, CallFacts("GET", self.path, raw.request_id, raw.attempts, raw.elapsed))

    def _page(self, response: Response, limits: Limits) -> Page | Nonsense:
        answer = content(response, limits)
        if isinstance(answer, Nonsense):
            return answer
        items = answer if self._items is None else _found(answer, self._items)
        if not _is_list(items):
            what = "is not a list" if self._items is None else f"has no list in its field {self._items!r}"
            return Nonsense(f"page {self._number} {what}: `items` names the field, and is None where a page is itself a list")
        following = self._following(answer, len(items))
        return following if isinstance(following, Nonsense) else Page(items, answer, following)

    @property
    def _number(self) -> int:
        """Of the page that is asked for, from 1: what an error calls it."""
        return self._turned + 1

    def _following(self, answer: object, count: int) -> str | int | Nonsense | None:
        """What the page after this one is asked for with."""
        match self._paging:
            case ByCursor(field=field, may_be_missing=may_be_missing):
                return self._cursor(_found(answer, field), field, may_be_missing=may_be_missing)
            case ByOffset(more=more):
                step = count
            case ByNumber(more=more):
                step = 1
            case _:
                assert_never(self._paging)
        is_more = True if more is None else self._said(_found(answer, more), more)
        if isinstance(is_more, Nonsense):
            return is_more
        return cast("int", self._position) + step if is_more and count else None

    def _cursor(self, value: object, field: str, *, may_be_missing: bool) -> str | int | Nonsense | None:
        if value is None or (may_be_missing and value in (_MISSING, "")):
            return None
        if value is _MISSING:
            return Nonsense(f"page {self._number} has no field {field!r}: null ends a list; none does by ByCursor(may_be_missing=True)")
        if not _is_position(value):
            return Nonsense(f"page {self._number} has in its field {field!r} no cursor: a text that is not empty, a whole number, or null")
        return cast("str | int", value)

    def _said(self, value: object, field: str) -> bool | Nonsense:
        """Whether a field says that there is more."""
        if value is None or isinstance(value, (bool, str)):
            return bool(value)
        return Nonsense(f"page {self._number} does not say in its field {field!r} whether there is more: by true or a text, false or null")

    def _endless(self, page: Page, mark: object) -> Nonsense | None:
        """Why whoever goes on from this page might go on for ever."""
        if page.next is None:
            return None
        number, is_known = self._number, mark in self._seen
        match self._paging:
            case ByCursor() if is_known:
                return Nonsense(f"page {number} names a next page that was there before: the list has no end")
            case ByCursor() if not page.items and self._empty + 1 >= EMPTY_PAGES_MAX:
                return Nonsense(f"page {number} is the last of {EMPTY_PAGES_MAX} empty pages in a row: the list has no end")
            case ByOffset(parameter=parameter) | ByNumber(parameter=parameter) if is_known:
                return Nonsense(f"page {number} was there before: the platform seems to pass over the parameter {parameter!r}")
            case _:
                return None

    def _mark(self, page: Page) -> object:
        """What is there once alone: a cursor, or what stands on a page that was asked for by its number."""
        return page.next if isinstance(self._paging, ByCursor) else sha256(json.dumps(page.items, sort_keys=True).encode()).digest()


_MISSING = object()


def _found(answer: object, field: str) -> object:
    """What stands in a field, of a field, …; `_MISSING` where it is not there."""
    for name in field.split("."):
        if not isinstance(answer, dict):
            return _MISSING
        answer = cast("dict[str, object]", answer).get(name, _MISSING)
    return answer


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_position(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value != "")


def _checked_params(params: object, paging: Paging) -> dict[str, Any]:
    if params is None:
        return {}
    encoded_query(params)
    checked = dict(cast("Mapping[str, Any]", params))
    if paging.parameter in checked:
        message = f"params must not have {paging.parameter!r}: {type(paging).__name__}(first=…) says where to begin"
        raise ValueError(message)
    return checked


def _check_counted(paging: ByOffset | ByNumber) -> None:
    if paging.more is not None:
        _checked_field(paging.more, "next.more")
    _check_parameter(paging.parameter)
    _check_first(paging.first)


def _check_first(first: object) -> None:
    if isinstance(first, bool) or not isinstance(first, int):
        message = f"next.first must be a whole number, not {type(first).__name__}"
        raise TypeError(message)
    if first < 0:
        message = f"next.first must not be negative, not {first}"
        raise ValueError(message)


def _check_parameter(parameter: object) -> None:
    if not isinstance(parameter, str):
        message = f"next.parameter must be a str, not {type(parameter).__name__}"
        raise TypeError(message)
    if not parameter:
        message = "next.parameter must not be empty"
        raise ValueError(message)


def _checked_field(field: object, parameter: str) -> str:
    if not isinstance(field, str):
        message = f"{parameter} must be a str, not {type(field).__name__}"
        raise TypeError(message)
    if not all(field.split(".")):
        message = f"{parameter} must be the name of a field, or of one within another: 'meta.next'"
        raise ValueError(message)
    return field
