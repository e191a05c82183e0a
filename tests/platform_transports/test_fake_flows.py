"""The fake carries flows: it keeps the body that was sent, plays answers piece by piece in virtual time, and breaks them off."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NamedTuple

import anyio
import pytest

from platform_core import operations
from platform_core.errors import PlatformConnectionError
from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import External, Headers, Inline, OutgoingRequest, Request, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import (
    AsyncFlow,
    CarriesFlows,
    CarriesSyncFlows,
    Credentials,
    Progress,
    SyncFlow,
    TransportError,
)
from platform_transports.drive import run_async, run_sync
from platform_transports.fake import Act, Answer, FakePlatform, Forward, Lose, Trickle
from tests.support.driven import CONFIG, async_tokens, seed, sync_tokens

CREDENTIALS = Credentials("Authorization", "Bearer any")
EVENTS = Trickle(Response(200), (b"a", b"bc", b"d"), every_seconds=2.0)
REQUEST = OutgoingRequest("GET", "https://platform.test/api/v1/x", Headers(), Inline(b""))


class Kept:
    """A sink that keeps what it is told, and when."""

    def __init__(self, fake: FakePlatform) -> None:
        self.told: list[tuple[float, object]] = []
        self._fake = fake

    def begin(self, head: Response) -> None:
        self.told.append((self._fake.now, head.status))

    def take(self, piece: bytes) -> None:
        self.told.append((self._fake.now, piece))


class AsyncKept:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def begin(self, head: Response) -> None:
        self._kept.begin(head)

    async def take(self, piece: bytes) -> None:
        self._kept.take(piece)


class Outcome(NamedTuple):
    """What came of a send, what a sink was told, and when it was over."""

    heard: Response | TransportError
    told: list[tuple[float, object]]
    at: float


def exchanged(
    act: Act, *, deadline: float = 60.0, idle_seconds_max: float = 60.0, limits: Limits = DEFAULT_LIMITS, sinks: bool = True
) -> Outcome:
    """One send in a thread and one in a task: they come to the same."""
    return _same(
        _in_thread(FakePlatform((act,)), deadline, idle_seconds_max, limits, sinks=sinks),
        anyio.run(_in_task, FakePlatform((act,)), deadline, idle_seconds_max, limits, sinks),
    )


def _same(here: Outcome, there: Outcome) -> Outcome:
    assert (repr(here.heard), here.told, here.at) == (repr(there.heard), there.told, there.at)
    return here


def _in_thread(fake: FakePlatform, deadline: float, idle_seconds_max: float, limits: Limits, *, sinks: bool) -> Outcome:
    kept = Kept(fake)
    flow = SyncFlow(None, kept if sinks else None, idle_seconds_max)
    heard: Response | TransportError
    try:
        heard = fake.synchronous().send(REQUEST, CREDENTIALS, deadline, limits, Progress(), flow)
    except TransportError as error:
        heard = error
    return Outcome(heard, kept.told, fake.now)


async def _in_task(fake: FakePlatform, deadline: float, idle_seconds_max: float, limits: Limits, sinks: bool) -> Outcome:
    kept = Kept(fake)
    flow = AsyncFlow(None, AsyncKept(kept) if sinks else None, idle_seconds_max)
    heard: Response | TransportError
    try:
        heard = await fake.asynchronous().send(REQUEST, CREDENTIALS, deadline, limits, Progress(), flow)
    except TransportError as error:
        heard = error
    return Outcome(heard, kept.told, fake.now)


def kind_of(outcome: Outcome) -> FailureCause:
    assert isinstance(outcome.heard, TransportError), outcome
    return outcome.heard.kind


def test_it_says_that_it_carries_flows() -> None:
    fake = FakePlatform()
    assert isinstance(fake.asynchronous(), CarriesFlows)
    assert isinstance(fake.synchronous(), CarriesSyncFlows)


def test_pieces_come_one_after_the_other() -> None:
    outcome = exchanged(EVENTS)
    assert outcome.heard == Response(200)
    assert outcome.told == [(2.0, 200), (4.0, b"a"), (6.0, b"bc"), (8.0, b"d")]


def test_without_a_sink_they_are_one_body() -> None:
    outcome = exchanged(EVENTS, sinks=False)
    assert (outcome.heard, outcome.told, outcome.at) == (Response(200, body=b"abcd"), [], 8.0)


def test_a_body_that_a_script_gives_whole_comes_in_pieces() -> None:
    body = b"x" * 100_000
    assert exchanged(Answer(Response(200, body=body))).told == [(0.0, 200), (0.0, body[:65_536]), (0.0, body[65_536:])]


@dataclass(frozen=True)
class Talking:
    """A model whose every answer goes on: so many pieces, one every so many seconds."""

    pieces: int
    every_seconds: float

    def apply(self, request: Request, at: float, /) -> "tuple[Talking, Response]":
        return self, Response(200, body=b"begun ")

    def begun(self, request: Request, response: Response, at: float, /) -> int:
        return 1

    def look_at(self, tale: int, /) -> float:
        return tale * self.every_seconds

    def told(self, tale: int, at: float, /) -> "tuple[Talking, int | None, tuple[bytes, ...]]":
        if at < self.look_at(tale):
            return self, tale, ()
        return self, tale + 1 if tale < self.pieces else None, (b"%d" % tale,)


def listened(model: Talking, *acts: Act, deadline: float = 600.0, idle_seconds_max: float = 60.0, sinks: bool = True) -> Outcome:
    """As `exchanged`, where a model answers."""
    fakes = FakePlatform(acts, model=model), FakePlatform(acts, model=model)
    return _same(
        _in_thread(fakes[0], deadline, idle_seconds_max, DEFAULT_LIMITS, sinks=sinks),
        anyio.run(_in_task, fakes[1], deadline, idle_seconds_max, DEFAULT_LIMITS, sinks),
    )


def test_what_a_model_goes_on_to_tell_comes_in_its_time() -> None:
    told: list[tuple[float, object]] = [(0.0, 200), (0.0, b"begun "), (50.0, b"1"), (100.0, b"2")]
    assert listened(Talking(2, 50.0)) == Outcome(Response(200), told, 100.0)
    assert listened(Talking(2, 50.0), Forward(after_seconds=20.0)).told == [(20.0, 200), (20.0, b"begun "), *told[2:]]
    assert listened(Talking(2, 50.0), sinks=False).heard == Response(200, body=b"begun 12")


def test_what_a_script_answers_does_not_go_on() -> None:
    assert listened(Talking(2, 50.0), Answer(Response(200, body=b"whole"))).told == [(0.0, 200), (0.0, b"whole")]


def test_silence_and_the_deadline_end_what_goes_on() -> None:
    late = listened(Talking(5, 50.0), deadline=120.0)
    assert (kind_of(late), late.at, late.told[-1]) == (FailureCause.TIMEOUT, 120.0, (100.0, b"2"))
    silent = listened(Talking(5, 50.0), idle_seconds_max=40.0)
    assert (kind_of(silent), silent.at, silent.told[-1]) == (FailureCause.TIMEOUT, 40.0, (0.0, b"begun "))
    assert listened(Talking(1, 50.0), deadline=50.0).told[-1] == (50.0, b"1")


@dataclass(frozen=True)
class Expecting:
    """A model that tells of a PUT to whoever sent a GET."""

    has_come: bool = False

    def apply(self, request: Request, at: float, /) -> "tuple[Expecting, Response]":
        return Expecting(self.has_come or request.method == "PUT"), Response(200)

    def begun(self, request: Request, response: Response, at: float, /) -> str | None:
        return "a tale" if request.method == "GET" else None

    def look_at(self, tale: str, /) -> float:
        return 50.0

    def told(self, tale: str, at: float, /) -> "tuple[Expecting, str | None, tuple[bytes, ...]]":
        return (self, None, (b"it has come",)) if self.has_come else (self, tale, ())


async def test_another_request_ends_a_silence() -> None:
    fake = FakePlatform(model=Expecting())
    transport = fake.asynchronous()
    kept = Kept(fake)
    fake.together(2)

    async def listen() -> None:
        with transport.clock.run():
            await transport.send(REQUEST, CREDENTIALS, 600.0, DEFAULT_LIMITS, Progress(), AsyncFlow(None, AsyncKept(kept), 60.0))

    async def put() -> None:
        with transport.clock.run():
            await transport.clock.sleep_until(3.0)
            await transport.send(REQUEST._replace(method="PUT"), CREDENTIALS, 600.0, DEFAULT_LIMITS, Progress())

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        group.start_soon(put)
    assert kept.told == [(0.0, 200), (3.0, b"it has come")]


def test_a_transport_that_closes_ends_what_goes_on() -> None:
    fake = FakePlatform(model=Talking(5, 50.0))
    transport = fake.synchronous()

    class Closing(Kept):
        def take(self, piece: bytes) -> None:
            super().take(piece)
            transport.close()

    kept = Closing(fake)
    with pytest.raises(TransportError) as caught:
        transport.send(REQUEST, CREDENTIALS, 600.0, DEFAULT_LIMITS, Progress(), SyncFlow(None, kept, 60.0))
    assert (caught.value.kind, kept.told[-1]) == (FailureCause.CLOSED, (0.0, b"begun "))


def test_no_limit_of_a_body_holds_for_a_sink() -> None:
    limits = Limits(response_body_bytes_max=3)
    assert exchanged(EVENTS, limits=limits).heard == Response(200)
    assert kind_of(exchanged(EVENTS, limits=limits, sinks=False)) is FailureCause.TOO_LARGE


def test_a_refusal_is_read_whole_within_its_limit() -> None:
    refusal = Response(404, body=b"no such thing")
    assert exchanged(Answer(refusal)) == Outcome(refusal, [], 0.0)
    assert kind_of(exchanged(Answer(refusal), limits=Limits(response_body_bytes_max=3))) is FailureCause.TOO_LARGE


def test_the_sink_has_what_came_before_the_end_of_an_answer_that_breaks_off() -> None:
    outcome = exchanged(Trickle(Response(200), (b"a", b"b"), breaks="read"))
    assert kind_of(outcome) is FailureCause.READ
    assert outcome.told == [(0.0, 200), (0.0, b"a"), (0.0, b"b")]


def test_the_deadline_ends_an_answer_in_the_middle() -> None:
    outcome = exchanged(EVENTS, deadline=5.0)
    assert (kind_of(outcome), outcome.told, outcome.at) == (FailureCause.TIMEOUT, [(2.0, 200), (4.0, b"a")], 5.0)


def test_an_answer_that_stands_still_is_ended() -> None:
    outcome = exchanged(EVENTS, idle_seconds_max=1.5)
    assert (kind_of(outcome), outcome.told, outcome.at) == (FailureCause.TIMEOUT, [], 1.5)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Trickle(Response(200, body=b"x")), "head must have no body"),
        (lambda: Trickle(Response(200), (b"",)), "no piece may be empty"),
        (lambda: Trickle(Response(200), every_seconds=-1.0), "every_seconds"),
        (lambda: Trickle(Response(200), breaks="connect"), "breaks"),
        (lambda: Trickle(Response(200), breaks="weather"), "breaks"),
    ],
)
def test_a_trickle_that_makes_no_sense_is_refused(make: Callable[[], object], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make()


async def opened() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cde"


async def test_what_was_sent_is_kept_whole() -> None:
    fake = FakePlatform((Response(201), Response(201)))
    operation = operations.request("PUT", "/api/v1/x", content=External(5, replayable=False), seed=seed(0))
    await run_async(operation, transport=fake.asynchronous(), config=CONFIG, tokens=async_tokens(), flow=AsyncFlow(opened))
    sync_flow = SyncFlow(lambda: iter((b"ab", b"cde")))
    run_sync(operation, transport=fake.synchronous(), config=CONFIG, tokens=sync_tokens(), flow=sync_flow)
    assert [each.body for each in fake.requests] == [Inline(b"abcde")] * 2


async def test_a_body_that_cannot_be_sent_twice_is_asked_for_once() -> None:
    fake = FakePlatform((Lose(), Response(201)))
    operation = operations.request("PUT", "/api/v1/x", content=External(None, replayable=False), seed=seed(0))
    with pytest.raises(PlatformConnectionError, match="cannot be sent twice"):
        await run_async(operation, transport=fake.asynchronous(), config=CONFIG, tokens=async_tokens(), flow=AsyncFlow(opened))
    assert [each.body for each in fake.requests] == [Inline(b"abcde")]
