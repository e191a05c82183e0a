"""HTTP dates and Retry-After, against the faults that other clients fell for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platform_core.http_dates import http_date_seconds, retry_after_seconds
from platform_core.messages import Headers
from tests.support.vectors import name_of, rows_of


@pytest.mark.parametrize("row", rows_of("retry_after"), ids=name_of)
def test_a_vector_is_read_as_it_says(row: dict[str, Any]) -> None:
    fields = (("Retry-After", row["retry_after"]), ("Date", row["date"]))
    assert retry_after_seconds(Headers(tuple(field for field in fields if field[1] is not None))) == row["seconds"]


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


def test_more_digits_than_an_int_may_be_read_from_are_as_if_absent() -> None:
    assert retry_after_seconds(Headers((("Retry-After", "9" * 5000),))) is None


def test_retry_after_that_stands_twice_is_as_if_absent() -> None:
    assert retry_after_seconds(Headers((("Retry-After", "5"), ("Retry-After", "5")))) is None


@pytest.mark.parametrize("text", ["", "0", "784111777"])
def test_a_number_is_no_date(text: str) -> None:
    assert http_date_seconds(text) is None
