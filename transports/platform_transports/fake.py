"""A platform without a network, in virtual time: for the unit tests of whoever embeds us.

`FakePlatform` answers from a script, or from a pure model such as the emulator's, or from a model with a script of faults in
front of it. Give it to either client as its `transport`: it brings the clock as well, so that minutes pass at once.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, assert_never, cast, runtime_checkable
from urllib.parse import urlsplit

from platform_core.exchange import REQUEST_ID
from platform_core.limits import Limits
from platform_core.messages import External, Headers, Inline, OutgoingRequest, Request, Response
from platform_core.outcomes import FailureCause, Sent

from ._fake_play import Begin, Heard, Listen, SleepUntil, Stage, Take, cut, headless, play
from .adapting import check_sayable
from .contract import AsyncFlow, Credentials, Progress, SyncFlow, TransportError
from .virtual_time import VirtualClock, VirtualSyncClock, VirtualTime

NAME = "fake"
_HIDDEN = "***"
NEVER_SENT = frozenset({FailureCause.DNS, FailureCause.CONNECT, FailureCause.CONNECT_TIMEOUT, FailureCause.TLS, FailureCause.LOCAL})
"""Where there is no connection, nothing was handed on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """This response, after some seconds; the model, where there is one, hears nothing of the request."""

    response: Response
    after_seconds: float = 0.0

    def __post_init__(self) -> None:
        _check_pause(self.after_seconds)


@dataclass(frozen=True, slots=True)
class Forward:
    """The model's answer, after some seconds."""

    after_seconds: float = 0.0

    def __post_init__(self) -> None:
        _check_pause(self.after_seconds)


@dataclass(frozen=True, slots=True)
class Lose:
    """No answer: the request is lost on its way, or, where `effect`, its answer is, after the model has acted on it."""

    effect: bool = False
    kind: FailureCause | str = FailureCause.DISCONNECTED
    after_seconds: float = 0.0
    reused: bool = False

    def __post_init__(self) -> None:
        _check_pause(self.after_seconds)
        if self.kind not in list(FailureCause):
            message = f"kind must be one of {', '.join(FailureCause)}, not {self.kind!r}"
            raise ValueError(message)
        if self.effect and self.kind in NEVER_SENT:
            message = f"a request without a connection (kind {str(self.kind)!r}) has no effect"
            raise ValueError(message)

    @property
    def sent(self) -> Sent:
        """Whether anything of the request was handed on."""
        return "no" if self.kind in NEVER_SENT else "maybe"


@dataclass(frozen=True, slots=True)
class Trickle:
    """An answer whose body comes in these pieces, one every so many seconds; where it `breaks`, that is why it ends before its end."""

    head: Response
    pieces: tuple[bytes, ...] = ()
    every_seconds: float = 0.0
    breaks: FailureCause | str | None = None

    def __post_init__(self) -> None:
        _check_pause(self.every_seconds, "every_seconds")
        if self.head.body or not all(self.pieces):
            raise ValueError("head must have no body, and no piece may be empty: the body is the pieces")
        if self.breaks is not None and self.breaks not in set(FailureCause) - NEVER_SENT:
            message = f"breaks must be a kind of failure after an answer has begun, not {self.breaks!r}"
            raise ValueError(message)


Act: TypeAlias = Answer | Forward | Lose | Trickle
Script: TypeAlias = Iterable[Act | Response | None] | Callable[[Request], Act | Response | None]
"""The acts, one for each request in turn; or a function of the request. None, or the end of the script: the model answers."""


class Model(Protocol):
    """A pure platform as a frozen value: `platform_emulator.model.Model` is one."""

    def apply(self, request: Request, at: float, /) -> "tuple[Model, Response]":
        """The platform after this request, and its answer; what was due by then was done before."""
        ...


@runtime_checkable
class Telling(Model, Protocol):
    """A model some of whose answers go on after their beginning, as something happens: streams of events. What it calls a tale is its own.

    `platform_emulator.model.Model` is one, so that the fake plays the same stream in virtual time that the emulator sends.
    """

    def begun(self, request: Request, response: Response, at: float, /) -> object:
        """The tale that goes on after this answer; None where it is whole."""
        ...

    def told(self, tale: Any, at: float, /) -> tuple[Any, object, tuple[bytes, ...]]:  # noqa: ANN401 -- the model's own
        """The model at this time, the tale as it goes on, or None at its end, and what has come of it by then."""
        ...

    def look_at(self, tale: Any, /) -> float:  # noqa: ANN401 -- the model's own
        """When there is something to tell at the latest, unless there is another request before."""
        ...


