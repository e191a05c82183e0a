"""The fake platform on the suite's stage: it plays the scripts at the level of whole answers, and says of all else that it cannot."""

import ssl
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager

from platform_core.limits import Limits
from platform_core.messages import Request
from platform_transports.conformance.ends import ImpossibleError
from platform_transports.conformance.steps import AwaitClose, Close, Echo, Read, Reply, Reset, Script, Step, Wait
from platform_transports.conformance.subjects import Server, Subject, Transport
from platform_transports.fake import Act, Answer, FakePlatform, Lose

NEVER_SECONDS = 1e9
"""Virtual ones."""


class FakeServer:
    """The scripts as acts: which request comes on which connection is what a client makes of it that keeps them."""

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
        if tls is not None:
            raise ImpossibleError("the fake has no TLS")
        self.url = "http://fake.test:80"
        self._acts = _acts(scripts)

    def act(self, request: Request) -> Act:
        """What the next request meets."""
        act = next(self._acts, None)
        if act is None:
            raise ImpossibleError("the script has ended")
        return act

    @property
    def requests(self) -> list[bytes]:
        """Not there."""
        raise ImpossibleError("the fake sends no bytes")

    @property
    def connections(self) -> int:
        """Not there."""
        raise ImpossibleError("the fake has no connections")

    closed = connections

    def release(self) -> None:
        """Not there."""
        raise ImpossibleError("nobody waits for anybody but in virtual time")

    def wait_for(self, *, requests: int = 0, closed: int = 0, connections: int = 0) -> None:
        """Not there."""
        raise ImpossibleError("the fake has no connections, and nothing happens in it while a call is under way")

    ended = release


class FakeStage:
    """One fake platform for one check."""

    has_bytes = False

    def __init__(self, subject: Subject) -> None:
        self._is_sync = subject.backends == ("sync",)
        self._server: FakeServer | None = None
        self._platform = FakePlatform(self._act)

    def make(self, limits: Limits, *, trusted: bool) -> Transport:
        """See `Stage`."""
        if trusted:
            raise ImpossibleError("the fake has no TLS")
        return self._platform.synchronous() if self._is_sync else self._platform.asynchronous()

    def serve(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> AbstractContextManager[Server]:
        """See `Stage`."""
        return self._serving(FakeServer(scripts, tls))

    @contextmanager
    def _serving(self, server: FakeServer) -> Generator[Server]:
        self._server = server
        yield server
        self._server = None

    def _act(self, request: Request) -> Act:
        if self._server is None:
            raise ImpossibleError("the fake has no network in which nobody would listen")
        return self._server.act(request)


def _acts(scripts: tuple[Script, ...]) -> Iterator[Act]:
    for script in scripts:
        reused = False
        steps = iter(script)
        for step in steps:
            if isinstance(step, Echo):
                raise ImpossibleError("the fake answers from its script")
            if not isinstance(step, Read):
                message = f"the fake has no {type(step).__name__}, only whole answers"
                raise ImpossibleError(message)
            act, goes_on = _act(steps, reused=reused)
            yield act
            if not goes_on:
                break
            reused = True


def _act(steps: Iterator[Step], *, reused: bool) -> tuple[Act, bool]:
    """What one request meets, and whether another one may follow."""
    seconds = 0.0
    for step in steps:
        match step:
            case Reply():
                return Answer(step.response(), seconds), True
            case Close() | Reset():
                return Lose(reused=reused), False
            case Wait() | AwaitClose():
                seconds = NEVER_SECONDS
            case _:
                message = f"the fake has no {type(step).__name__}, only whole answers"
                raise ImpossibleError(message)
    return Lose(reused=reused, after_seconds=seconds), False
