"""Checks of plain numbers that callers give, shared by whoever takes durations."""

import sys


def checked_seconds(value: object, parameter: str) -> float:
    """A duration in seconds, as it was given. Raises `TypeError` for no number, `ValueError` unless it is positive and finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = f"{parameter} must be a number of seconds, not {type(value).__name__}"
        raise TypeError(message)
    # Not compared with infinity, since a whole number may be finite and yet too large to add to a clock's float.
    if not 0 < value <= sys.float_info.max:
        message = f"{parameter} must be a positive and finite number of seconds"
        raise ValueError(message)
    return value


def checked_seconds_or_none(value: object, parameter: str) -> float | None:
    """The same, where None stands for no duration at all."""
    return None if value is None else checked_seconds(value, parameter)


def checked_count(value: object, parameter: str) -> int:
    """A whole number of at least 1. Raises `TypeError` or `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{parameter} must be a whole number, not {type(value).__name__}"
        raise TypeError(message)
    if value < 1:
        message = f"{parameter} must be at least 1, not {value}"
        raise ValueError(message)
    return value
