"""How the plain values within an operation are written as JSON and read back, each kind of value once.

Reading trusts nothing. What breaks a rule is `InvalidSnapshot`, which names the field and quotes no value.
"""

import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar, cast
from uuid import UUID

from .handles import ExecutionHandle
from .messages import Headers, checked_headers, checked_id, checked_target, encoded_path
from .requests import METHODS

T = TypeVar("T")
Json: TypeAlias = Any
"""None, a bool, a number, a text, or a list or dict of such."""

_QUERY = r"(?:[A-Za-z0-9\-._~:@!$&'()*+,;=/?]|%[0-9A-Fa-f]{2})*"
_STATUS_MAX = 999


class InvalidSnapshot(ValueError):  # noqa: N818 -- what a stranger gave us, as `InvalidJson`
    """Not a snapshot, or not one that this version could have written. The message names the field."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one kind of value becomes JSON, and is read from whatever stands at `where`."""

    write: Callable[[T], Json]
    read: Callable[[object, str], T]


def refuse(where: str, rule: str) -> NoReturn:
    """Raise `InvalidSnapshot` for this field."""
    message = f"{where} {rule}"
    raise InvalidSnapshot(message)


def json_object(found: object, where: str) -> Mapping[str, object]:
    """A JSON object, and nothing else."""
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in cast("dict[object, object]", found)):
        refuse(where, "must be a JSON object")
    return cast("Mapping[str, object]", found)


def optional(codec: Codec[T]) -> Codec[T | None]:
    """The same, or null."""
    return Codec(
        lambda value: None if value is None else codec.write(value),
        lambda found, where: None if found is None else codec.read(found, where),
    )


def choice(values: Mapping[str, T]) -> Codec[T]:
    """One of these, by its name."""
    names = {value: name for name, value in values.items()}

    def read(found: object, where: str) -> T:
        if not isinstance(found, str) or found not in values:
            refuse(where, f"must be one of {', '.join(values)}")
        return values[found]

    return Codec(lambda value: names[value], read)


def _read_text(found: object, where: str) -> str:
    if not isinstance(found, str):
        refuse(where, "must be a string")
    try:
        found.encode()
    except UnicodeEncodeError:
        refuse(where, "must not have a lone surrogate")
    return found


def _checked(check: Callable[[str, str], str]) -> Codec[str]:
    """A text that passes the check which the same text passes wherever else it comes in."""

    def read(found: object, where: str) -> str:
        text = _read_text(found, where)
        try:
            return check(text, where)
        except ValueError as error:
            fault = str(error)
        raise InvalidSnapshot(fault)

    return Codec(str, read)


def _checked_request_target(text: str, where: str) -> str:
    path, _, query = text.partition("?")
    if encoded_path(path, where) != path or not re.fullmatch(_QUERY, query):
        refuse(where, "must be percent-encoded")
    return text


def _read_number(found: object, where: str) -> float:
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= sys.float_info.max:
        refuse(where, "must be a number, finite and not negative")
    return found


def _read_positive(found: object, where: str) -> float:
    number = _read_number(found, where)
    if not number:
        refuse(where, "must be positive")
    return number


def _read_count(found: object, where: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        refuse(where, "must be a whole number, not negative")
    return found


def _read_status(found: object, where: str) -> int:
    status = _read_count(found, where)
    if status > _STATUS_MAX:
        refuse(where, f"must be at most {_STATUS_MAX}")
    return status


def _read_flag(found: object, where: str) -> bool:
    if not isinstance(found, bool):
        refuse(where, "must be true or false")
    return found


def _read_uuid(found: object, where: str) -> UUID:
    try:
        return UUID(_read_text(found, where))
    except InvalidSnapshot:
        raise
    except ValueError:
        pass
    refuse(where, "must be a UUID")


def _write_bytes(value: bytes) -> Json:
    # Nearly every body is JSON, and whoever reads a snapshot wants to see it.
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _read_bytes(found: object, where: str) -> bytes:
    if isinstance(found, str):
        return _read_text(found, where).encode()
    encoded = json_object(found, where).get("base64")
    try:
        return b64decode(_read_text(encoded, f"{where}.base64"), validate=True)
    except InvalidSnapshot:
        raise
    except ValueError:
        pass
    refuse(f"{where}.base64", "must be base64")


def _read_pairs(found: object, where: str) -> tuple[tuple[str, str], ...]:
    pairs = cast("list[object]", found) if isinstance(found, list) else refuse(where, "must be a list")
    fields: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs):
        match pair:
            case [str(name), str(value)]:
                fields.append((name, value))
            case _:
                refuse(f"{where}[{number}]", "must be a name and a value")
    return tuple(fields)


def _read_request_headers(found: object, where: str) -> Headers:
    pairs = _read_pairs(found, where)
    try:
        headers = checked_headers(dict(pairs), where)
    except ValueError as error:
        fault = str(error)
    else:
        return headers if len(headers) == len(pairs) else refuse(where, "has a name twice")
    raise InvalidSnapshot(fault)


def _write_headers(headers: Headers) -> Json:
    return [list(field) for field in headers]


def _read_json_text(found: object, where: str) -> str:
    text = _read_text(found, where)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        refuse(where, "must be JSON in a string")
    return text


def _read_handle(found: object, where: str) -> ExecutionHandle:
    try:
        return ExecutionHandle.from_json(json.dumps(found))
    except (TypeError, RecursionError):
        fault = f"{where}: not JSON"
    except ValueError as error:
        fault = f"{where}: {error}"
    raise InvalidSnapshot(fault)


TEXT: Codec[str] = Codec(str, _read_text)
ID = _checked(checked_id)
TARGET = _checked(_checked_request_target)
SUBMISSION_TARGET = _checked(checked_target)
METHOD = choice({name: name for name in sorted(METHODS)})
JSON_TEXT: Codec[str] = Codec(str, _read_json_text)
NUMBER: Codec[float] = Codec(lambda value: value, _read_number)
POSITIVE: Codec[float] = Codec(lambda value: value, _read_positive)
COUNT: Codec[int] = Codec(int, _read_count)
STATUS: Codec[int] = Codec(int, _read_status)
FLAG: Codec[bool] = Codec(bool, _read_flag)
KEY: Codec[UUID] = Codec(str, _read_uuid)
BYTES: Codec[bytes] = Codec(_write_bytes, _read_bytes)
REQUEST_HEADERS: Codec[Headers] = Codec(_write_headers, _read_request_headers)
RESPONSE_HEADERS: Codec[Headers] = Codec(_write_headers, lambda found, where: Headers(_read_pairs(found, where)))
HANDLE: Codec[ExecutionHandle] = Codec(lambda handle: json.loads(handle.to_json()), _read_handle)
