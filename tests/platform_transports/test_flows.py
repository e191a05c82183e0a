"""What a driver puts around a flow: counted bytes, the caller's own exceptions, and a body that is opened anew for each sending."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Literal

import pytest

from platform_core import operations
from platform_core.errors import PlatformConnectionError
from platform_core.limits import Limits
from platform_core.messages import External, OutgoingRequest, Response
from platform_transports.contract import AsyncFlow, Credentials, Progress, SyncFlow, TransportError
from platform_transports.drive import run_async, run_sync
from tests.support.driven import CONFIG, async_tokens, platform, seed, sync_tokens

Source = Callable[[], Iterator[object]]
KINDS = ("tasks", "thread")
PIECES = [b"ab", b"", b"cde"]
ANSWER = [b"one", b"two"]


class OursError(Exception):
    """The caller's own."""


class LibraryError(Exception):
    """What an HTTP library makes of it."""


class Wire:
    """What a transport is handed, piece by piece; it loses so many requests."""

    name = "wire"
    carries_flows: Literal[True] = True

    def __init__(self, lost: int = 0, *, wraps: bool = False) -> None:
        self.sent: list[list[bytes]] = []
        self.lost = lost
        self.wraps = wraps

    def judge(self) -> None:
        if self.lost:
            self.lost -= 1
            raise TransportError("disconnected", "maybe")


class AsyncWire(Wire):
    async def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: AsyncFlow | None = None,
    ) -> Response:
        assert flow is not None
        self.sent.append([])
        try:
            if flow.pieces is not None:
                async for piece in flow.pieces():
                    self.sent[-1].append(piece)
            self.judge()
            if flow.sink is not None:
                await flow.sink.begin(Response(200))
                for piece in ANSWER:
                    await flow.sink.take(piece)
        except OursError as error:
            if self.wraps:
                raise LibraryError from error
            raise
        return Response(200)

    async def aclose(self) -> None:
        """Nothing is open."""


class SyncWire(Wire):
    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        assert flow is not None
        self.sent.append([])
        try:
            if flow.pieces is not None:
                for piece in flow.pieces():
                    self.sent[-1].append(piece)
            self.judge()
            if flow.sink is not None:
                flow.sink.begin(Response(200))
                for piece in ANSWER:
                    flow.sink.take(piece)
        except OursError as error:
            if self.wraps:
                raise LibraryError from error
            raise
        return Response(200)

    def close(self) -> None:
        """Nothing is open."""


