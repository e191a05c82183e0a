"""How a call ends, as values: what a check expects, and what was met."""

from dataclasses import dataclass
from typing import TypeAlias

from platform_core.messages import Response
from platform_core.outcomes import FailureCause, Sent
from platform_transports.contract import TransportError


class CheckFailedError(AssertionError):
    """The transport does not do what the check is about. The text says what was expected and what was met."""


class TooSlowError(CheckFailedError):
    """A short deadline passed before anything was sent: the transport does nothing in time, or this machine has other things to do."""


class ImpossibleError(CheckFailedError):
    """The check cannot be made with this transport, or in this place."""


@dataclass(frozen=True, slots=True)
class Answered:
    """There is an answer. `fields` None: whatever its header fields are."""

    status: int = 200
    body: bytes = b"ok"
    fields: tuple[tuple[str, str], ...] | None = None

    def __repr__(self) -> str:
        body = repr(self.body) if len(self.body) <= _SHOWN_BYTES_MAX else f"<{len(self.body)} bytes>"
        return f"Answered({self.status}, {body}{'' if self.fields is None else f', {self.fields!r}'})"


@dataclass(frozen=True, slots=True)
class Failed:
    """There is none."""

    kind: FailureCause
    sent: Sent = "maybe"
    reused: bool = False

    def __repr__(self) -> str:
        return f"Failed({self.kind}, sent={self.sent!r}, reused={self.reused})"


End: TypeAlias = Answered | Failed

_SHOWN_BYTES_MAX = 60


def end_of(met: Response | TransportError) -> End:
    """What was met, as a value."""
    if isinstance(met, Response):
        return Answered(met.status, met.body, met.headers.fields)
    return Failed(met.kind, met.sent, met.reused)


def is_met(expected: End, met: End) -> bool:
    """Whether this is the end that was expected."""
    if isinstance(met, Answered) and isinstance(expected, Answered) and expected.fields is None:
        return (met.status, met.body) == (expected.status, expected.body)
    return met == expected
