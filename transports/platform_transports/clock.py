"""The world's own clocks, as the drivers take them.

asyncio and anyio are imported where an event loop runs, and has loaded them: a blocking client would pay for both and use neither.
"""

import threading
import time
from collections.abc import Callable


def is_asyncio() -> bool:
    """Whether the event loop that is running is one of asyncio: what anyio raises on cancellation tells, in every version of it."""
    import asyncio

    import anyio

    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


class EventLoopClock:
    """The time of the event loop, asyncio's or trio's, in which it is first read; deadlines of an async transport are in it."""

    def __init__(self) -> None:
        self._time: Callable[[], float] | None = None

    def now(self) -> float:
        """Seconds from any start."""
        if self._time is None:
            self._time = _time_of_the_loop()  # anyio would ask each time which loop it is
        return self._time()

    async def sleep_until(self, at: float) -> None:
        """See `Clock`."""
        import anyio

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


def _time_of_the_loop() -> Callable[[], float]:
    if is_asyncio():
        import asyncio

        return asyncio.get_running_loop().time
    import trio

    return trio.current_time
