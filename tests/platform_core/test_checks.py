"""Checks of durations."""

import sys
from typing import Any

import pytest

from platform_core.checks import checked_count, checked_seconds, checked_seconds_or_none


@pytest.mark.parametrize("value", [1, 0.001, 300.0, sys.float_info.max])
def test_a_positive_finite_number_is_handed_back_as_it_was_given(value: float) -> None:
    assert checked_seconds(value, "timeout") is value


@pytest.mark.parametrize("value", [0, -1, -0.0, float("nan"), float("inf"), float("-inf"), 10**400])
def test_what_is_not_positive_and_finite_is_refused_by_name(value: float) -> None:
    with pytest.raises(ValueError, match=r"^timeout must be a positive and finite number of seconds$"):
        checked_seconds(value, "timeout")


@pytest.mark.parametrize("value", [True, "5", None, b"5", [5]])
def test_what_is_no_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^timeout must be a number of seconds, not {type(value).__name__}$"):
        checked_seconds(value, "timeout")


def test_none_may_stand_for_no_duration() -> None:
    assert checked_seconds_or_none(None, "timeout") is None
    assert checked_seconds_or_none(2, "timeout") == 2
    with pytest.raises(ValueError, match="timeout"):
        checked_seconds_or_none(0, "timeout")


@pytest.mark.parametrize(
    ("value", "error", "rule"),
    [
        (True, TypeError, "must be a whole number, not bool"),
        (2.0, TypeError, "must be a whole number, not float"),
        ("2", TypeError, "must be a whole number, not str"),
        (0, ValueError, "must be at least 1, not 0"),
        (-3, ValueError, "must be at least 1, not -3"),
    ],
)
def test_a_count_is_a_whole_number_of_at_least_one(value: Any, error: type[Exception], rule: str) -> None:
    assert checked_count(1, "attempts") == 1
    with pytest.raises(error, match=f"^attempts {rule}$"):
        checked_count(value, "attempts")