Contract: TypeAlias = Callable[[Request], Response | None]
"""What is answered to a request that is wrong whatever the platform knows; None for any other: `platform_emulator.model.refusal` is one."""


class FakePlatform:
    """A platform for tests. Not for more than one event loop at a time.

    Where there is a `contract`, a request that it refuses gets its answer, and the script is not asked: what a script answers to a call
    that the real platform would refuse proves nothing.

    A request for which the script has no act is a `LookupError`, which the call that sent it raises; so is whatever else a script raises.
    Requests that are sent at the same time are received in the order of their `X-Request-ID`, which follows from the operations' seeds.
    """

    def __init__(self, script: Script = (), *, model: Model | None = None, contract: Contract | None = None) -> None:
        self._acts: Callable[[Request], object]
        if callable(script):
            self._acts = script
        else:
            acts: Iterator[Act | Response | None] = iter(script)
            self._acts = lambda _: next(acts, None)
        # Reentrant, since a script may look at the platform; only threads that are no runs ever meet at it.
        self._lock = threading.RLock()
        self._time = VirtualTime()
        self._next: deque[Act | Response | None] = deque()
        self._contract = contract
        self.model: Model | None = model
        """The platform as it is now."""
        self.requests: list[OutgoingRequest] = []
        """As they were sent, lost ones included, without the credentials; a body that flowed is in them whole."""
        self.credentials: list[str] = []
        """The header by which each of them was authorized: its name alone."""

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._time.now()

    def then(self, *acts: Act | Response | None) -> None:
        """These acts for the next requests, in turn, before the script goes on; `Forward()` or None: the model answers."""
        with self._lock:
            self._next.extend(acts)

    def together(self, runs: int) -> None:
        """Let time stand still until so many runs more have begun: for threads, which do not all begin at once."""
        self._time.together(runs)

    def asynchronous(self) -> "FakeTransport":
        """As a transport, with its clock, for the async driver."""
        return FakeTransport(self, VirtualClock(self._time))

    def synchronous(self) -> "FakeSyncTransport":
        """As a transport, with its clock, for the blocking driver."""
        return FakeSyncTransport(self, VirtualSyncClock(self._time))

    def receive(self, outgoing: OutgoingRequest, credentials: Credentials, progress: Progress) -> Heard:
        """What the sender of a request hears. The platform acts on it now, whoever leaves before the answer."""
        with self._lock:
            self.requests.append(outgoing)
            self.credentials.append(credentials.header)
            request = _as_received(outgoing)
            act = self._refusal(request, credentials) or self._act(request)
            if isinstance(act, Lose):
                progress.sent = act.sent
                if act.effect:
                    self._effect(request)
                return Heard(TransportError(act.kind, act.sent, act.reused), act.after_seconds)
            progress.sent = "maybe"
            if isinstance(act, Trickle):
                breaks = None if act.breaks is None else FailureCause(act.breaks)
                return Heard(act.head, act.every_seconds, act.pieces, act.every_seconds, breaks)
            response = act.response if isinstance(act, Answer) else self._effect(request)
            tale = self.model.begun(request, response, self.now) if isinstance(act, Forward) and isinstance(self.model, Telling) else None
            return Heard(headless(response), act.after_seconds, tuple(cut(response.body)), more=self._tell(tale))

    def _refusal(self, request: Request, credentials: Credentials) -> Answer | None:
        if self._contract is None:
            return None
        # With credentials as it was sent, but for the secret: that there are some, and of which kind, is all that a contract says.
        kind, _, secret = credentials.value.rpartition(" ")
        shown = f"{kind} {_HIDDEN if secret else ''}".strip()
        refusal = self._contract(request._replace(headers=Headers((*request.headers, (credentials.header, shown)))))
        return None if refusal is None else Answer(refusal)

    def _act(self, request: Request) -> Act:
        act = self._next.popleft() if self._next else self._acts(request)
        match act:
            case Answer() | Forward() | Lose() | Trickle():
                return act
            case Response():
                return Answer(act)
            case None:
                return Forward()
            case _:
                message = f"a script is made of Answer, Forward, Lose, Trickle, Response and None, not {type(act).__name__}"
                raise TypeError(message)

    def _effect(self, request: Request) -> Response:
        if self.model is None:
            message = f"the script has no act for request {len(self.requests)}, {request.method} {request.target}, and there is no model"
            raise LookupError(message)
        self.model, response = self.model.apply(request, self.now)
        self._time.stir()
        return response

    def _tell(self, tale: object) -> Iterator[Listen | bytes]:
        """What comes of a tale, from now on to its end."""
        while tale is not None:
            with self._lock:
                yet = Listen(cast("Telling", self.model).look_at(tale), self._time.stirs)
            yield yet
            with self._lock:
                self.model, tale, pieces = cast("Telling", self.model).told(tale, self.now)
            yield from pieces


