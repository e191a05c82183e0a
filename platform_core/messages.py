"""Requests and answers as frozen values, tied to no HTTP library."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; names compare case-insensitively (RFC 9110, section 5.1)."""

    fields: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))

    def get(self, name: str) -> str | None:
        """The value of the only field of this name; of several, all joined by a comma (RFC 9110, section 5.3); else None."""
        values = self.get_all(name)
        return ", ".join(values) if values else None

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of every field of this name, in order."""
        wanted = name.lower()
        return tuple(value for each, value in self.fields if each.lower() == wanted)

    def with_defaults(self, others: Iterable[tuple[str, str]]) -> "Headers":
        """These fields, and those of `others` whose names do not stand here."""
        return Headers(self.fields + tuple((name, value) for name, value in others if name not in self))


@dataclass(frozen=True, slots=True)
class Inline:
    """A body that the value itself holds."""

    content: bytes

    def __repr__(self) -> str:
        return f"Inline({len(self.content)} bytes)"


NO_BODY = Inline(b"")


@dataclass(frozen=True, slots=True)
class Request:
    """What an operation wants sent: it knows no origin, so that it may be stored and run elsewhere.

    `target` is in origin-form: an absolute path and, where there is one, a query (RFC 9112, section 3.2.1), encoded.
    """

    method: str
    target: str
    headers: Headers = Headers()
    body: Inline = NO_BODY

    @property
    def path(self) -> str:
        """The target without its query, for texts: a query may hold what is nobody else's business."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request as a transport gets it: whole, with a finished absolute URL, to which it adds nothing but the credentials."""

    method: str
    url: str
    headers: Headers
    body: Inline


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole. `body` is as it came: neither decompressed nor decoded."""

    status: int
    headers: Headers = Headers()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


def checked_id(value: object, parameter: str) -> str: ...


def checked_target(value: str, parameter: str) -> str: ...
