"""Which transport a client sends with: handed in, or the native one of its world; chosen at the first call, closed if it is ours.

Clients are made outside of event loops, so that the choice waits for the first call, which also binds an async client to its loop.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple, cast

from platform_core.errors import PlatformClientError
from platform_core.limits import Limits
from platform_transports.clock import is_asyncio
from platform_transports.contract import AsyncTransport, Clock, SyncTransport, TwoWorlds
from platform_transports.drive import async_clock
from platform_transports.runs import AsyncRuns


class Bound(NamedTuple):
    """A transport, its clock, and the only event loop in which both may be used."""

    transport: AsyncTransport
    clock: Clock
    running: Callable[[], object]
    loop: object
    """What `running` answers with in that loop."""


class AsyncBinding:
    """The transport of an async client, in one event loop."""

    def __init__(self, given: object, limits: Limits) -> None:
        self._given = given
        self._limits = limits
        self._bound: Bound | None = None

    def get(self, runs: AsyncRuns) -> Bound:
        """The transport for one of these runs, from the first call on. Raises where they are closed, or bound to another event loop."""
        if runs.closed:
            raise _closed_error()
        if self._bound is None:
            running = _running()
            transport = self._transport()
            self._bound = Bound(transport, async_clock(transport), running, running())
        self.check()
        return self._bound

    def check(self) -> None:
        """Raise where the client is bound to another event loop: its connections can neither be used nor closed here."""
        if self._bound is not None and not _is_in(self._bound):
            raise PlatformClientError("this client belongs to another event loop: make one for each loop, and close it there")

    async def aclose(self) -> None:
        """Close the transport if it is ours."""
        if self._bound is not None and self._bound.transport is not self._given:
            await self._bound.transport.aclose()

    def _transport(self) -> AsyncTransport:
        if self._given is None:
            return _native(self._limits)
        return self._given.asynchronous() if isinstance(self._given, TwoWorlds) else cast("AsyncTransport", self._given)


class SyncBinding:
    """The transport of a blocking client, for all its threads."""

    def __init__(self, given: object, limits: Limits) -> None:
        self._given = given
        self._limits = limits
        self._lock = threading.Lock()
        self._chosen: SyncTransport | None = None

    def get(self, closed: threading.Event) -> SyncTransport:
        """The transport for a run that `closed` ends, from the first call on. Raises where it is set."""
        with self._lock:
            if closed.is_set():
                raise _closed_error()
            if self._chosen is None:
                self._chosen = self._transport()
            return self._chosen

    def close(self) -> None:
        """Close the transport if it is ours; `closed` is set before, for every run."""
        with self._lock:
            chosen = self._chosen
        if chosen is not None and chosen is not self._given:
            chosen.close()

    def _transport(self) -> SyncTransport:
        if self._given is None:
            return _native_blocking(self._limits)
        return self._given.synchronous() if isinstance(self._given, TwoWorlds) else cast("SyncTransport", self._given)


def _native(limits: Limits) -> AsyncTransport:
    """That of the running loop. Only the library of this loop is imported."""
    if is_asyncio():
        from platform_transports.asyncio import AsyncioTransport

        return AsyncioTransport(limits)
    from platform_transports.trio import TrioTransport

    return TrioTransport(limits)


def _native_blocking(limits: Limits) -> SyncTransport:
    from platform_transports.sync import BlockingTransport

    return BlockingTransport(limits)


def _closed_error() -> PlatformClientError:
    return PlatformClientError("the client is closed")


def _running() -> Callable[[], object]:
    """What tells one event loop from another, on asyncio or on trio; outside of its world it raises `RuntimeError`."""
    if is_asyncio():
        import asyncio

        return asyncio.get_running_loop
    import trio

    return trio.lowlevel.current_trio_token


def _is_in(bound: Bound) -> bool:
    try:
        return bound.running() is bound.loop
    except RuntimeError:
        return False
