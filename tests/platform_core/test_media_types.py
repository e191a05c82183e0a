"""Media types by grammar."""

import time

import pytest

from platform_core.media_types import JSON, MediaType, media_type
from platform_core.messages import Headers


def read(text: str) -> MediaType | None:
    return media_type(Headers((("content-type", text),)))


@pytest.mark.parametrize(
    ("text", "charsets"),
    [
        ("application/json", ()),
        ("APPLICATION/Json", ()),
        ("application/json; charset=utf-8", ("utf-8",)),
        ("application/json;CHARSET=UTF-8", ("utf-8",)),
        ('application/json \t; \tcharset="utf-8"', ("utf-8",)),
        ('application/json; a="\\"; charset=latin-1"; charset="ut\\f-8"', ("utf-8",)),
        ("application/json;", ()),
        ("application/json; ; charset=utf8 ;\t", ("utf8",)),
        ("application/json; version=2; profile=x", ()),
        ("application/json; charset=utf-8; charset=latin-1", ("utf-8", "latin-1")),
        ('application/json; charset=""', ("",)),
    ],
)
def test_case_and_parameters_do_not_matter(text: str, charsets: tuple[str, ...]) -> None:
    assert read(text) == MediaType(JSON, charsets)


@pytest.mark.parametrize("text", ["text/html", "application/problem+json", "a!#$%&'*+-.^_`|~/z"])
def test_any_type_is_read(text: str) -> None:
    assert read(text) == MediaType(text, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "json",
        "/json",
        "application/",
        "application/json/x",
        "application /json",
        " application/json",
        "application/json charset=utf-8",
        "application/json; charset",
        "application/json; charset=",
        "application/json; charset = utf-8",
        'application/json; a="b',
        'application/json; a="b"c',
        'application/json; a="\u4e2d"',
        "application/json, application/json",
        "application/json\n",
    ],
)
def test_what_is_not_by_the_grammar_is_none(text: str) -> None:
    assert read(text) is None


def test_no_field_and_two_fields_are_none() -> None:
    assert media_type(Headers()) is None
    assert media_type(Headers((("Content-Type", JSON), ("Content-Type", JSON)))) is None


@pytest.mark.parametrize(
    ("charsets", "is_utf_8"),
    [((), True), (("utf-8",), True), (("utf8", "utf-8"), True), (("latin-1",), False), (("utf-8", "utf-16"), False), (("",), False)],
)
def test_only_a_charset_says_that_a_text_is_not_utf_8(charsets: tuple[str, ...], is_utf_8: bool) -> None:
    assert MediaType(JSON, charsets).is_utf_8 is is_utf_8


@pytest.mark.parametrize(
    ("name", "is_json"),
    [
        (JSON, True),
        ("application/problem+json", True),
        ("application/vnd.x+json", True),
        ("text/x+json", False),
        ("application/xjson", False),
        ("application/json+xml", False),
        ("text/json", False),
    ],
)
def test_json_may_be_the_syntax_of_something_more_special(name: str, is_json: bool) -> None:
    assert MediaType(name, ()).is_any_json is is_json


@pytest.mark.parametrize("part", ["; ", ";a=b", ' ;a="\\"', "a/", ";\t \t", '"'])
def test_a_hostile_field_costs_linear_time(part: str) -> None:
    start = time.process_time()
    assert read("application/json" + part * 20_000 + "\x01") is None
    assert time.process_time() - start < 1
