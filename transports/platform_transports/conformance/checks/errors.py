"""What an error shows: its kind, and neither the token nor anything of the library underneath."""

import pickle
import traceback
from collections.abc import Callable

from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call, closed_port
from platform_transports.conformance.check import Check, Procedure, require
from platform_transports.conformance.ends import Failed
from platform_transports.conformance.sender import SECRET, SHORT_SECONDS
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE, READ, RESET, Step
from platform_transports.contract import TransportError

_SCRIPTS: tuple[tuple[Step, ...], ...] = ((READ, CLOSE), (READ, RESET), (READ, AWAIT_CLOSE))
_BYTES: tuple[tuple[Step, ...], ...] = (
    (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", CLOSE),
    (READ, b"nonsense\r\n\r\n", AWAIT_CLOSE),
    (READ, b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n", AWAIT_CLOSE),
)


async def _errors(bench: Bench) -> list[TransportError]:
    """One error of each kind that is easily had."""
    met: list[TransportError] = []
    scripts = (*_SCRIPTS, *_BYTES) if bench.has_bytes else _SCRIPTS
    sender = bench.sender()
    for script in scripts:
        with bench.server(script) as server:
            met.append(await sender.fails(Call().request(server.url), SHORT_SECONDS))
    if bench.has_bytes:
        met.append(await sender.fails(Call().request(f"http://127.0.0.1:{closed_port()}")))
    await sender.close()
    met.append(await sender.fails(Call().request("http://127.0.0.1:1")))
    return met


def _all(name: str, fact: str, judge: Callable[[TransportError], None]) -> Procedure:
    async def run(bench: Bench) -> None:
        for error in await _errors(bench):
            judge(error)

    return Procedure(name, fact, run)


def _chains_nothing(error: TransportError) -> None:
    chained = error.__cause__ or error.__context__
    require(chained is None, f"{error!r} has {type(chained).__name__} in its chain: raise it outside of the `except` block")


def _shows_no_token(error: TransportError) -> None:
    for text in (str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))):
        require(SECRET not in text, "a text of the error shows the token")


def _pickles(error: TransportError) -> None:
    pickled = pickle.dumps(error)
    require(SECRET.encode() not in pickled, "the pickled error holds the token")
    again: object = pickle.loads(pickled)  # noqa: S301 -- our own, a moment ago
    require(
        isinstance(again, TransportError) and (again.kind, again.sent, again.reused) == (error.kind, error.sent, error.reused),
        f"{error!r} is {again!r} after pickling",
    )


async def _transport_shows_no_token(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server(_SCRIPTS[0]) as server:
        await bench.call(sender, server.url, Call(Failed(FailureCause.DISCONNECTED)))
        require(SECRET not in f"{sender.transport!r}{sender.transport!s}{sender.transport.name}", "a text of the transport shows the token")


CHECKS: tuple[Check, ...] = (
    _all("error-chains-nothing", "No exception of the library hangs on an error: its requests hold the token.", _chains_nothing),
    _all("error-shows-no-token", "No text of an error shows the token.", _shows_no_token),
    _all("error-pickles", "An error pickles, without the token.", _pickles),
    Procedure("transport-shows-no-token", "No text of the transport shows the token.", _transport_shows_no_token),
)