class FakeTransport:
    """The fake as the async driver takes it."""

    name = NAME
    carries_flows: Literal[True] = True

    def __init__(self, platform: FakePlatform, clock: VirtualClock) -> None:
        self._platform = platform
        self.clock = clock
        self._closed = False

    async def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: AsyncFlow | None = None,
    ) -> Response:
        """See `CarriesFlows`. The body that flows is taken whole before the platform hears of the request."""
        check_sayable(request, credentials, flow)  # what could not be sent for real fails here too, or a test would hide it
        await self.clock.take_turn(_turn(request))
        _check_open(deadline, self.clock.now(), closed=self._closed)
        if isinstance(request.body, External):
            assert flow is not None, "it is sayable"
            assert flow.pieces is not None, "with them"
            progress.sent = "maybe"
            request = _with_body(request, [piece async for piece in flow.pieces()])
        heard = self._platform.receive(request, credentials, progress)
        steps = play(heard, Stage(deadline, limits, progress, flow, self.clock.now, self._is_closed))
        sink = None if flow is None else flow.sink
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                return cast("Response", stop.value)
            match step:
                case SleepUntil(at):
                    await self.clock.sleep_until(at)
                case Listen(at, stirs):
                    await self.clock.listen_until(at, stirs)
                case Begin(head):
                    assert sink is not None, "only a sink is told"
                    await sink.begin(head)
                case Take(piece):
                    assert sink is not None, "only a sink is told"
                    await sink.take(piece)
                case _:
                    assert_never(step)

    async def aclose(self) -> None:
        """See `AsyncTransport`. What is under way fails when its answer is due."""
        self._closed = True

    def _is_closed(self) -> bool:
        return self._closed


class FakeSyncTransport:
    """The fake as the blocking driver takes it."""

    name = NAME
    carries_flows: Literal[True] = True

    def __init__(self, platform: FakePlatform, clock: VirtualSyncClock) -> None:
        self._platform = platform
        self.clock = clock
        self._closed = False

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        """See `CarriesSyncFlows`, and `FakeTransport`."""
        check_sayable(request, credentials, flow)  # what could not be sent for real fails here too, or a test would hide it
        self.clock.take_turn(_turn(request))
        _check_open(deadline, self.clock.now(), closed=self._closed)
        if isinstance(request.body, External):
            assert flow is not None, "it is sayable"
            assert flow.pieces is not None, "with them"
            progress.sent = "maybe"
            request = _with_body(request, flow.pieces())
        heard = self._platform.receive(request, credentials, progress)
        steps = play(heard, Stage(deadline, limits, progress, flow, self.clock.now, self._is_closed))
        sink = None if flow is None else flow.sink
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                return cast("Response", stop.value)
            match step:
                case SleepUntil(at):
                    self.clock.sleep_until(at)
                case Listen(at, stirs):
                    self.clock.listen_until(at, stirs)
                case Begin(head):
                    assert sink is not None, "only a sink is told"
                    sink.begin(head)
                case Take(piece):
                    assert sink is not None, "only a sink is told"
                    sink.take(piece)
                case _:
                    assert_never(step)

    def close(self) -> None:
        """See `SyncTransport`. What is under way fails when its answer is due."""
        self._closed = True

    def _is_closed(self) -> bool:
        return self._closed


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 -- any JSON value
    """An answer in JSON."""
    fields = (("Content-Type", "application/json"), *(headers or {}).items())
    return Response(status, Headers(fields), json.dumps(body).encode())


def _turn(request: OutgoingRequest) -> str:
    return request.headers.get(REQUEST_ID) or ""


def _as_received(outgoing: OutgoingRequest) -> Request:
    url = urlsplit(outgoing.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    return Request(outgoing.method, target, outgoing.headers, outgoing.body)


def _with_body(request: OutgoingRequest, pieces: Iterable[bytes]) -> OutgoingRequest:
    return request._replace(body=Inline(b"".join(pieces)))


def _check_open(deadline: float, now: float, *, closed: bool) -> None:
    if closed:
        raise TransportError(FailureCause.CLOSED, "no")
    if now >= deadline:
        raise TransportError(FailureCause.TIMEOUT, "no")


def _check_pause(seconds: float, parameter: str = "after_seconds") -> None:
    if not 0 <= seconds < float("inf"):
        message = f"{parameter} must be a finite number, not negative, not {seconds}"
        raise ValueError(message)
