"""The token store: numbered tokens, and one call of the provider for all whose token the server refused.

Rule 1: however many wait for a token later than the same number, the provider is called once.
Rule 2: who waits may leave, the first one too: the call belongs to nobody, and goes on for the others.
Rule 3: a refresh that fails keeps the token that is there. No text that is made here shows a token.

asyncio and anyio are imported where an event loop runs, and has loaded them: a blocking client would pay for both and use neither.
"""

import os
import threading
import warnings
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TypeAlias

from platform_core.tokens import Token

from .clock import is_asyncio
from .contract import Clock, CountsRuns, Credentials, SyncClock

AsyncTokenProvider: TypeAlias = Callable[[], Awaitable[str]]
AsyncOnRefresh: TypeAlias = Callable[[str], Awaitable[object]]
TokenProvider: TypeAlias = Callable[[], str]
OnRefresh: TypeAlias = Callable[[str], object]

CLOSE_SECONDS_MAX = 1.0
"""How long closing waits for a provider that was told to stop."""


@dataclass(frozen=True, slots=True)
class Granted:
    """There is a token later than the one that was rejected."""


@dataclass(frozen=True, slots=True)
class Denied:
    """There is none. `permanent` where asking again is of no use; `reason` is a fixed text or an exception's type name."""

    reason: str
    permanent: bool


NO_PROVIDER = Denied("no token provider", permanent=True)
CLOSED = Denied("client closed", permanent=True)
DEADLINE_PASSED = Denied("deadline passed", permanent=False)
INTERRUPTED = Denied("token provider interrupted", permanent=False)


class AsyncTokens:
    """The token store of an async client, for one event loop.

    `provider` answers with a fresh token; an `OSError` or `TimeoutError` from it is transient, anything else permanent.
    `on_refresh` is then handed that token, before those who waited go on; what it raises is a `RuntimeWarning`, and ignored.
    """

    def __init__(self, token: Token | None, provider: AsyncTokenProvider | None = None, on_refresh: AsyncOnRefresh | None = None) -> None:
        self._numbers = _Numbers(token)
        self._provider = provider
        self._on_refresh = on_refresh
        self._call: _Call | None = None

    def current(self) -> tuple[int, Credentials] | None:
        """The token in use with its number; None where there is none yet."""
        return self._numbers.held

    async def refresh(self, rejected: int | None, deadline: float, clock: Clock) -> Granted | Denied:
        """Have a token later than number `rejected` (None: any token) by `deadline`, a time on `clock`."""
        provider = self._provider
        while (answer := self._numbers.settled(rejected)) is None:
            if provider is None:
                return NO_PROVIDER
            call = self._call or self._start(provider, clock)
            ended = await call.wait(deadline, clock)
            answer = self._numbers.settled(rejected) or (call.denied if ended else DEADLINE_PASSED)
            if answer is not None:
                return answer
        return answer

    async def aclose(self) -> None:
        """End a call of the provider that is under way: who waits for it is told that the client is closed."""
        self._numbers.closed = True
        call = self._call
        if call is not None:
            call.end(CLOSED)
            call.scope.cancel()
            import anyio

            with anyio.move_on_after(CLOSE_SECONDS_MAX):
                await call.gone.wait()

    def _start(self, provider: AsyncTokenProvider, clock: Clock) -> "_Call":
        """Call the provider in a task of its own, which no cancellation of a waiter reaches."""
        call = self._call = _Call()
        # A virtual time must not jump to the waiters' deadlines while the provider works, nor before they have got up.
        if isinstance(clock, CountsRuns):
            call.alive.enter_context(clock.run())
        if is_asyncio():
            import asyncio

            call.task = asyncio.get_running_loop().create_task(self._perform(call, provider))
        else:
            import trio

            trio.lowlevel.spawn_system_task(self._perform, call, provider)
        return call

    async def _perform(self, call: "_Call", provider: AsyncTokenProvider) -> None:
        denied: Denied | None = INTERRUPTED
        with call.alive:
            try:
                with call.scope:
                    denied = await self._ask(provider)
            finally:
                self._call = None
                call.end(denied)
                call.gone.set()
            await call.left.wait()

    async def _ask(self, provider: AsyncTokenProvider) -> Denied | None:
        try:
            value = await provider()
            self._numbers.accept(value)
        except Exception as error:  # noqa: BLE001 -- whatever a provider raises is an answer
            return _denied(error)
        if self._on_refresh is not None:
            try:
                await self._on_refresh(value)
            except Exception as error:  # noqa: BLE001 -- the token is there, whoever could not store it
                _report(error)
        return None


