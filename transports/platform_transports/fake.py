"""A platform without a network, in virtual time: for the unit tests of whoever embeds us.

`FakePlatform` answers from a script, or from a pure model such as the emulator's, or from a model with a script of faults in
front of it. Give it to either client as its `transport`: it brings the clock as well, so that minutes pass at once.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, assert_never
from urllib.parse import urlsplit

from platform_core.limits import Limits
from platform_core.messages import Headers, OutgoingRequest, Request, Response
from platform_core.outcomes import FailureCause

from .contract import Credentials, Progress, TransportError
from .virtual_time import VirtualClock, VirtualSyncClock, VirtualTime

NAME = "fake"
NEVER_SENT = frozenset({FailureCause.DNS, FailureCause.CONNECT, FailureCause.CONNECT_TIMEOUT, FailureCause.TLS, FailureCause.LOCAL})
"""Where there is no connection, nothing was handed on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """This response, after some seconds; the model, where there is one, hears nothing of the request."""

    response: Response
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Forward:
    """The model's answer, after some seconds."""

    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Lose:
    """No answer: the request is lost on its way, or, where `effect`, its answer is, after the model has acted on it."""

    effect: bool = False
    kind: FailureCause | str = FailureCause.DISCONNECTED
    after_seconds: float = 0.0
    reused: bool = False


Act: TypeAlias = Answer | Forward | Lose
Script: TypeAlias = Iterable[Act | Response] | Callable[[Request], Act | Response | None]
"""The acts, one for each request in turn; or a function of the request. None, or the end of the script: the model answers."""


class Model(Protocol):
    """A pure platform as a frozen value: `platform_emulator.model.Model` is one."""

    def apply(self, request: Request, at: float, /) -> "tuple[Model, Response]":
        """The platform after this request, and its answer; what was due by then was done before."""
        ...


class FakePlatform:
    """A platform for tests. Not for more than one event loop at a time."""

    def __init__(self, script: Script = (), *, model: Model | None = None) -> None:
        self._acts: Callable[[Request], Act | Response | None]
        if callable(script):
            self._acts = script
        else:
            acts: Iterator[Act | Response] = iter(script)
            self._acts = lambda _: next(acts, None)
        self.model = model
        """The platform as it is now."""
        self._time = VirtualTime()
        self.requests: list[OutgoingRequest] = []
        """As they were received, without the credentials."""
        self.credentials: list[str] = []
        """The header by which each of them was authorized: its name alone."""

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._time.now()

    def asynchronous(self) -> "FakeTransport":
        """As a transport, with its clock, for the async driver."""
        return FakeTransport(self, VirtualClock(self._time))

    def synchronous(self) -> "FakeSyncTransport":
        """As a transport, with its clock, for the blocking driver."""
        return FakeSyncTransport(self, VirtualSyncClock(self._time))

    def receive(self, outgoing: OutgoingRequest, credentials: Credentials, progress: Progress) -> Act:
        """What becomes of a request."""
        progress.sent = "maybe"
        self.requests.append(outgoing)
        self.credentials.append(credentials.header)
        act = self._acts(_as_received(outgoing))
        if isinstance(act, Response):
            return Answer(act)
        if act is not None:
            return act
        if self.model is None:
            message = f"the script has no act for request {len(self.requests)}: {outgoing.method} {outgoing.url}"
            raise LookupError(message)
        return Forward()

    def effect(self, outgoing: OutgoingRequest) -> Response:
        """Let the model act on the request, now."""
        if self.model is None:
            message = "only a model can act on a request: FakePlatform(model=…)"
            raise LookupError(message)
        self.model, response = self.model.apply(_as_received(outgoing), self.now)
        return response

    def outcome(self, act: Act, outgoing: OutgoingRequest, progress: Progress) -> Response | TransportError:
        """What the sender of the request hears in the end."""
        match act:
            case Answer(response):
                return response
            case Forward():
                return self.effect(outgoing)
            case Lose(effect, kind, _, reused):
                if effect:
                    self.effect(outgoing)
                return TransportError(kind, "no" if kind in NEVER_SENT else progress.sent, reused)
            case _:
                assert_never(act)


class FakeTransport:
    """The fake as the async driver takes it."""

    name = NAME

    def __init__(self, platform: FakePlatform, clock: VirtualClock) -> None:
        self._platform = platform
        self.clock = clock
        self._closed = False

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        """See `AsyncTransport`."""
        if self._closed:
            raise TransportError(FailureCause.CLOSED, "no")
        act = self._platform.receive(request, credentials, progress)
        # The platform acts when the request arrives; whoever leaves before the answer leaves an effect behind.
        outcome = self._platform.outcome(act, request, progress)
        at = self.clock.now() + act.after_seconds
        if act.after_seconds:
            await self.clock.sleep_until(min(at, deadline))
        return _heard(outcome, at, deadline, limits)

    async def aclose(self) -> None:
        """See `AsyncTransport`."""
        self._closed = True


class FakeSyncTransport:
    """The fake as the blocking driver takes it."""

    name = NAME

    def __init__(self, platform: FakePlatform, clock: VirtualSyncClock) -> None:
        self._platform = platform
        self.clock = clock
        self._closed = False

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        """See `SyncTransport`."""
        if self._closed:
            raise TransportError(FailureCause.CLOSED, "no")
        act = self._platform.receive(request, credentials, progress)
        # The platform acts when the request arrives; whoever leaves before the answer leaves an effect behind.
        outcome = self._platform.outcome(act, request, progress)
        at = self.clock.now() + act.after_seconds
        if act.after_seconds:
            self.clock.sleep_until(min(at, deadline))
        return _heard(outcome, at, deadline, limits)

    def close(self) -> None:
        """See `SyncTransport`."""
        self._closed = True


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 -- any JSON value
    """An answer in JSON."""
    fields = (("Content-Type", "application/json"), *(headers or {}).items())
    return Response(status, Headers(fields), json.dumps(body).encode())


def _as_received(outgoing: OutgoingRequest) -> Request:
    url = urlsplit(outgoing.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    return Request(outgoing.method, target, outgoing.headers, outgoing.body)


def _heard(outcome: Response | TransportError, at: float, deadline: float, limits: Limits) -> Response:
    if at > deadline:
        raise TransportError(FailureCause.TIMEOUT, "maybe")
    if isinstance(outcome, TransportError):
        raise outcome
    if len(outcome.body) > limits.response_body_bytes_max or len(outcome.headers) > limits.headers_count_max:
        raise TransportError(FailureCause.TOO_LARGE, "maybe")
    return outcome