class Kept:
    """A sink that keeps what it takes, and fails at the piece of this number."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.heads: list[int] = []
        self.pieces: list[bytes] = []
        self._fails_at = fails_at

    def begin(self, head: Response) -> None:
        self.heads.append(head.status)
        self.pieces.clear()
        self._judge()

    def take(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self._judge()

    def _judge(self) -> None:
        if self._fails_at == len(self.pieces):
            raise OursError


class AsyncKept:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def begin(self, head: Response) -> None:
        self._kept.begin(head)

    async def take(self, piece: bytes) -> None:
        self._kept.take(piece)


def source_of(pieces: Iterable[object]) -> Source:
    return lambda: iter(tuple(pieces))


async def call(kind: str, wire: Wire, body: External | None, source: Source | None = None, kept: Kept | None = None) -> object:
    """One call over the wire, whose body is this."""
    operation = operations.request("PUT" if body else "GET", "/api/v1/x", content=body, seed=seed(0))
    if kind == "thread":
        assert isinstance(wire, SyncWire)
        sync_flow = SyncFlow(source, kept)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- also what is not bytes
        return run_sync(
            operation, transport=wire, config=CONFIG, tokens=sync_tokens(), flow=sync_flow, clock=platform().synchronous().clock
        )

    async def opened() -> AsyncIterator[bytes]:
        assert source is not None
        for piece in source():
            yield piece  # type: ignore[misc]  # pyright: ignore[reportReturnType] -- as above

    assert isinstance(wire, AsyncWire)
    flow = AsyncFlow(None if source is None else opened, None if kept is None else AsyncKept(kept))
    return await run_async(
        operation, transport=wire, config=CONFIG, tokens=async_tokens(), flow=flow, clock=platform().asynchronous().clock
    )


def wire_of(kind: str, lost: int = 0, *, wraps: bool = False) -> Wire:
    return SyncWire(lost, wraps=wraps) if kind == "thread" else AsyncWire(lost, wraps=wraps)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [5, None])
async def test_what_the_caller_yields_is_handed_on_without_empty_pieces(kind: str, length: int | None) -> None:
    wire = wire_of(kind)
    await call(kind, wire, External(length, replayable=False), source_of(PIECES))
    assert wire.sent == [[b"ab", b"cde"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("length", "pieces", "error", "handed_on"),
    [
        (6, PIECES, "content ended after 5 bytes, and its length is 6", [b"ab", b"cde"]),
        (4, PIECES, "content has more bytes than its length, 4", [b"ab"]),
        (2, PIECES, "content has more bytes than its length, 2", []),
        (0, PIECES, "content has more bytes than its length, 0", []),
        (1, [], "content ended after 0 bytes, and its length is 1", []),
        (None, [b"ab", "text"], "content must yield bytes, not str", [b"ab"]),
        (None, [bytearray(b"ab")], "content must yield bytes, not bytearray", []),
    ],
)
async def test_a_body_that_is_not_what_it_says_never_goes_out_whole(
    kind: str, length: int | None, pieces: list[object], error: str, handed_on: list[bytes]
) -> None:
    wire = wire_of(kind)
    with pytest.raises((ValueError, TypeError), match=error):
        await call(kind, wire, External(length, replayable=True), source_of(pieces))
    assert wire.sent == [handed_on]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, None])
async def test_a_body_may_be_empty(kind: str, length: int | None) -> None:
    wire = wire_of(kind)
    await call(kind, wire, External(length, replayable=False), source_of([b""]))
    assert wire.sent == [[]]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_can_be_sent_again_is_opened_for_each_sending(kind: str) -> None:
    wire = wire_of(kind, lost=2)
    await call(kind, wire, External(5, replayable=True), source_of(PIECES))
    assert wire.sent == [[b"ab", b"cde"]] * 3


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_cannot_be_sent_again_is_not(kind: str) -> None:
    wire = wire_of(kind, lost=1)
    with pytest.raises(PlatformConnectionError, match="its body cannot be sent twice"):
        await call(kind, wire, External(5, replayable=False), source_of(PIECES))
    assert wire.sent == [[b"ab", b"cde"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wraps", [False, True], ids=["as it is", "wrapped by a library"])
async def test_what_the_pieces_raise_ends_the_call_as_it_is(kind: str, *, wraps: bool) -> None:
    closed: list[str] = []
    raised = OursError("mine")

    def failing() -> Iterator[object]:
        try:
            yield b"ab"
            raise raised
        finally:
            closed.append("closed")

    wire = wire_of(kind, wraps=wraps)
    with pytest.raises(OursError) as caught:
        await call(kind, wire, External(None, replayable=True), failing)
    assert caught.value is raised
    assert not isinstance(caught.value.__context__, LibraryError)
    assert (wire.sent, closed) == ([[b"ab"]], ["closed"])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_is_not_read_to_its_end_is_closed(kind: str) -> None:
    closed: list[str] = []

    def endless() -> Iterator[object]:
        try:
            while True:
                yield b"ab"
        finally:
            closed.append("closed")

    with pytest.raises(ValueError, match="more bytes"):
        await call(kind, wire_of(kind), External(3, replayable=True), endless)
    assert closed == ["closed"]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sink_takes_the_answer(kind: str) -> None:
    kept = Kept()
    await call(kind, wire_of(kind), None, kept=kept)
    assert (kept.heads, kept.pieces) == ([200], ANSWER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wraps", [False, True], ids=["as it is", "wrapped by a library"])
@pytest.mark.parametrize("fails_at", [0, 1])
async def test_what_the_sink_raises_ends_the_call_as_it_is(kind: str, fails_at: int, *, wraps: bool) -> None:
    kept = Kept(fails_at)
    with pytest.raises(OursError):
        await call(kind, wire_of(kind, wraps=wraps), None, kept=kept)
    assert (kept.heads, len(kept.pieces)) == ([200], fails_at)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_without_pieces_is_refused_before_anything_is_sent(kind: str) -> None:
    wire = wire_of(kind)
    with pytest.raises(TypeError, match=r"flow\.pieces is None"):
        await call(kind, wire, External(5, replayable=True))
    assert wire.sent == []


class Plain:
    """A transport that knows of no flow."""

    name = "plain"

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        raise AssertionError("nothing is sent")

    async def aclose(self) -> None:
        """Nothing is open."""


class SyncPlain:
    name = "plain"

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        raise AssertionError("nothing is sent")

    def close(self) -> None:
        """Nothing is open."""


async def test_a_transport_that_carries_no_flow_is_refused_before_anything_is_sent() -> None:
    operation = operations.request("GET", "/api/v1/x", seed=seed(0))
    with pytest.raises(TypeError, match="the transport plain carries no bodies piece by piece"):
        await run_async(operation, transport=Plain(), config=CONFIG, tokens=async_tokens(), flow=AsyncFlow())
    with pytest.raises(TypeError, match="the transport plain carries no bodies piece by piece"):
        run_sync(operation, transport=SyncPlain(), config=CONFIG, tokens=sync_tokens(), flow=SyncFlow())


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf")])
async def test_the_network_may_not_stand_still_for_ever(seconds: float) -> None:
    operation = operations.request("GET", "/api/v1/x", seed=seed(0))
    with pytest.raises(ValueError, match=r"flow\.idle_seconds_max"):
        await run_async(operation, transport=AsyncWire(), config=CONFIG, tokens=async_tokens(), flow=AsyncFlow(idle_seconds_max=seconds))
    with pytest.raises(ValueError, match=r"flow\.idle_seconds_max"):
        run_sync(operation, transport=SyncWire(), config=CONFIG, tokens=sync_tokens(), flow=SyncFlow(idle_seconds_max=seconds))
