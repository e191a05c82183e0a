"""What a check is made on: one transport, the servers that it meets, and calls that end as expected or fail the check."""

import gc
import signal
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Progress, TransportError

from .ends import Answered, CheckFailedError, End, Failed, ImpossibleError, TooSlowError, end_of, is_met
from .sender import CREDENTIALS, LONG_SECONDS, SHORT_SECONDS, TARGET, Flow, Sender, request_to
from .steps import Script
from .subjects import Backend, Loopback, Server, Stage, Subject, Transport

_GRACE_SECONDS = 3.0
_HOPELESS_SECONDS = 0.25
_CLOSE_SECONDS_MAX = 3.0
_STRIKE_SECONDS = 0.02


_OK = Answered()
_NOTHING_DONE = (Failed(FailureCause.TIMEOUT, "no"), Failed(FailureCause.CONNECT_TIMEOUT, "no"))


@dataclass(frozen=True, slots=True)
class Call:
    """One call, and how it ends; where several ends are given, the order of two events on two machines decides which."""

    end: End | tuple[End, ...] = _OK
    method: str = "GET"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    target: str = TARGET
    seconds: float = LONG_SECONDS
    limits: Limits = DEFAULT_LIMITS
    flow: Flow | None = None

    def request(self, url: str) -> OutgoingRequest:
        """As the driver would make it."""
        return request_to(url, self.method, self.body, self.headers, self.target, self.flow)


class InterruptedCallError(KeyboardInterrupt):
    """The interrupt of a check."""


