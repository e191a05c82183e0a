"""JSON as the platform takes it: UTF-8, numbers that a float can hold, a bounded depth."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import NoReturn, cast

DEPTH_MAX = 64
"""As deep as clients accept an answer (`limits.json_depth_max`): what is echoed comes back to them."""


def parsed(body: bytes) -> object:
    """The value. Raises `ValueError` for everything else; a lone surrogate passes, since answers are sent in ASCII."""
    try:
        value: object = json.loads(body.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _depth(value) > DEPTH_MAX:
        raise ValueError("nested too deeply")
    return value


def _depth(value: object) -> int:
    """How many arrays and objects lie in one another, counted without recursion."""
    depth, level = -1, [value]
    while level:
        depth += 1
        level = [inner for each in level for inner in _inside(each)]
    return depth


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast(dict[str, object], value).values() or (None,)
    if isinstance(value, list):
        return cast(list[object], value) or (None,)
    return ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value
