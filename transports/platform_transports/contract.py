"""The contract between driver and transport: what a transport is handed, what it answers, what it must not do.

A transport sends one request and reads one answer whole. It enforces the deadline, on the driver's clock, and the limits. It
never retries, follows a redirect, sleeps for policy, decodes or decompresses. What fails is a `TransportError`.

Some can also carry a body piece by piece, either way: a flow, for one call that needs it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause, Sent


class Credentials(NamedTuple):
    """The header that authorizes a request. Never stored in a value, and no text of it shows the token."""

    header: str
    value: str

    def __repr__(self) -> str:
        return f"Credentials({self.header!r}, <secret>)"


@dataclass(slots=True)
class Progress:
    """How far a send has come, for a driver that is interrupted in the middle of it.

    The transport sets `sent` to "maybe" before it hands on the first byte of the request.
    """

    sent: Sent = "no"


class TransportError(Exception):
    """No answer. `sent` is "no" only where the server cannot have seen any byte of the request.

    `reused` says that the connection had served an earlier request: `disconnected` on such a one is the race between our
    sending and the server's closing of an idle connection (RFC 9112, section 9.3.1).
    """

    def __init__(self, kind: FailureCause | str, sent: Sent, reused: bool = False, detail: str = "") -> None:  # noqa: FBT001, FBT002 -- the contract's order
        super().__init__(kind, sent, reused, detail)
        self.kind: FailureCause = FailureCause(kind)
        self.sent: Sent = sent
        self.reused = reused
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind} (sent: {self.sent}){': ' + self.detail if self.detail else ''}"


class AsyncTransport(Protocol):
    """A transport for one event loop."""

    @property
    def name(self) -> str:
        """What stands for it in the `User-Agent`, say `httpx/0.28.1`."""
        ...

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        """Send the request with the credentials' header and read the answer whole by `deadline`, or raise `TransportError`."""
        ...

    async def aclose(self) -> None:
        """Close every connection; what is under way fails with kind `closed`. May be called twice."""
        ...


class SyncTransport(Protocol):
    """A transport of blocking calls, usable from many threads."""

    @property
    def name(self) -> str:
        """What stands for it in the `User-Agent`."""
        ...

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """Send the request with the credentials' header and read the answer whole by `deadline`, or raise `TransportError`."""
        ...

    def close(self) -> None:
        """Close every connection. May be called twice."""
        ...


class Clock(Protocol):
    """The time of an async driver, in seconds from any start; never goes back."""

    def now(self) -> float:
        """The time."""
        ...

    async def sleep_until(self, at: float) -> None:
        """Return at this time or later."""
        ...


class SyncClock(Protocol):
    """The time of a blocking driver."""

    def now(self) -> float:
        """The time."""
        ...

    def sleep_until(self, at: float) -> None:
        """Return at this time or later, or earlier where the client was closed meanwhile."""
        ...


@runtime_checkable
class CountsRuns(Protocol):
    """A clock that wants to know who is alive and who waits, since its time jumps when nobody else can do anything."""

    def run(self) -> AbstractContextManager[None]:
        """A run is alive inside it."""
        ...

    def idle(self) -> AbstractContextManager[None]:
        """A run waits inside it for another one: for a token, or for a slot."""
        ...


@runtime_checkable
class BringsClock(Protocol):
    """An async transport whose deadlines are in a time of its own: the driver then takes its clock."""

    @property
    def clock(self) -> Clock:
        """The time that `send` takes its deadline in."""
        ...


@runtime_checkable
class BringsSyncClock(Protocol):
    """A blocking transport whose deadlines are in a time of its own."""

    @property
    def clock(self) -> SyncClock:
        """The time that `send` takes its deadline in."""
        ...


IDLE_SECONDS_MAX = 60.0
"""How long the network may stand still amid a flow, unless its caller says otherwise."""


class AsyncSink(Protocol):
    """Takes the body of a 2xx answer as it comes. An exception ends the call, whose caller gets it."""

    async def begin(self, head: Response) -> None:
        """The status and the headers of an answer whose body follows. Where the request is repeated, so is this: the body starts again."""
        ...

    async def take(self, piece: bytes) -> None:
        """Some of the body, never empty. The next piece is read once this has returned."""
        ...


class SyncSink(Protocol):
    """The same in a thread."""

    def begin(self, head: Response) -> None:
        """See `AsyncSink`."""
        ...

    def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        ...


class AsyncFlow(NamedTuple):
    """What of one call flows. The deadline holds as ever; `idle_seconds_max` besides, each time that the network is waited for.

    `pieces` opens the body that the request names as `External`, once for each sending; a generator is closed after that. `sink` takes
    the body of a 2xx answer, whose `Response` then has none, and no bound but the deadline. Other answers are read whole.
    """

    pieces: Callable[[], AsyncIterator[bytes]] | None = None
    sink: AsyncSink | None = None
    idle_seconds_max: float = IDLE_SECONDS_MAX


class SyncFlow(NamedTuple):
    """The same in a thread, where nothing ends a call of the caller's own code: a deadline that passed meanwhile is seen after it."""

    pieces: Callable[[], Iterator[bytes]] | None = None
    sink: SyncSink | None = None
    idle_seconds_max: float = IDLE_SECONDS_MAX


@runtime_checkable
class CarriesFlows(Protocol):
    """An async transport whose `send` takes a flow.

    Its `pieces` yield bytes, none of them empty, and as many as the body's length where it has one: that is seen to. What they or
    the sink raise ends the send, and the connection with it; it is raised as it is, or as anything else.
    """

    @property
    def carries_flows(self) -> Literal[True]:
        """What tells it from a transport that does not."""
        ...

    async def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: AsyncFlow | None = None,
    ) -> Response:
        """See `AsyncTransport`. An answer that comes before the whole body was sent is taken, and no more of it asked for."""
        ...


@runtime_checkable
class CarriesSyncFlows(Protocol):
    """The same for a blocking transport."""

    @property
    def carries_flows(self) -> Literal[True]:
        """See `CarriesFlows`."""
        ...

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        """See `CarriesFlows`."""
        ...


@runtime_checkable
class TwoWorlds(Protocol):
    """What can be had as either kind of transport. Each call makes one, which whoever asked for it closes."""

    def asynchronous(self) -> AsyncTransport:
        """As a transport for one event loop."""
        ...

    def synchronous(self) -> SyncTransport:
        """As a transport of blocking calls."""
        ...
