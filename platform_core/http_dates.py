"""Dates as HTTP writes them (RFC 9110, section 5.6.7), and the pause that a server asks for with them.

Our own few lines, since `email.utils` takes dates that do not exist and zones that HTTP does not have.
"""

import re

from .messages import Headers

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = f"(?P<name>{'|'.join(_DAYS)})"
_LONG_DAY = f"(?P<name>{'|'.join(_LONG_DAYS)})"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|(?<=23:59:)60)"
"""Up to 23:59:60: a leap second comes at the end of a day alone."""
_FORMS = (
    rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
    rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
    rf"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
)
"""IMF-fixdate, the form of RFC 850, the form of asctime."""
_DELAY_SECONDS = "[0-9]{1,10}"
_EPOCH_DAY = 719_163
"""1970-01-01, counted from 0001-01-01 as day 1."""


def retry_after_seconds(headers: Headers) -> float | None:
    """The pause that an answer asks for with `Retry-After` (RFC 9110, section 10.2.3), in seconds.

    A date is measured against the answer's own `Date`, so that no clock of ours matters; one in the past is no pause. None where
    there is no such field, or one that makes no sense.
    """
    text = headers.get("Retry-After")
    if text is None:
        return None
    if re.fullmatch(_DELAY_SECONDS, text):
        return float(text)
    until, since = http_date_seconds(text), http_date_seconds(headers.get("Date") or "")
    return None if until is None or since is None else max(0.0, until - since)


def http_date_seconds(text: str) -> float | None:
    """The POSIX time of an HTTP date, else None: strictly by the grammar, for days that exist and bear the name that they are given."""
    for form in _FORMS:
        found = re.fullmatch(form, text)
        if found is not None:
            break
    else:
        return None
    year, month, day = int(found["year"]), _MONTHS.index(found["month"]), int(found["day"])
    # Two digits of RFC 850 are read as the century in which the day bears its name: between any two neighbours the names differ.
    years = (year,) if len(found["year"]) == len("1994") else (1900 + year, 2000 + year)
    for each in years:
        number = _day_number(each, month, day)
        if number is not None and _DAYS[(number - 1) % 7] == found["name"][:3]:
            seconds = int(found["hour"]) * 3600 + int(found["minute"]) * 60 + int(found["second"])
            return float((number - _EPOCH_DAY) * 86_400 + seconds)
    return None


def _day_number(year: int, month: int, day: int) -> int | None:
    """The number of a day of the Gregorian calendar, 0001-01-01 being 1; None where there is no such day. `month` counts from 0."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = _MONTH_DAYS[month] + (leap and month == 1)
    if year == 0 or not 1 <= day <= days:
        return None
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + sum(_MONTH_DAYS[:month]) + (leap and month > 1) + day
