"""What a check is: most are data, a script for the server and the end that the call must come to; the others are procedures."""

from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import anyio

from platform_core.limits import DEFAULT_LIMITS, Limits

from .bench import Bench, Call
from .ends import CheckFailedError, End
from .sender import LONG_SECONDS
from .steps import OK, READ, Close, CloseNotify, Pieces, Reply, Reset, Step

_CUT_PAUSE_SECONDS = 0.001
"""Long enough for the client to take the first piece before the second one is there."""
_BYTE_PAUSE_SECONDS = 0.0001
_RELEASE_SECONDS = 0.03


class Check(Protocol):
    """One fact about transports."""

    @property
    def name(self) -> str:
        """Short, for tables and declarations."""
        ...

    @property
    def fact(self) -> str:
        """The fact in a sentence."""
        ...

    @property
    def is_for_all(self) -> bool:
        """False where it only makes sense for a transport that is awaited."""
        ...

    async def run(self, bench: Bench) -> None:
        """Raise `CheckFailedError` where it does not hold."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request is answered by these steps, and that is its end: in one piece, byte by byte, and cut at each point.

    Each round is made on a transport, and so on a connection, of its own.
    """

    name: str
    fact: str
    answer: tuple[Step, ...]
    end: End | tuple[End, ...]
    method: str = "GET"
    limits: Limits = DEFAULT_LIMITS
    seconds: float = LONG_SECONDS
    is_cut: bool = True
    """Whether it is cut at all: large answers are not, since each round takes as long as they are."""
    is_for_all: bool = True

    async def run(self, bench: Bench) -> None:
        """See `Check`."""
        rounds = list(self._rounds(bench.cuts_max, is_cut=bench.has_bytes))
        with bench.server(*[(READ, *answer) for _, answer in rounds]) as server:
            for about, _ in rounds:
                call = Call(self.end, self.method, seconds=self.seconds, limits=self.limits)
                sender = bench.sender()
                await bench.call(sender, server.url, call, f"{about}: " if about else "")
                await sender.close()

    def _rounds(self, cuts_max: int | None, *, is_cut: bool) -> Iterator[tuple[str, tuple[Step, ...]]]:
        yield "", self.answer
        sent = [(number, step) for number, step in enumerate(self.answer) if isinstance(step, (bytes, Reply))]
        if not is_cut or not self.is_cut or not sent or cuts_max == 0:
            return
        number, step = sent[0]
        data = step.encoded() if isinstance(step, Reply) else step
        before, after = self.answer[:number], self.answer[number + 1 :]
        single = tuple([data[at : at + 1] for at in range(len(data))])
        yield "byte by byte", (*before, Pieces(single, _BYTE_PAUSE_SECONDS), *after)
        for at in _cuts(len(data), cuts_max):
            yield f"cut after {at} bytes", (*before, Pieces((data[:at], data[at:]), _CUT_PAUSE_SECONDS), *after)


@dataclass(frozen=True, slots=True)
class Release:
    """Let every `Wait` of the server end, and give what it then does the time to arrive."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Let connections grow older than this check's `idle_seconds_max`."""


Move: TypeAlias = Call | Release | Expired


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A script for each connection, calls one after the other, and how many connections there were at the end."""

    name: str
    fact: str
    scripts: tuple[tuple[Step, ...], ...]
    moves: tuple[Move, ...]
    connections: int | None = None
    closed: int = 0
    """How many connections the client must have closed by then."""
    limits: Limits = DEFAULT_LIMITS
    """For the transport."""
    is_for_all: bool = True

    async def run(self, bench: Bench) -> None:
        """See `Check`."""
        sender = bench.sender(self.limits)
        with bench.server(*self.scripts) as server:
            for number, move in enumerate(self.moves, 1):
                match move:
                    case Call():
                        await bench.call(sender, server.url, move, f"call {number}: ")
                    case Release():
                        server.release()
                        await anyio.sleep(_RELEASE_SECONDS)
                    case Expired():
                        await anyio.sleep(self.limits.idle_seconds_max * 2)
            if self.closed:
                await bench.wait(lambda: server.wait_for(closed=self.closed))
            if self.connections is not None and server.connections != self.connections:
                message = f"there must be {self.connections} connections, but there were {server.connections}"
                raise CheckFailedError(message)


@dataclass(frozen=True, slots=True)
class Procedure:
    """A fact that takes a few lines of its own to show."""

    name: str
    fact: str
    procedure: Callable[[Bench], Awaitable[None]]
    is_for_all: bool = True

    async def run(self, bench: Bench) -> None:
        """See `Check`."""
        await self.procedure(bench)


def require(holds: bool, message: str) -> None:  # noqa: FBT001 -- reads as assert does
    """Raise `CheckFailedError` unless it holds."""
    if not holds:
        raise CheckFailedError(message)


def turns(waiting: Iterator[tuple[Step, ...]]) -> Generator[Step]:
    """What every connection plays: the next answer to the next request, whichever connection it comes on."""
    while True:
        yield READ
        answer = next(waiting, (OK,))
        yield from answer
        if isinstance(answer[-1], (Close, CloseNotify, Reset)):
            return


def _cuts(size: int, cuts_max: int | None) -> range:
    return range(1, size, 1 if cuts_max is None else max(1, -(-(size - 1) // cuts_max)))
