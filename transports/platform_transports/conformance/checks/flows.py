"""Bodies that flow: how they are framed, that nothing piles up in between, and that whatever ends one in the middle ends all of it."""

import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import repeat

import anyio

from platform_core.limits import Limits
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call
from platform_transports.conformance.certificates import serving
from platform_transports.conformance.check import Check, Procedure, require
from platform_transports.conformance.ends import Answered, CheckFailedError, End, Failed
from platform_transports.conformance.sender import LONG_SECONDS, SHORT_SECONDS, Flow
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE, CLOSE_NOTIFY, OK, READ, RECEIVE, WAIT, Endless, Reply, Script, Step

_HEAD = b"HTTP/1.1 200 OK\r\n"
_ONE_SLOT = Limits(connections_max=1)
_PIECES = (b"ab", b"\x00", b"\xff" * 70_000)
_WHOLE = b"".join(_PIECES)
_MIB = bytes(1024 * 1024)
_PILE_MIB_MAX = 24
"""What may be on its way: the buffers of both sockets, which grow to some MiB each, and what a library reads ahead."""
_PILE_SECONDS = 0.5
"""In this time much more would pile up."""
_ENDLESS_MIB = 256
_STEADY_SECONDS = 0.2
_SETTLE_SECONDS = 0.03
"""For a call to wait for more."""
_MOMENT_SECONDS = 0.002
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)\r\n")
_OK = Answered()
_EMPTY = Answered(200, b"")

