"""HTTP dates and Retry-After, against the faults that other clients fell for."""

from datetime import UTC, datetime, timedelta

import pytest

from platform_core.http_dates import http_date_seconds, retry_after_seconds
from platform_core.messages import Headers

EXAMPLE = 784_111_777.0
"""1994-11-06T08:49:37Z, the example of RFC 9110."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE),
        ("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE),
        ("Sun Nov  6 08:49:37 1994", EXAMPLE),
        ("Sun Nov 16 08:49:37 2025", datetime(2025, 11, 16, 8, 49, 37, tzinfo=UTC).timestamp()),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Wed, 31 Dec 1969 23:59:59 GMT", -1.0),
        ("Tue, 29 Feb 2000 00:00:00 GMT", datetime(2000, 2, 29, tzinfo=UTC).timestamp()),
        ("Sat, 31 Dec 2016 23:59:60 GMT", datetime(2017, 1, 1, tzinfo=UTC).timestamp()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
        ("Wednesday, 01-Jan-70 00:00:00 GMT", datetime(2070, 1, 1, tzinfo=UTC).timestamp()),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0.0),
    ],
)
def test_each_of_the_three_forms_is_read(text: str, seconds: float) -> None:
    assert http_date_seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 +9999",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov 06 08:49:37 94",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Monday, 06-Nov-94 08:49:37 GMT",
        "Thu, 31 Feb 1994 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 25:61:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_what_is_not_by_the_grammar_or_the_calendar_is_none(text: str) -> None:
    assert http_date_seconds(text) is None


def test_the_calendar_is_that_of_datetime() -> None:
    # A step that meets every month, week day and kind of year.
    day = datetime(1, 1, 1, 12, tzinfo=UTC)
    while day.year < 9900:
        text = day.strftime(f"%a, %d %b {day.year:04} %H:%M:%S GMT")
        assert http_date_seconds(text) == day.timestamp(), text
        day += timedelta(days=97)


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024])
@pytest.mark.parametrize("month", range(1, 13))
def test_no_month_has_a_day_after_its_last(year: int, month: int) -> None:
    first_of_next = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    last = first_of_next - timedelta(days=1)
    assert http_date_seconds(last.strftime("%a, %d %b %Y %H:%M:%S GMT")) == last.timestamp()
    # With the name that the day would bear if it were there, so that the name alone does not refuse it.
    assert http_date_seconds(f"{first_of_next:%a}, {last.day + 1:02} {last:%b} {year} 00:00:00 GMT") is None


@pytest.mark.parametrize("year", range(1900, 2100))
def test_the_day_name_tells_the_century_of_a_two_digit_year(year: int) -> None:
    for month, day in ((1, 31), (2, 28), (3, 1), (12, 31)):
        moment = datetime(year, month, day, tzinfo=UTC)
        assert http_date_seconds(moment.strftime("%A, %d-%b-%y %H:%M:%S GMT")) == moment.timestamp()


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("5", 5.0), ("007", 7.0), ("120", 120.0), ("9999999999", 9_999_999_999.0)])
def test_retry_after_in_seconds_is_read(text: str, seconds: float) -> None:
    assert retry_after_seconds(Headers((("retry-after", text),))) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+5",
        "1.5",
        "1e3",
        "inf",
        "nan",
        "\u0663",
        "\u00b2",
        "9" * 11,
        pytest.param("9" * 5000, id="5,000 digits"),
        "120, 60",
        "[5]",
        " 5",
        "5 ",
        "5\n",
        "0x5",
        "1_0",
        "soon",
    ],
)
def test_any_other_retry_after_is_as_if_absent(text: str) -> None:
    assert retry_after_seconds(Headers((("Retry-After", text),))) is None


def test_retry_after_that_stands_twice_is_as_if_absent() -> None:
    assert retry_after_seconds(Headers((("Retry-After", "5"), ("Retry-After", "5")))) is None


def test_no_retry_after_is_none() -> None:
    assert retry_after_seconds(Headers()) is None


@pytest.mark.parametrize(
    ("until", "since", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:49:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:48:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", None, None),
        ("Sun, 06 Nov 1994 08:50:37 GMT", "yesterday", None),
        ("tomorrow", "Sun, 06 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_a_date_is_measured_against_the_date_of_the_answer(until: str, since: str | None, seconds: float | None) -> None:
    fields = [("Retry-After", until)] + ([] if since is None else [("Date", since)])
    assert retry_after_seconds(Headers(tuple(fields))) == seconds
