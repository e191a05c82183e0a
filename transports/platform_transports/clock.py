"""The world's own clocks, as the drivers take them."""

import threading
import time

import anyio


class EventLoopClock:
    """The time of the running event loop, asyncio's or trio's; deadlines of an async transport are in it."""

    def now(self) -> float:
        """Seconds from any start."""
        return anyio.current_time()

    async def sleep_until(self, at: float) -> None:
        """See `Clock`."""
        await anyio.sleep_until(at)


class MonotonicClock:
    """`time.monotonic`; a sleep ends early where the client is closed meanwhile."""

    def __init__(self, closed: threading.Event | None = None) -> None:
        self._closed = threading.Event() if closed is None else closed

    def now(self) -> float:
        """Seconds from any start."""
        return time.monotonic()

    def sleep_until(self, at: float) -> None:
        """See `SyncClock`."""
        # An Event.wait may return early by the resolution of its clock.
        while (seconds := at - time.monotonic()) > 0:
            if self._closed.wait(min(seconds, threading.TIMEOUT_MAX)):
                return
