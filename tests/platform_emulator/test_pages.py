from typing import Any

import pytest

from platform_core.messages import Request
from platform_emulator.fields import Invalid
from platform_emulator.pages import LIMIT_DEFAULT, asked_limit, page

ITEMS = list(range(10))


def walked(limit: int) -> list[list[int]]:
    pages: list[list[int]] = []
    cursor: str | None = None
    while True:
        found: dict[str, Any] = page(ITEMS, limit, cursor)
        pages.append(found["items"])
        cursor = found["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (10, [10]), (100, [10])])
def test_pages_hold_all_items_once_in_order(limit: int, sizes: list[int]) -> None:
    pages = walked(limit)
    assert [len(each) for each in pages] == sizes
    assert [item for each in pages for item in each] == ITEMS


def test_an_empty_list_is_one_page() -> None:
    assert page([], 5, None) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("cursor", ["", "5", "nonsense", "é", "\udcff"])
def test_a_cursor_that_no_page_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        page(ITEMS, 5, cursor)


@pytest.mark.parametrize(("target", "limit"), [("/", LIMIT_DEFAULT), ("/?limit=7", 7)])
def test_the_limit_stands_in_the_query(target: str, limit: int) -> None:
    assert asked_limit(Request("GET", target)) == limit
