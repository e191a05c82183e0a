"""The bounds, and what may be one."""

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits

DEFAULTS = {
    "header_bytes_max": 64 * 1024,
    "headers_count_max": 100,
    "interim_answers_max": 16,
    "request_body_bytes_max": 64 * 1024 * 1024,
    "response_body_bytes_max": 64 * 1024 * 1024,
    "json_depth_max": 64,
    "connections_max": 100,
    "idle_seconds_max": 20.0,
    "connect_seconds_max": 10.0,
}
COUNTS = [name for name, value in DEFAULTS.items() if isinstance(value, int)]


def test_the_defaults_are_those_of_the_page() -> None:
    assert asdict(DEFAULT_LIMITS) == DEFAULTS
    assert Limits() == DEFAULT_LIMITS


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_that_is_not_positive_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"^limits\.{name} must be positive and finite, not {value}$"):
        made(name, value)


@pytest.mark.parametrize("name", ["idle_seconds_max", "connect_seconds_max"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_duration_that_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^limits\.{name} must be positive and finite"):
        made(name, value)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [1.0, "1", None, True])
def test_a_count_that_is_no_whole_number_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^limits\.{name} must be a whole number, not {type(value).__name__}$"):
        made(name, value)


@pytest.mark.parametrize("name", ["idle_seconds_max", "connect_seconds_max"])
@pytest.mark.parametrize("value", ["1", None, True])
def test_a_duration_that_is_no_number_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^limits\.{name} must be a number, not {type(value).__name__}$"):
        made(name, value)


@pytest.mark.parametrize("value", [5, 0.5])
def test_a_duration_may_be_whole_or_not(value: float) -> None:
    assert made("idle_seconds_max", value).idle_seconds_max == value


def test_limits_cannot_be_changed() -> None:
    assert not hasattr(DEFAULT_LIMITS, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(DEFAULT_LIMITS, "json_depth_max", 1)  # noqa: B010 -- the type checkers forbid it in other words


def made(name: str, value: Any) -> Limits:
    return Limits(**{name: value})
