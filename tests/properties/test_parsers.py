"""Whatever a peer, a file or a caller gives: each reader answers, or raises its own error with its own words."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.errors import CallFacts, Failure
from platform_core.http_dates import http_date_seconds, retry_after_seconds
from platform_core.limits import DEFAULT_LIMITS
from platform_core.media_types import media_type
from platform_core.messages import Headers, Response, checked_header
from platform_core.responses import Nonsense, content, execution_record, failure_from_nonsense, failure_from_status, skills_artifact
from platform_core.strict_json import InvalidJson, strict_json
from platform_core.tokens import Token

from .strategies import json_values, responses

ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.text(), st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.lists(st.text(), max_size=2), st.uuids()
)
FACTS = CallFacts("GET", "/api/v1/x", "id", 1, 0.5)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NAMES = st.text("aZ0!-+.", min_size=1, max_size=5)
SPACES = st.text(" \t", max_size=2)
QUOTED = st.text('aZ0 \t;,="\\é', max_size=6)
MARCHES = st.sampled_from((400, 1700, 1900, 2000, 2024, 2026, 2100)).map(lambda year: datetime(year, 3, 1))  # noqa: DTZ001 -- HTTP has one zone
AROUND_LEAP_DAYS = st.tuples(MARCHES, st.timedeltas(timedelta(-2), timedelta(1))).map(lambda pair: pair[0] + pair[1])
OF_DATES = "0169 :,-GMTJanSux\u0663\u00b2"
OF_JSON = (b'"', b"\\ud800", b",", b"NaN", b"[", b"1e999")


@given(st.lists(st.tuples(NAMES, st.text(max_size=4)), max_size=5), NAMES, st.lists(st.tuples(NAMES, NAMES), max_size=3))
def test_headers_answer_as_a_list_of_them_would(fields: list[tuple[str, str]], name: str, defaults: list[tuple[str, str]]) -> None:
    headers = Headers(tuple(fields))
    values = [value for each, value in fields if each.lower() == name.lower()]
    assert headers.get_all(name) == tuple(values)
    assert headers.get(name) == (", ".join(values) if values else None)
    assert (name in headers) == bool(values)
    filled = headers.with_defaults(defaults)
    added = [(each, value) for each, value in defaults if each not in headers]
    assert filled.fields == (*fields, *added)


@given(NAMES | ANYTHING, ANYTHING | st.text(min_size=9))
def test_a_callers_header_is_one_line_or_refused_without_its_value(name: Any, value: Any) -> None:
    try:
        field = checked_header(name, value, "headers")
    except (TypeError, ValueError) as error:
        text = str(error)
    else:
        assert re.fullmatch(rb"[!-~]+: [^\x00-\x08\x0a-\x1f\x7f]*", ": ".join(field).encode("latin-1"))
        return
    assert text.startswith("headers")
    assert not isinstance(value, str) or len(value) < len("the value") or value not in text


@given(ANYTHING | st.text("aZ0-._~+/= \n", max_size=20))
def test_a_token_is_taken_or_refused_without_being_quoted(value: Any) -> None:
    try:
        header = Token.checked(value, "auth_token").header
    except (TypeError, ValueError) as error:
        text = str(error)
    else:
        assert re.fullmatch(r"[A-Za-z0-9\-._~+/ ]+=*", header[1])
        return
    assert text.startswith("auth_token ")
    assert not isinstance(value, str) or len(value) < len("a bearer token") or value not in text


@st.composite
def content_types(draw: st.DrawFn) -> tuple[str, str, tuple[str, ...]]:
    """A valid `Content-Type`, its media type, and the values of its charsets."""
    kind = f"{draw(NAMES)}/{draw(NAMES)}"
    text, charsets = kind, list[str]()
    for name in draw(st.lists(st.sampled_from(("charset", "CharSet")) | NAMES, max_size=3)):
        value = draw(QUOTED)
        if draw(st.booleans()) or not value:
            written = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        else:
            written = value = draw(NAMES)
        text += f"{draw(SPACES)};{draw(SPACES)}{name}={written}"
        charsets += [value.lower()] if name.lower() == "charset" else []
    return text, kind.lower(), tuple(charsets)


@given(content_types())
def test_a_media_type_made_by_the_grammar_is_read_as_it_was_meant(made: tuple[str, str, tuple[str, ...]]) -> None:
    text, name, charsets = made
    found = media_type(Headers((("content-type", text),)))
    assert found is not None
    assert (found.name, found.charsets) == (name, charsets)


@given(st.text(max_size=30) | st.text('a/;= "\\+,\t', max_size=40))
def test_any_text_is_a_media_type_or_none(text: str) -> None:
    found = media_type(Headers((("Content-Type", text),)))
    assert found is None or re.fullmatch(r"[^\s/;]+/[^\s/;]+", found.name)
    assert found is None or not found.is_any_json or found.name.startswith("application/")


def written(at: datetime) -> tuple[str, str, str]:
    """A time in the three forms of RFC 9110, section 5.6.7."""
    day, month, clock = DAYS[at.weekday()], MONTHS[at.month - 1], f"{at:%H:%M:%S}"
    return (
        f"{day[:3]}, {at.day:02} {month} {at.year:04} {clock} GMT",
        f"{day}, {at.day:02}-{month}-{at.year % 100:02} {clock} GMT",
        f"{day[:3]} {month} {at.day:2} {clock} {at.year:04}",
    )


@given(st.datetimes() | AROUND_LEAP_DAYS)
def test_a_date_is_read_as_the_calendar_of_python_counts_it(at: datetime) -> None:
    at = at.replace(microsecond=0)
    seconds = (at - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 -- both are without a zone
    first, with_two_digits, third = written(at)
    assert (http_date_seconds(first), http_date_seconds(third)) == (seconds, seconds)
    if 1900 <= at.year <= 2099:
        assert http_date_seconds(with_two_digits) == seconds


@settings(max_examples=200)
@given(
    st.datetimes().map(written).flatmap(st.sampled_from),
    st.integers(0, 40),
    st.text("0169 :,-GMTJanSux\u0663\u00b2", max_size=3),
    st.text(),
)
def test_any_text_is_a_date_or_none_and_no_pause_is_negative(date: str, at: int, put: str, text: str) -> None:
    spoiled = date[:at] + put + date[at + len(put) :]
    for value in (spoiled, text, put):
        assert http_date_seconds(value) is None or value.isascii()
        pause = retry_after_seconds(Headers((("Retry-After", value), ("Date", date))))
        assert pause is None or 0 <= pause < float("inf")


@settings(max_examples=200)
@given(
    json_values,
    st.integers(0, 60),
    st.binary(max_size=2) | st.sampled_from((b'"', b"\\ud800", b",", b"NaN", b"[", b"1e999")),
    st.integers(0, 2),
)
def test_json_of_which_a_part_was_changed_is_read_as_python_reads_it_or_refused(value: Any, at: int, put: bytes, gone: int) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    data = data[:at] + put + data[at + gone :]
    try:
        found = strict_json(data, 64)
    except InvalidJson as error:
        text = str(error)
    else:
        assert json.dumps(found) == json.dumps(json.loads(data.decode())), "so that 1, 1.0 and true differ"
        return
    assert re.fullmatch(r"[a-zA-Z0-9 ,-]+", text), "a fixed text"


@settings(max_examples=200)
@given(responses, st.binary(max_size=3), st.integers(0, 60))
def test_any_answer_is_what_was_asked_for_or_nonsense_and_makes_an_error_that_can_be_shown(made: Response, put: bytes, at: int) -> None:
    response = Response(made.status, made.headers, made.body[:at] + put + made.body[at + len(put) :])
    for found in (
        content(response, DEFAULT_LIMITS),
        execution_record(response, DEFAULT_LIMITS, None),
        skills_artifact(response, DEFAULT_LIMITS),
    ):
        if isinstance(found, Nonsense):
            check_shown(failure_from_nonsense(found, response, FACTS))
    check_shown(failure_from_status(response, FACTS, DEFAULT_LIMITS))


def check_shown(failure: Failure) -> None:
    error = failure.exception()
    assert "\n" not in str(error)
    json.dumps(error.to_dict(), allow_nan=False).encode()