class SyncTokens:
    """The token store of a blocking client, for many threads.

    As `AsyncTokens`, with plain callables. The first thread that needs a token calls the provider itself. It cannot be
    interrupted there, neither by its deadline nor by `close`, other than by a `KeyboardInterrupt`: then another thread calls.
    """

    def __init__(self, token: Token | None, provider: TokenProvider | None = None, on_refresh: OnRefresh | None = None) -> None:
        self._numbers = _Numbers(token)
        self._provider = provider
        self._on_refresh = on_refresh
        self._lock = threading.Lock()
        self._call: _SyncCall | None = None

    def current(self) -> tuple[int, Credentials] | None:
        """The token in use with its number; None where there is none yet."""
        return self._numbers.held

    def refresh(self, rejected: int | None, deadline: float, clock: SyncClock) -> Granted | Denied:
        """Have a token later than number `rejected` (None: any token) by `deadline`, a time on `clock`."""
        provider = self._provider
        own = _SyncCall()
        try:
            while (answer := self._numbers.settled(rejected)) is None:
                if provider is None:
                    return NO_PROVIDER
                with self._lock:
                    # After a fork, the thread that asks the provider is alive in the other process alone.
                    if self._call is None or self._call.over or self._call.process != own.process:
                        self._call = own
                    call = self._call
                if call is own:
                    own.denied = self._ask(rejected, provider)
                    ended = True
                else:
                    ended = self._wait(call, deadline, clock)
                answer = self._numbers.settled(rejected) or (call.denied if ended else DEADLINE_PASSED)
                if answer is not None:
                    return answer
            return answer
        finally:
            own.over = True  # first of all, so that after an interrupt here the next thread calls the provider
            self._open(own)

    def close(self) -> None:
        """Tell who waits that the client is closed; a provider that is being called comes to its own end."""
        self._numbers.closed = True
        call = self._call
        if call is not None:
            self._open(call)

    def _ask(self, rejected: int | None, provider: TokenProvider) -> Denied | None:
        if self._numbers.settled(rejected) is not None:  # another thread was faster, before this call became its own
            return None
        try:
            value = provider()
            self._numbers.accept(value)
        except Exception as error:  # noqa: BLE001 -- whatever a provider raises is an answer
            return _denied(error)
        if self._on_refresh is not None:
            try:
                self._on_refresh(value)
            except Exception as error:  # noqa: BLE001 -- the token is there, whoever could not store it
                _report(error)
        return None

    def _wait(self, call: "_SyncCall", deadline: float, clock: SyncClock) -> bool:
        """Whether another thread's call ended by the deadline."""
        idle = ExitStack()
        with self._lock:
            if call.opened:
                return True
            if isinstance(clock, CountsRuns):
                idle.enter_context(clock.idle())
            call.idle.append(idle)
        try:
            ended = call.gate.acquire(timeout=min(max(deadline - clock.now(), 0.0), threading.TIMEOUT_MAX))
            if ended:
                call.gate.release()
        finally:
            with self._lock:
                idle.close()
        return ended

    def _open(self, call: "_SyncCall") -> None:
        with self._lock:
            if not call.opened:
                call.opened = True
                for idle in call.idle:
                    idle.close()
                call.gate.release()


class _Numbers:
    """Which token is in use, and its number. Changed by one task or thread at a time: the one that calls the provider."""

    def __init__(self, token: Token | None) -> None:
        self.held: tuple[int, Credentials] | None = None if token is None else (1, Credentials(*token.header))
        self.closed = False

    def settled(self, rejected: int | None) -> Granted | Denied | None:
        """The answer that needs no call of the provider."""
        if self.closed:
            return CLOSED
        return Granted() if self._last > (rejected or 0) else None

    def accept(self, value: object) -> None:
        """The next token is this one. Raises `TypeError` or `ValueError` where it cannot be one."""
        token = Token.checked(value, "token_provider")
        self.held = (self._last + 1, Credentials(*token.header))

    @property
    def _last(self) -> int:
        return 0 if self.held is None else self.held[0]


class _Call:
    """One call of an async provider, and who sleeps until it ends."""

    def __init__(self) -> None:
        import anyio

        self.scope = anyio.CancelScope()
        self.denied: Denied | None = None
        self.gone = anyio.Event()
        self.left = anyio.Event()
        self.alive = ExitStack()
        """What a virtual clock is told: this is a run too."""
        self.task: object = None
        """Held, since an event loop only holds its tasks weakly."""
        self._ended = False
        self._sleepers: set[anyio.CancelScope] = set()

    async def wait(self, deadline: float, clock: Clock) -> bool:
        """Sleep until the call ends; whether it ended by the deadline."""
        if self._ended:
            return True
        import anyio

        with anyio.CancelScope() as scope:
            self._sleepers.add(scope)
            try:
                await clock.sleep_until(deadline)
            finally:
                self._sleepers.discard(scope)
                self._let_go()
        return self._ended

    def end(self, denied: Denied | None) -> None:
        """Wake who waits; the first answer stands."""
        if not self._ended:
            self._ended = True
            self.denied = denied
            for scope in tuple(self._sleepers):
                scope.cancel()
            self._let_go()

    def _let_go(self) -> None:
        if self._ended and not self._sleepers:
            self.left.set()


class _SyncCall:
    """One call of a blocking provider. Its gate is a lock that opens once: who gets in lets the next one in.

    A plain lock, since it is taken and given back in one bytecode each: an interrupt inside of a `threading.Condition` or
    `threading.Event` can leave its inner lock taken for ever.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.denied: Denied | None = None
        self.over = False
        self.opened = False
        self.idle: list[ExitStack] = []
        """What a virtual clock was told of those who wait; left for all of them at once, before the first of them goes on."""
        self.gate = threading.Lock()
        self.gate.acquire()


def _denied(error: Exception) -> Denied:
    """What the provider's exception says, without its message: that may quote anything."""
    return Denied(type(error).__name__, permanent=not isinstance(error, (OSError, TimeoutError)))


def _report(error: Exception) -> None:
    # Where warnings are errors, this one must not end the task, on trio with it the whole loop.
    with suppress(RuntimeWarning):
        warnings.warn(f"on_auth_token_refresh failed: {type(error).__name__}", RuntimeWarning, stacklevel=2)
