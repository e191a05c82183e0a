"""Requests and answers as frozen values, tied to no HTTP library, and the checks of what callers put into them.

Rule 1: whatever is put into a target or a header is checked before anything is sent; what does not pass is `TypeError` or
        `ValueError`, which names the parameter and the rule. The value of a header is never quoted: it may be a secret.
Rule 2: a caller's id is one path segment. Encoding cannot save `.` and `..`, so that they are refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, NoReturn, TypeAlias, cast
from urllib.parse import quote, unquote
from uuid import UUID

FORBIDDEN_HEADERS = frozenset({"authorization", "x-api-key", "host", "content-length", "transfer-encoding", "connection"})
"""What the credentials and the framing of a message are made of: never a caller's."""
_CONTROL = "[\x00-\x1f\x7f-\x9f]"
_DOTS = frozenset({".", ".."})
_PCHAR_BESIDES_UNRESERVED = ":@!$&'()*+,;="
_TARGET = r"/api/v1/(?:[A-Za-z0-9\-._~:@!$&'()*+,;=/]|%[0-9A-Fa-f]{2})+"
_LONE_PERCENT = "%(?![0-9A-Fa-f]{2})"
_PLACEHOLDER = r"\{[^/{}]*\}"
# What every call needs is compiled here; `re` compiles the others when they are first used, and keeps them.
_PLAIN_ID = re.compile(r"[A-Za-z0-9\-_~][A-Za-z0-9\-._~]*")
"""What most ids look like: no rule concerns them, and nothing of them is encoded."""
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9\-_~][A-Za-z0-9\-._~]*)+")
"""The same for paths."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_FIELD_VALUE = re.compile("[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; names compare case-insensitively (RFC 9110, section 5.1)."""

    fields: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> str | None:
        """The value of the only field of this name; of several, all joined by a comma (RFC 9110, section 5.3); else None."""
        wanted = name.lower()
        found: str | None = None
        for each, value in self.fields:
            if each.lower() == wanted:
                found = value if found is None else f"{found}, {value}"
        return found

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of every field of this name, in order."""
        wanted = name.lower()
        return tuple(value for each, value in self.fields if each.lower() == wanted)

    def with_defaults(self, others: Iterable[tuple[str, str]]) -> "Headers":
        """These fields, and those of `others` whose names do not stand here."""
        present = {name.lower() for name, _ in self.fields}
        return Headers((*self.fields, *[field for field in others if field[0].lower() not in present]))


NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True)
class Inline:
    """A body that the value itself holds."""

    content: bytes

    def __repr__(self) -> str:
        return f"Inline({len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class External:
    """A body that the value only names: whoever runs the request holds it, and hands it on piece by piece.

    `length` in bytes, None where nobody knows it; `replayable` says whether the same bytes can be sent more than once.
    """

    length: int | None
    replayable: bool

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 0:
            message = f"length must not be negative, not {self.length}"
            raise ValueError(message)

    @property
    def content(self) -> NoReturn:
        """There are no bytes here: whoever knows inline bodies alone is told so, and sends nothing."""
        raise TypeError("this body is external: it is handed on piece by piece, and is not in the value")


Body: TypeAlias = Inline | External
NO_BODY = Inline(b"")


class Request(NamedTuple):
    """What an operation wants sent: it knows no origin, so that it may be stored and run elsewhere.

    `target` is in origin-form: an absolute path and, where there is one, a query (RFC 9112, section 3.2.1), encoded.
    """

    method: str
    target: str
    headers: Headers = NO_HEADERS
    body: Body = NO_BODY

    @property
    def path(self) -> str:
        """The target without its query, for texts: a query may hold what is nobody else's business."""
        return self.target.partition("?")[0]


class OutgoingRequest(NamedTuple):
    """A request as a transport gets it: whole, with a finished absolute URL, to which it adds nothing but the credentials."""

    method: str
    url: str
    headers: Headers
    body: Body


