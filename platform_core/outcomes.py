"""What a driver reports: the only way in which time, answers and failures reach a machine.

`at` is always seconds on the operation's own clock, which starts at 0 when the operation starts and stands still while the
operation is stored; the driver adds its epoch. A later outcome never has an earlier `at`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from .messages import Response

Sent: TypeAlias = Literal["no", "maybe"]


class FailureCause(StrEnum):
    """Why a request got no answer; the values are the `kind` of a transport's error, but for the last two, which are the driver's."""

    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    WRITE = "write"
    READ = "read"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    LOCAL = "local"
    CLOSED = "closed"
    NO_TOKEN = "no token"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the outcomes that tell a time alone have in common. They are equal within their class alone, as all dataclasses are."""

    at: float


class Started(_Moment):
    """The run begins."""

    __slots__ = ()


class Restored(_Moment):
    """A stored run goes on, maybe in another process: what was in flight may or may not have happened."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to a `Send`, whole. `generation` numbers the token that the request went out with."""

    at: float
    response: Response
    generation: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A `Send` got no answer. `sent` says whether the server may have seen it, `reused` whether the connection had served before.

    `detail` is the transport's own word for whoever reads the error. Nothing depends on it, so that it is not compared either.
    """

    at: float
    cause: FailureCause
    sent: Sent
    reused: bool = False
    detail: str = field(default="", compare=False)


class Woke(_Moment):
    """A `Sleep` is over. A clock may wake late."""

    __slots__ = ()


class Refused(_Moment):
    """The client's retry budget cannot pay for a `Sleep`; it was not begun."""

    __slots__ = ()


class Authorized(_Moment):
    """There is a token later than the one that was rejected."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class NotAuthorized:
    """There is none. `permanent` where asking again is of no use; `reason` is a fixed text or an exception's type name."""

    at: float
    reason: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The caller went away. `sent` speaks of the request in flight; `final` leaves no time for anything more."""

    at: float
    sent: Sent
    final: bool


Outcome: TypeAlias = Started | Restored | Received | Failed | Woke | Refused | Authorized | NotAuthorized | Abandoned
"""What a driver reports: each has `at`, seconds on the operation's own clock."""