class Bench:
    """Where one check takes place. `cuts_max` bounds the points at which an answer is cut; None: every one, 0: it comes in one piece.

    `is_hopeful` False: the check is declared, and nobody waits long for it to fail.
    """

    def __init__(self, subject: Subject, backend: Backend, cuts_max: int | None, *, is_hopeful: bool = True, pace: float = 1.0) -> None:
        self.subject = subject
        self.backend = backend
        self.cuts_max = cuts_max
        self.pace = pace
        """How much longer a short deadline is here than written down: more than 1 where this machine was too slow for it."""
        self._seconds_max = LONG_SECONDS if is_hopeful else _HOPELESS_SECONDS
        self.soon_seconds: float = _GRACE_SECONDS if is_hopeful else _HOPELESS_SECONDS / 2
        """How long what must happen at once may take, on a machine that has other things to do."""
        self.trace: list[End] = []
        """How the calls ended."""
        self._stage: Stage = subject.stage(subject) if subject.stage is not None else Loopback(subject)
        self._made: list[Sender[Transport]] = []

    @property
    def has_bytes(self) -> bool:
        """Whether the answers have bytes, which can be cut."""
        return self._stage.has_bytes

    @property
    def is_async(self) -> bool:
        """Whether the transport is awaited."""
        return self.backend != "sync"

    def sender(self, limits: Limits = DEFAULT_LIMITS, *, trusted: bool = False) -> Sender[Transport]:
        """A new transport, closed after the check. `trusted`: it trusts the suite's own authority."""
        sender = Sender(self._stage.make(limits, trusted=trusted))
        if sender.is_async != self.is_async:
            message = f"send() of {type(sender.transport).__name__} is {'async' if sender.is_async else 'blocking'}: not for {self.backend}"
            raise ImpossibleError(message)
        if sender.carries_flows != self.subject.carries_flows:
            kind, says = type(sender.transport).__name__, "carries" if sender.carries_flows else "does not carry"
            message = f"{kind} {says} flows: Subject(…, carries_flows={sender.carries_flows})"
            raise ImpossibleError(message)
        self._made.append(sender)
        return sender

    @contextmanager
    def server(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> Generator[Server]:
        """Serve these scripts, one for each connection in turn; further connections get no answer."""
        with self._stage.serve(scripts, tls) as server:
            yield server

    async def call(self, sender: Sender[Transport], url: str, call: Call, about: str = "") -> Response | TransportError:
        """Make one call. Raises `CheckFailedError` where it does not end as expected."""
        expected = call.end if isinstance(call.end, tuple) else (call.end,)
        progress = Progress()
        met = await self._met(sender, call.request(url), call, progress)
        end = end_of(met)
        self.trace.append(end)
        if not any(is_met(each, end) for each in expected):
            detail = f" ({met})" if isinstance(met, TransportError) else ""
            message = f"{about}{call.method} must end as {' or '.join(map(repr, expected))}, but ended as {end!r}{detail}"
            raise (TooSlowError if call.seconds > 0 and end in _NOTHING_DONE else CheckFailedError)(message)
        if isinstance(met, TransportError) and progress.sent != met.sent:
            message = f"{about}progress.sent is {progress.sent!r} after the call, but the error says sent={met.sent!r}"
            raise CheckFailedError(message)
        return met

    async def leave(
        self,
        sender: Sender[Transport],
        request: OutgoingRequest,
        until: Callable[[], None],
        limits: Limits = DEFAULT_LIMITS,
        flow: Flow | None = None,
    ) -> Progress:
        """Begin a call and leave it once `until` returns, by cancellation or, in a blocking one, by an interrupt. How far it had come."""
        progress = Progress()
        if self.is_async:
            with anyio.move_on_after(LONG_SECONDS + _GRACE_SECONDS):
                async with anyio.create_task_group() as group:
                    group.start_soon(lambda: self._left(sender, request, limits, progress, flow))
                    await anyio.to_thread.run_sync(until)
                    await anyio.wait_all_tasks_blocked()
                    group.cancel_scope.cancel()
                return progress
            raise CheckFailedError("a call that was cancelled did not end")
        self._interrupt(sender, request, until, limits, progress, flow)
        return progress

    async def wait(self, what: Callable[[], object]) -> None:
        """Wait for something that blocks, in a thread."""
        await anyio.to_thread.run_sync(what)

    async def at_once(self, *calls: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Make these at the same time."""
        async with anyio.create_task_group() as group:
            for each in calls:
                group.start_soon(each)

    async def aclose(self) -> None:
        """Close the transports that were made."""
        for sender in self._made:
            with anyio.move_on_after(_CLOSE_SECONDS_MAX, shield=True) as scope:
                await sender.close()
            if scope.cancelled_caught:
                message = f"the transport was not closed within {_CLOSE_SECONDS_MAX} s"
                raise CheckFailedError(message)

    async def _met(self, sender: Sender[Transport], request: OutgoingRequest, call: Call, progress: Progress) -> Response | TransportError:
        seconds = min(self._paced(call.seconds), self._seconds_max)
        limits = replace(call.limits, connect_seconds_max=self._paced(call.limits.connect_seconds_max))
        with anyio.move_on_after(max(seconds, 0.0) + self.soon_seconds) as scope:
            try:
                return await sender.send(request, seconds, limits, progress, call.flow)
            except TransportError as error:
                return error
            except CheckFailedError:  # from a stage that cannot play this
                raise
            except Exception as error:
                message = f"send() raised {type(error).__name__}, which is no TransportError"
                raise CheckFailedError(message) from error
        assert scope.cancelled_caught
        message = f"the deadline was {seconds} s, and {self.soon_seconds} s later the call had not ended"
        raise CheckFailedError(message)

    def _paced(self, seconds: float) -> float:
        return seconds * self.pace if seconds <= SHORT_SECONDS else seconds

    async def _left(
        self, sender: Sender[Transport], request: OutgoingRequest, limits: Limits, progress: Progress, flow: Flow | None
    ) -> None:
        met: object
        try:
            met = await sender.send(request, LONG_SECONDS, limits, progress, flow)
        except TransportError as error:
            met = error
        message = f"a call that was cancelled must end as cancelled, but ended as {met!r}"
        raise CheckFailedError(message)

    def _interrupt(
        self,
        sender: Sender[Transport],
        request: OutgoingRequest,
        until: Callable[[], None],
        limits: Limits,
        progress: Progress,
        flow: Flow | None,
    ) -> None:
        """Send from this thread, the main one, and let a signal raise in the middle of it."""
        main = threading.main_thread()
        if threading.current_thread() is not main or not hasattr(signal, "pthread_kill"):
            raise ImpossibleError("an interrupt can only be tried in the main thread, and not on Windows")
        struck = threading.Event()

        def strike() -> None:
            with suppress(CheckFailedError):  # it strikes all the same
                until()
            # Again, where the first one came just before a call to the system that it should have ended.
            while not struck.wait(_STRIKE_SECONDS):
                signal.pthread_kill(main.ident or 0, signal.SIGUSR1)

        def interrupt(_signal: int, _frame: object) -> None:
            if not struck.is_set():
                struck.set()
                raise InterruptedCallError

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            met = self._struck(sender, request, limits, progress, flow, strike, interrupt, struck)
            gc.collect()
        if met is not None:
            message = f"a call that was interrupted must raise the interrupt, but ended as {met!r}"
            raise CheckFailedError(message)
        left = [str(each.message) for each in caught if issubclass(each.category, ResourceWarning)]
        if left:
            message = f"a call that was interrupted left this to the garbage collector: {', '.join(left)}"
            raise CheckFailedError(message)

    def _struck(
        self,
        sender: Sender[Transport],
        request: OutgoingRequest,
        limits: Limits,
        progress: Progress,
        flow: Flow | None,
        strike: Callable[[], None],
        interrupt: Callable[[int, object], None],
        struck: threading.Event,
    ) -> object:
        """How the call ended; None where by its interrupt."""
        thread = threading.Thread(target=strike)
        before = signal.signal(signal.SIGUSR1, interrupt)
        try:
            thread.start()
            return sender.blocking(flow).send(request, CREDENTIALS, sender.now() + LONG_SECONDS, limits, progress)
        except InterruptedCallError:
            return None
        except TransportError as error:
            return error
        finally:
            struck.set()
            thread.join()
            signal.signal(signal.SIGUSR1, before)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
