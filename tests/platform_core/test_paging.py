"""Turning pages, without a platform: what is asked for next in each style, when a list ends, and that it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.errors import Failure, PlatformResponseError
from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers
from platform_core.paging import EMPTY_PAGES_MAX, ByCursor, ByNumber, ByOffset, Page, Paging, Walk
from platform_core.raw import RawResponse

JSON = Headers((("Content-Type", "application/json"),))
ROWS = list(range(7))
MORE = "does not say in its field 'more' whether there is more: by true or a text, false or null"
NOWHERE = "`items` names the field, and is None where a page is itself a list"


def raw(answer: Any) -> RawResponse:
    return RawResponse(200, JSON, json.dumps(answer).encode(), attempts=2, elapsed=1.5, request_id="r")


def walk(paging: Paging, items: str | None = "items", params: dict[str, Any] | None = None) -> Walk:
    return Walk("/api/v1/rows", params, items, paging)


def turned(pages: Walk, answer: Any) -> Page | str:
    """The page, or the message of the error."""
    found = pages.turn(raw(answer), DEFAULT_LIMITS)
    return found if isinstance(found, Page) else found.message


def listed(pages: Walk, server: Callable[[dict[str, Any]], Any]) -> tuple[list[Any], list[dict[str, Any]]]:
    """All items of a list, and what each page was asked for with."""
    items: list[Any] = []
    asked: list[dict[str, Any]] = []
    while not pages.ended:
        asked.append(pages.params)
        page = turned(pages, server(pages.params))
        assert isinstance(page, Page), page
        items += page.items
    return items, asked


class TestByCursor:
    def test_each_page_names_the_next_one_until_one_names_none(self) -> None:
        pages: dict[Any, Any] = {None: ([1, 2], "b"), "b": ([3], 7), 7: ([], None)}

        def server(params: dict[str, Any]) -> Any:
            items, following = pages[params.get("after")]
            return {"data": {"rows": items}, "meta": {"next": following}}

        paging = ByCursor("meta.next", "after")
        assert listed(walk(paging, "data.rows", {"limit": 2}), server) == (
            [1, 2, 3],
            [{"limit": 2}, {"limit": 2, "after": "b"}, {"limit": 2, "after": 7}],
        )

    def test_a_page_says_what_the_next_one_is_asked_for_with_so_that_another_walk_can_go_on(self) -> None:
        page = turned(walk(ByCursor()), {"items": [1], "next_cursor": "b", "total": 2})
        assert page == Page([1], {"items": [1], "next_cursor": "b", "total": 2}, "b")
        assert walk(ByCursor(first="b")).params == {"cursor": "b"}

    def test_a_missing_field_is_an_error_unless_it_is_said_to_be_the_end(self) -> None:
        assert turned(walk(ByCursor()), {"items": [1]}) == (
            "page 1 has no field 'next_cursor': null ends a list; none does by ByCursor(may_be_missing=True)"
        )
        for answer in ({"items": [1]}, {"items": [1], "next_cursor": ""}):
            pages = walk(ByCursor(may_be_missing=True))
            assert turned(pages, answer) == Page([1], answer, None)
            assert pages.ended

    @pytest.mark.parametrize("cursor", ["", True, 1.5, ["a"], {}])
    def test_what_is_no_cursor_is_an_error(self, cursor: Any) -> None:
        assert turned(walk(ByCursor()), {"items": [], "next_cursor": cursor}) == (
            "page 1 has in its field 'next_cursor' no cursor: a text that is not empty, a whole number, or null"
        )

    @pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["first"], ["a", "first"]])
    def test_a_cursor_that_was_there_before_is_an_error(self, cursors: list[str]) -> None:
        pages = walk(ByCursor(first="first"))
        *new, last = cursors
        for number, cursor in enumerate(new):
            assert isinstance(turned(pages, {"items": [number], "next_cursor": cursor}), Page)
        asked = pages.params
        assert turned(pages, {"items": ["new"], "next_cursor": last}) == (
            f"page {len(cursors)} names a next page that was there before: the list has no end"
        )
        assert pages.params == asked, "an error turns no page"

    def test_the_same_items_under_new_cursors_are_pages_as_any(self) -> None:
        pages = walk(ByCursor())
        assert all(isinstance(turned(pages, {"items": ["a"], "next_cursor": str(number)}), Page) for number in range(3))

    def test_empty_pages_come_to_an_end(self) -> None:
        pages = walk(ByCursor())
        turns = 5 + 1 + EMPTY_PAGES_MAX
        found = [turned(pages, {"items": [number] if number == 5 else [], "next_cursor": number}) for number in range(turns)]
        assert all(isinstance(page, Page) for page in found[:-1])
        assert found[-1] == f"page {turns} is the last of {EMPTY_PAGES_MAX} empty pages in a row: the list has no end"


class TestCounted:
    @pytest.mark.parametrize("size", [1, 3, 7, 8])
    def test_an_offset_counts_the_items_that_came_whatever_was_asked_for(self, size: int) -> None:
        items, asked = listed(walk(ByOffset("skip"), None, {"limit": 100}), lambda params: ROWS[params["skip"] :][:size])
        assert items == ROWS
        assert asked == [{"limit": 100, "skip": number} for number in (*range(0, 7, size), 7)]

    def test_pages_are_numbered_from_the_first_one_and_the_empty_one_ends_them(self) -> None:
        items, asked = listed(walk(ByNumber("p", first=0), None), lambda params: ROWS[params["p"] * 3 :][:3])
        assert items == ROWS
        assert asked == [{"p": 0}, {"p": 1}, {"p": 2}, {"p": 3}]

    @pytest.mark.parametrize(("yes", "no"), [(True, False), ("https://next", None), ("x", "")])
    def test_a_field_that_says_whether_there_is_more_saves_the_last_request(self, yes: Any, no: Any) -> None:
        def server(params: dict[str, Any]) -> Any:
            found = ROWS[(params["page"] - 1) * 3 :]
            return {"items": found[:3], "more": yes if len(found) > 3 else no}

        items, asked = listed(walk(ByNumber(more="more")), server)
        assert (items, [each["page"] for each in asked]) == (ROWS, [1, 2, 3])

    def test_an_empty_page_is_the_end_also_where_there_is_said_to_be_more(self) -> None:
        pages = walk(ByOffset(more="more"))
        assert isinstance(turned(pages, {"items": [], "more": True}), Page)
        assert pages.ended

    @pytest.mark.parametrize("answer", [{"items": [1]}, {"items": [1], "more": 1}, {"items": [1], "more": []}])
    def test_a_field_that_does_not_say_it_is_an_error(self, answer: Any) -> None:
        assert turned(walk(ByOffset(more="more")), answer) == f"page 1 {MORE}"

    @pytest.mark.parametrize("paging", [ByOffset("offset"), ByNumber("page")])
    @pytest.mark.parametrize("cycle", [1, 2, 3])
    def test_a_page_that_was_there_before_is_an_error(self, paging: Paging, cycle: int) -> None:
        pages = walk(paging, None)
        for number in range(cycle):
            assert isinstance(turned(pages, [{"a": number, "b": 0}]), Page)
        assert turned(pages, [{"b": 0, "a": 0}]) == (
            f"page {cycle + 1} was there before: the platform seems to pass over the parameter {paging.parameter!r}"
        )


@pytest.mark.parametrize("paging", [ByCursor(), ByOffset(), ByNumber()])
def test_a_list_has_not_ended_before_its_first_page(paging: Paging) -> None:
    assert walk(paging).ended is False


@given(
    paging=st.sampled_from([ByCursor(), ByOffset(), ByNumber(), ByOffset(more="next_cursor"), ByNumber(more="next_cursor")]),
    answers=st.lists(
        st.fixed_dictionaries({"items": st.lists(st.integers(0, 1), max_size=2), "next_cursor": st.sampled_from(["a", "b", "c", None])}),
        min_size=1,
        max_size=5,
    ),
)
def test_a_platform_that_answers_from_a_finite_stock_is_left_in_the_end(paging: Paging, answers: list[Any]) -> None:
    pages = walk(paging)
    for turn in range(EMPTY_PAGES_MAX):
        page = turned(pages, answers[turn % len(answers)])
        if pages.ended or not isinstance(page, Page):
            break
    else:
        pytest.fail("it went on")


class TestWhatIsNoPage:
    @pytest.mark.parametrize(
        ("items", "answer", "message"),
        [
            ("items", [1], f"page 1 has no list in its field 'items': {NOWHERE}"),
            ("data.rows", {"data": [1]}, f"page 1 has no list in its field 'data.rows': {NOWHERE}"),
            ("items", {"items": {}}, f"page 1 has no list in its field 'items': {NOWHERE}"),
            (None, {"items": []}, f"page 1 is not a list: {NOWHERE}"),
        ],
    )
    def test_a_page_without_the_list_that_was_named_is_an_error(self, items: str | None, answer: Any, message: str) -> None:
        assert turned(walk(ByOffset(), items), answer) == message

    def test_the_error_has_the_facts_of_the_call(self) -> None:
        found = walk(ByOffset()).turn(RawResponse(200, JSON, b"{", attempts=2, elapsed=1.5, request_id="r"), DEFAULT_LIMITS)
        assert isinstance(found, Failure)
        assert (found.error, found.status_code, found.method, found.path) == (PlatformResponseError, 200, "GET", "/api/v1/rows")
        assert (found.request_id, found.attempts, found.elapsed, found.body) == ("r", 2, 1.5, b"{")


class TestArguments:
    @pytest.mark.parametrize(
        ("kind", "arguments", "error"),
        [
            (ByCursor, {"field": ""}, "next.field must be the name of a field, or of one within another: 'meta.next'"),
            (ByCursor, {"field": "a..b"}, "next.field must be the name of a field, or of one within another: 'meta.next'"),
            (ByCursor, {"field": 1}, "next.field must be a str, not int"),
            (ByCursor, {"parameter": ""}, "next.parameter must not be empty"),
            (ByCursor, {"parameter": None}, "next.parameter must be a str, not NoneType"),
            (ByNumber, {"parameter": 1}, "next.parameter must be a str, not int"),
            (ByCursor, {"first": ""}, "next.first must be a str that is not empty, or a whole number"),
            (ByOffset, {"first": -1}, "next.first must not be negative, not -1"),
            (ByOffset, {"first": True}, "next.first must be a whole number, not bool"),
            (ByNumber, {"first": "1"}, "next.first must be a whole number, not str"),
            (ByNumber, {"more": ""}, "next.more must be the name of a field, or of one within another: 'meta.next'"),
            (ByNumber, {"parameter": ""}, "next.parameter must not be empty"),
            (Walk, {"paging": "next_cursor"}, "next must be ByCursor, ByOffset or ByNumber, not str"),
            (Walk, {"params": []}, "params must be a mapping, not list"),
            (Walk, {"items": 1}, "items must be a str, not int"),
            (Walk, {"params": {"cursor": "a"}}, "params must not have 'cursor': ByCursor(first=…) says where to begin"),
            (Walk, {"params": {"page": 2}, "paging": ByNumber()}, "params must not have 'page': ByNumber(first=…) says where to begin"),
        ],
    )
    def test_what_cannot_be_used_is_refused_by_name(self, kind: type, arguments: dict[str, Any], error: str) -> None:
        defaults: dict[str, Any] = {"path": "/a", "params": None, "items": "items", "paging": ByCursor()}
        with pytest.raises((TypeError, ValueError)) as caught:
            kind(**(defaults | arguments if kind is Walk else arguments))
        assert str(caught.value) == error

    def test_params_are_those_that_were_given_whatever_becomes_of_them(self) -> None:
        params = {"limit": 1}
        pages = walk(ByOffset(), params=params)
        params.clear()
        assert pages.params == {"limit": 1, "offset": 0}
