"""JSON as RFC 8259 has it, without what Python's reader and writer let through."""

import json
from typing import Any, cast
from uuid import UUID

_INFINITE = (float("inf"), float("-inf"))
_STRUCTURE = bytes.maketrans(b"{}", b"[]")
_WHITE_SPACE = " \t\n\r"
"""That of RFC 8259, section 2, alone."""
_NO_STRUCTURE = bytes(set(range(256)) - set(b"[]{}"))


class InvalidJson(ValueError):  # noqa: N818 -- the name says what was found, as a peer's fault rather than a caller's
    """Not JSON, or JSON that two readers might read differently. The text is fixed: it quotes nothing of what came."""


def strict_json(data: bytes, depth_max: int) -> Any:  # noqa: ANN401 -- JSON is anything
    """The value of a JSON text in UTF-8, without BOM (RFC 8259, section 8.1).

    Raises `InvalidJson` for anything else, for NaN and Infinity, a number that overflows, a key that stands twice in one object,
    a lone surrogate, and more than `depth_max` arrays and objects within each other.
    """
    if _deeper_than(data, depth_max):
        message = "arrays and objects are nested too deeply"
        raise InvalidJson(message)
    fault = "not JSON"
    try:
        text = data.decode("utf-8").strip(_WHITE_SPACE)
        value, end = _DECODER.raw_decode(text)
        is_whole = end == len(text)
        if is_whole and ("\\ud" in text or "\\uD" in text):
            fault = "a lone surrogate"
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except InvalidJson:
        raise
    except UnicodeDecodeError:
        fault = "not UTF-8"
    except ValueError:
        pass
    except RecursionError:
        fault = "arrays and objects are nested too deeply"
    else:
        if is_whole:
            return value
    raise InvalidJson(fault)


def json_body(value: object, parameter: str = "json") -> bytes:
    """The compact JSON text of a value, in UTF-8; a UUID becomes a string.

    Raises `ValueError` for NaN, Infinity, a lone surrogate, a circular or too deep value, and `TypeError` for what JSON has no
    form for, keys that are not strings among it: Python's writer would turn 1 and "1" into one key.
    """
    try:
        body = _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        message = f"{parameter} holds a lone surrogate, which UTF-8 has no form for"
    except RecursionError:
        message = f"{parameter} is nested too deeply"
    except ValueError as error:
        message = f"{parameter} cannot be sent as JSON: {error}"
    except TypeError as error:
        message = f"{parameter} cannot be sent as JSON: {error}"
        raise TypeError(message) from None
    else:
        _check_keys(value, parameter)
        return body
    raise ValueError(message)


def _deeper_than(data: bytes, depth_max: int) -> bool:
    """Whether brackets nest deeper; that many brackets in all are rare, so that they are counted first."""
    if data.count(b"[") + data.count(b"{") <= depth_max:
        return False
    # Without escapes every second piece between quotes is a string; what is left of the others are brackets of one kind, and
    # each pass removes the innermost level. What does not shrink any more is unbalanced, and the parser says so.
    pieces = data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    brackets = b"".join(pieces[::2]).translate(_STRUCTURE, _NO_STRUCTURE)
    for _ in range(depth_max):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            return brackets.count(b"[") > depth_max
        brackets = fewer
    return bool(brackets)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key stands twice in one object"
        raise InvalidJson(message)
    return found


def _finite(text: str) -> float:
    value = float(text)
    if value in _INFINITE:
        message = "a number is too large"
        raise InvalidJson(message)
    return value


def _constant(_: str) -> float:
    message = "NaN or Infinity, which JSON does not have"
    raise InvalidJson(message)


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    message = f"there is no form for {type(value).__name__}"
    raise TypeError(message)


def _check_keys(value: object, parameter: str) -> None:
    """Raise `TypeError` for a key that is not a string. The value is known to be finite: it was written before."""
    left: list[object] = [value]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            items = cast(dict[object, object], found)
            wrong = [key for key in items if not isinstance(key, str)]
            if wrong:
                message = f"{parameter} has a key that is not a str but {type(wrong[0]).__name__}"
                raise TypeError(message)
            left.extend(items.values())
        elif isinstance(found, (list, tuple)):
            left.extend(cast(list[object], found))


# Made once: making one takes longer than reading a record.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_finite, parse_constant=_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