class Response(NamedTuple):
    """An answer, whole. `body` is as it came: neither decompressed nor decoded."""

    status: int
    headers: Headers = NO_HEADERS
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """2xx (RFC 9110, section 15.3)."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the class of a status is its first digit

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


def checked_id(value: object, parameter: str) -> str:
    """An id as plain text: anything that can be one path segment once it is percent-encoded."""
    if isinstance(value, UUID):
        return str(value)
    if type(value) is str and _PLAIN_ID.fullmatch(value):
        return value
    text = _checked_text(value, parameter, "a UUID or a str")
    if not text or text in _DOTS:
        message = f"{parameter} must not be empty, '.' or '..'"
        raise ValueError(message)
    return text


def segment(value: object, parameter: str) -> str:
    """An id as one percent-encoded path segment; what is unreserved stays (RFC 3986, section 2.3)."""
    text = checked_id(value, parameter)
    return text if _PLAIN_ID.fullmatch(text) else quote(text, safe="")


def checked_target(value: str, parameter: str) -> str:
    """The target of a submission, as a handle from a stranger names it: it must look as if we had made it."""
    if not re.fullmatch(_TARGET, value):
        message = f"{parameter} must be a percent-encoded path that begins with /api/v1/, without a query"
        raise ValueError(message)
    if any(unquote(each) in _DOTS for each in value.split("/")):
        message = f"{parameter} must not have a dot segment"
        raise ValueError(message)
    return value


def encoded_path(path: object, parameter: str = "path") -> str:
    """A caller's path, with all that is outside of pchar (RFC 3986, section 3.3) percent-encoded; valid `%XX` stay as they are."""
    if type(path) is str and _PLAIN_PATH.fullmatch(path):
        return path
    text = _checked_text(path, parameter, "a str")
    rules = (
        (not text.startswith("/") or text.startswith("//"), "must begin with one /, without scheme and host"),
        ("?" in text, "must not have a query: give it as params"),
        ("#" in text, "must not have a fragment"),
        (re.search(_PLACEHOLDER, text), "has a placeholder in braces that was not filled: an f-string fills it"),
        (re.search(_LONE_PERCENT, text), "has a % that is not followed by two hexadecimal digits"),
        (not _DOTS.isdisjoint(unquote(text).split("/")), "must not have a dot segment, also when decoded"),
    )
    for broken, rule in rules:
        if broken:
            message = f"{parameter} {rule}"
            raise ValueError(message)
    return quote(text, safe=f"/%{_PCHAR_BESIDES_UNRESERVED}")


def encoded_query(params: object, parameter: str = "params") -> str:
    """A query without its `?`: None is left out, booleans are lower-case, a list or tuple is repeated."""
    if not isinstance(params, Mapping):
        message = f"{parameter} must be a mapping, not {type(params).__name__}"
        raise TypeError(message)
    pairs: list[str] = []
    for key, value in cast("Mapping[object, object]", params).items():
        if not isinstance(key, str):
            message = f"{parameter} must have str keys, not {type(key).__name__}"
            raise TypeError(message)
        name = _encoded(key, f"a key of {parameter}")
        values = cast("list[object]", value) if isinstance(value, (list, tuple)) else [value]
        pairs += [f"{name}={_query_value(each, f'{parameter}[{key!r}]')}" for each in values if each is not None]
    return "&".join(pairs)


def checked_header(name: object, value: object, parameter: str) -> tuple[str, str]:
    """A header field: a token (RFC 9110, section 5.6.2) and a value without control characters (section 5.5)."""
    if not isinstance(name, str):
        message = f"{parameter} must have str names, not {type(name).__name__}"
        raise TypeError(message)
    if not _TOKEN.fullmatch(name):
        message = f"{parameter}: a header's name must be a token (RFC 9110, section 5.6.2)"
        raise ValueError(message)
    if not isinstance(value, str):
        message = f"{parameter}: the value of {name} must be a str, not {type(value).__name__}"
        raise TypeError(message)
    if not _FIELD_VALUE.fullmatch(value) or value != value.strip(" \t"):
        message = f"{parameter}: the value of {name} must be Latin-1 without control characters and without space around it"
        raise ValueError(message)
    return str.__str__(name), str.__str__(value)


def checked_headers(headers: object, parameter: str = "headers") -> Headers:
    """A caller's headers: each name once, none of those that are ours alone."""
    if not isinstance(headers, Mapping):
        message = f"{parameter} must be a mapping, not {type(headers).__name__}"
        raise TypeError(message)
    fields: dict[str, tuple[str, str]] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        field = checked_header(name, value, parameter)
        lower = field[0].lower()
        if lower in FORBIDDEN_HEADERS:
            message = f"{parameter} must not have {field[0]}: the client sets it"
            raise ValueError(message)
        if lower in fields:
            message = f"{parameter} has {field[0]} twice"
            raise ValueError(message)
        fields[lower] = field
    return Headers(tuple(fields.values()))


def _checked_text(value: object, parameter: str, wanted: str) -> str:
    """A plain str without control characters and lone surrogates."""
    if not isinstance(value, str):
        message = f"{parameter} must be {wanted}, not {type(value).__name__}"
        raise TypeError(message)
    if re.search(_CONTROL, value):
        message = f"{parameter} must not have a control character"
        raise ValueError(message)
    _encoded(value, parameter)
    return str.__str__(value)


def _query_value(value: object, parameter: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _encoded(value, parameter)
        case int():
            return str(int(value))
        case float() if isfinite(value):
            return quote(repr(float(value)), safe="")
        case float():
            message = f"{parameter} must be finite"
            raise ValueError(message)
        case UUID():
            return str(value)
        case _:
            message = f"{parameter} must be a str, a number, a bool, a UUID, None, or a list of them, not {type(value).__name__}"
            raise TypeError(message)


def _encoded(text: str, parameter: str) -> str:
    try:
        return quote(text.encode("utf-8"), safe="")
    except UnicodeEncodeError:
        message = f"{parameter} must not have a lone surrogate"
    raise ValueError(message)