_FLOWS_UP: tuple[Step, ...] = (RECEIVE, WAIT, AWAIT_CLOSE)
_FLOWS_DOWN: tuple[Step, ...] = (READ, _HEAD + b"Content-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)


class OursError(Exception):
    """What the caller's own code raises."""


class Kept:
    """A sink that keeps what it is told, fails at the piece of this number, and takes so long for each."""

    def __init__(self, fails_at: int | None = None, seconds: float = 0.0) -> None:
        self.heads: list[Response] = []
        self.body: bytearray = bytearray()
        self.came: threading.Event = threading.Event()
        """Set with the first piece."""
        self._fails_at = fails_at
        self._seconds = seconds
        self._pieces = 0

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""
        self.heads.append(head)
        self._judge()

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        self.body += piece
        self.came.set()
        self._pieces += 1
        time.sleep(self._seconds)
        self._judge()

    def _judge(self) -> None:
        if self._pieces == self._fails_at:
            raise OursError


def _up(*pieces: bytes, length: int | None = None) -> Flow:
    return Flow(lambda: iter(pieces), length)


def _put(flow: Flow, end: End = _OK, seconds: float = LONG_SECONDS) -> Call:
    return Call(end, "PUT", flow=flow, seconds=seconds)


def _get(sink: Kept, end: End = _EMPTY, seconds: float = LONG_SECONDS) -> Call:
    return Call(end, flow=Flow(sink=sink), seconds=seconds)


# ── up ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _framed(name: str, fact: str, pieces: tuple[bytes, ...], *, is_length_known: bool) -> Procedure:
    """A check of what goes out for these pieces."""

    async def run(bench: Bench) -> None:
        body = b"".join(pieces)
        length = len(body) if is_length_known else None
        with bench.server((READ, OK)) as server:
            await bench.call(bench.sender(), server.url, _put(_up(*pieces, length=length)))
            head, _, sent = server.requests[0].partition(b"\r\n\r\n")
        framing = sorted(line for line in head.lower().split(b"\r\n") if line.startswith((b"content-length", b"transfer-encoding")))
        expected = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
        require(framing == [expected], f"the body must be framed by {expected!r} alone, but is by {framing!r}")
        require((_unchunked(sent) if length is None else sent) == body, "the body must go out byte for byte")

    return Procedure(name, fact, run)


def _unchunked(data: bytes) -> bytes:
    body = b""
    while found := _CHUNK.match(data):
        size = int(found[1], 16)
        body, data = body + data[found.end() : found.end() + size], data[found.end() + size + 2 :]
    return body


def _refused(name: str, fact: str, pieces: Callable[[], Iterator[bytes]], length: int | None, error: type[Exception]) -> Procedure:
    """The call ends in the caller's error, its connection is closed before the request was whole, and the slot is free."""

    async def run(bench: Bench) -> None:
        sender = bench.sender(_ONE_SLOT)
        with bench.server((AWAIT_CLOSE,), (READ, OK)) as server:
            flow = Flow(pieces, length)
            await _raises(error, lambda: sender.send(_put(flow).request(server.url), flow=flow))
            await bench.wait(lambda: server.wait_for(closed=1))
            await bench.call(sender, server.url, Call(), "after it: ")

    return Procedure(name, fact, run)


async def _raises(error: type[Exception], call: Callable[[], Awaitable[Response]]) -> None:
    try:
        met = await call()
    except error:
        return
    message = f"the call must end in {error.__name__}, but ended as {met!r}"
    raise CheckFailedError(message)


def _raising() -> Iterator[bytes]:
    yield b"ab"
    raise OursError


async def _early_answer(bench: Bench) -> None:
    asked: list[int] = []
    sender = bench.sender()
    early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch"
    with bench.server((RECEIVE, early, WAIT), (READ, OK)) as server:
        await bench.call(sender, server.url, _put(Flow(partial(_counted, asked)), Answered(413, b"much")))
        await bench.call(sender, server.url, Call(), "after it: ")
        require(server.connections > 1, "a connection on which a request was not sent whole must not be used again")
    require(len(asked) < _ENDLESS_MIB, "the body was asked for to its end")


async def _nobody_reads(bench: Bench) -> None:
    asked: list[int] = []
    with bench.server((RECEIVE, WAIT)) as server:
        flow = Flow(partial(_counted, asked))
        await bench.call(bench.sender(), server.url, _put(flow, Failed(FailureCause.TIMEOUT), _PILE_SECONDS))
    require(len(asked) <= _PILE_MIB_MAX, f"{len(asked)} MiB were asked for, of which nobody read any")


def _counted(asked: list[int]) -> Iterator[bytes]:
    for number in range(_ENDLESS_MIB):
        asked.append(number)
        yield _MIB


# ── down ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _taken(name: str, fact: str, answer: tuple[Step, ...], body: bytes, end: End = _EMPTY, *, is_told: bool = True) -> Procedure:
    """A check of what a sink takes."""

    async def run(bench: Bench) -> None:
        sink = Kept()
        sender = bench.sender()
        with bench.server((READ, *answer)) as server:
            limits = Limits(response_body_bytes_max=4)
            await bench.call(sender, server.url, Call(end, flow=Flow(sink=sink), limits=limits))
        told = [(head.status, head.body) for head in sink.heads]
        require(told == [(200, b"")] * is_told, f"a sink is told the head of a 2xx answer, once, and no other, but was told {told}")
        require(bytes(sink.body) == body, f"the sink must take {body[:60]!r}, but took {sink.body[:60]!r}, {len(sink.body)} bytes")

    return Procedure(name, fact, run)


async def _sink_raises(bench: Bench) -> None:
    for fails_at in (0, 1):
        sender = bench.sender(_ONE_SLOT)
        sink = Kept(fails_at)
        with bench.server(_FLOWS_DOWN, (READ, OK)) as server:
            await _raises(OursError, partial(sender.send, Call().request(server.url), flow=Flow(sink=sink)))
            await bench.wait(partial(server.wait_for, closed=1))
            await bench.call(sender, server.url, Call(), "after it: ")


class _Slow(Kept):
    """A sink that does not return from its first piece before the server has stopped, or has sent too much."""

    def __init__(self, sent: list[int]) -> None:
        super().__init__()
        self._sent = sent
        self.piled = 0

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        super().take(piece)
        while not self.piled:
            before = len(self._sent)
            time.sleep(_STEADY_SECONDS)
            if len(self._sent) in {before, _ENDLESS_MIB}:
                self.piled = max(1, len(self._sent))
        if self.piled > _PILE_MIB_MAX:
            raise OursError


async def _slow_sink(bench: Bench) -> None:
    sent: list[int] = []

    def script() -> Script:
        yield READ
        yield _HEAD + b"\r\n"
        for number in range(_PILE_MIB_MAX * 2):
            yield _MIB
            sent.append(number)

    sink = _Slow(sent)
    with bench.server(script()) as server:
        await bench.call(bench.sender(), server.url, _get(sink))
    require(len(sink.body) == _PILE_MIB_MAX * 2 * len(_MIB), "the sink must take all of it in the end")
    require(sink.piled <= _PILE_MIB_MAX, f"{sink.piled} MiB were read while the sink had not returned from its first piece")


async def _over_tls(bench: Bench) -> None:
    """Up and down, and to an end that only `close_notify` tells; the sink takes its time, so that what came first waits with the end."""
    sender = bench.sender(trusted=True)
    body = _MIB * 3
    scripts = ((READ, _HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body, AWAIT_CLOSE), (READ, _HEAD + b"\r\n", body, CLOSE_NOTIFY))
    for script in scripts:
        sink = Kept(seconds=_MOMENT_SECONDS)
        with bench.server(script, tls=serving("127.0.0.1")) as server:
            flow = Flow(lambda: iter((_MIB, _MIB, b"end")), 2 * len(_MIB) + 3, sink)
            await bench.call(sender, server.url, _put(flow, _EMPTY))
            require(server.requests[0].endswith(_MIB + b"end"), "the body must go out byte for byte")
        require(bytes(sink.body) == body, f"the sink must take all {len(body)} bytes, but took {len(sink.body)}")


# ── ends in the middle ────────────────────────────────────────────────────────────────────────────────────────────────


async def _stands_still(bench: Bench) -> None:
    for answer in ((b"",), (_HEAD + b"Content-Length: 9\r\n\r\nhalf",)):
        with bench.server((READ, *answer, AWAIT_CLOSE)) as server:
            flow = Flow(sink=Kept(), idle_seconds_max=SHORT_SECONDS)
            began = time.monotonic()
            await bench.call(bench.sender(), server.url, Call(Failed(FailureCause.TIMEOUT), flow=flow))
            require(time.monotonic() - began < bench.soon_seconds, "it must end after flow.idle_seconds_max, not at its deadline")
            await bench.wait(partial(server.wait_for, closed=1))


async def _deadline(bench: Bench) -> None:
    with bench.server((READ, _HEAD + b"\r\n", Endless(b"a", SHORT_SECONDS / 10))) as server:
        await bench.call(bench.sender(), server.url, _get(Kept(), Failed(FailureCause.TIMEOUT), SHORT_SECONDS))
        await bench.wait(lambda: server.wait_for(closed=1))


def _left(name: str, fact: str, script: tuple[Step, ...], flow: Flow) -> Procedure:
    async def run(bench: Bench) -> None:
        sender = bench.sender(_ONE_SLOT)
        with bench.server(script, (READ, OK)) as server:
            request = Call(method="PUT", flow=flow).request(server.url)
            await bench.leave(sender, request, partial(server.wait_for, requests=1), flow=flow)
            server.release()
            await bench.wait(partial(server.wait_for, closed=1))
            await bench.call(sender, server.url, Call(), "after it: ")

    return Procedure(name, fact, run)


async def _closed(bench: Bench) -> None:
    sender = bench.sender(_ONE_SLOT)
    sink = Kept()
    closing: list[float] = []
    with bench.server(_FLOWS_DOWN) as server:

        async def close() -> None:
            await bench.wait(partial(sink.came.wait, bench.soon_seconds))
            await anyio.sleep(_SETTLE_SECONDS)
            closing.append(time.monotonic())
            await sender.close()

        await bench.at_once(lambda: bench.call(sender, server.url, _get(sink, Failed(FailureCause.CLOSED))), close)
        require(time.monotonic() - closing[0] < bench.soon_seconds, "a call under way did not end when the transport was closed")
        await bench.wait(lambda: server.wait_for(closed=1))


class _Stuck(Kept):
    """A sink that does not return from its first piece before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        super().take(piece)
        self.let_go.wait(10 * LONG_SECONDS)


def _stuck(name: str, fact: str, end: FailureCause, seconds: float) -> Procedure:
    """A call that is in the caller's own code ends all the same, and its connection with it."""

    async def run(bench: Bench) -> None:
        sender = bench.sender(_ONE_SLOT)
        sink = _Stuck()
        with bench.server(_FLOWS_DOWN) as server:

            async def close() -> None:
                await bench.wait(partial(sink.came.wait, bench.soon_seconds))
                if end is FailureCause.CLOSED:
                    await sender.close()

            began = time.monotonic()
            try:
                await bench.at_once(lambda: bench.call(sender, server.url, _get(sink, Failed(end), seconds)), close)
                require(time.monotonic() - began < LONG_SECONDS / 2, "the call did not end before the caller's own code did")
                await bench.wait(lambda: server.wait_for(closed=1))
            finally:
                sink.let_go.set()

    return Procedure(name, fact, run, is_for_all=False)


async def _kept(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((READ, OK) * 4) as server:
        for call in (_put(_up(b"ab", length=2)), _put(_up(b"ab")), _get(Kept()), Call()):
            await bench.call(sender, server.url, call)
        require(server.connections == 1, "what flowed to its end leaves a connection that can be used again")


CHECKS: tuple[Check, ...] = (
    _framed("flows-up-by-length", "A body whose length is known goes out with it, and without chunks.", _PIECES, is_length_known=True),
    _framed("flows-up-in-chunks", "One of unknown length goes out in chunks.", _PIECES, is_length_known=False),
    _framed("flows-up-empty", "A body may turn out to be empty.", (), is_length_known=True),
    _refused("flows-up-too-short", "One that is shorter than it says ends its call.", lambda: iter((b"ab", b"c")), 4, ValueError),
    _refused("flows-up-too-long", "So does one that is longer, before it is whole.", lambda: iter((b"ab", b"cde")), 4, ValueError),
    _refused("flows-up-and-raises", "What its iterator raises ends the call, as it is.", _raising, None, OursError),
    Procedure("flows-up-early-answer", "An answer that comes while it goes out ends the upload, and the connection.", _early_answer),
    Procedure("flows-up-no-faster-than-read", "No more is asked for than the network takes.", _nobody_reads),
    _taken(
        "flows-down-by-length", "A sink takes a body, whose limit is not its own.", (_HEAD + b"Content-Length: 5\r\n\r\nhello",), b"hello"
    ),
    _taken(
        "flows-down-in-chunks",
        "Also one in chunks.",
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",),
        b"hello",
    ),
    _taken("flows-down-to-the-close", "And one that ends with the connection.", (_HEAD + b"\r\nhello", CLOSE), b"hello"),
    _taken("flows-down-empty", "And an empty one.", (Reply(200, b""),), b""),
    _taken(
        "flows-down-and-breaks-off",
        "Of one that breaks off it has what came.",
        (_HEAD + b"Content-Length: 9\r\n\r\nhalf", CLOSE),
        b"half",
        Failed(FailureCause.READ),
    ),
    _taken("flows-down-refused", "A refusal is read whole.", (Reply(404, b"no"),), b"", Answered(404, b"no"), is_told=False),
    _taken(
        "flows-down-refused-at-length",
        "Within the limits.",
        (Reply(404, b"never"),),
        b"",
        Failed(FailureCause.TOO_LARGE),
        is_told=False,
    ),
    Procedure("flows-down-and-raises", "What a sink raises ends the call, as it is, and the connection.", _sink_raises),
    Procedure("flows-down-no-faster-than-taken", "No more is read ahead than a few buffers.", _slow_sink),
    Procedure("flows-over-tls", "Bodies flow over TLS, to their proper end.", _over_tls),
    Procedure("flow-stands-still", "A network that stands still ends it, before the deadline.", _stands_still),
    Procedure("flow-has-a-deadline", "The deadline ends it, however steadily it flows.", _deadline),
    _left(
        "flow-left-on-its-way-up",
        "A call that is left while its body goes out closes its connection.",
        _FLOWS_UP,
        Flow(lambda: repeat(_MIB)),
    ),
    _left("flow-left-on-its-way-down", "So does one that is left while an answer comes.", _FLOWS_DOWN, Flow(sink=Kept())),
    Procedure("flow-closed", "Closing ends it.", _closed),
    _stuck("flow-closed-in-the-sink", "Also while the caller's own code takes its time.", FailureCause.CLOSED, LONG_SECONDS),
    _stuck("flow-has-a-deadline-in-the-sink", "So does the deadline.", FailureCause.TIMEOUT, SHORT_SECONDS),
    Procedure("kept-after-flows", "What flowed to its end leaves a connection that is used again.", _kept),
)
