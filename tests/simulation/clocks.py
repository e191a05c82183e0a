"""The clocks of simulated drivers: virtual ones that may wake late, and in which a thread can be interrupted."""

from threading import get_ident

from platform_transports.virtual_time import VirtualClock, VirtualSyncClock, VirtualTime


class LateClock(VirtualClock):
    """The clock of the async driver, which may wake late."""

    def __init__(self, time: VirtualTime, lateness_seconds: float) -> None:
        super().__init__(time)
        self._lateness_seconds = lateness_seconds

    async def sleep_until(self, at: float) -> None:
        """See `Clock`."""
        await super().sleep_until(at + _lateness(at, self._lateness_seconds))


class LeavingClock(VirtualSyncClock):
    """The clock of a blocking driver or transport, which may wake late, and in which a thread is interrupted at its times."""

    def __init__(self, time: VirtualTime, lateness_seconds: float, leaves: dict[int, list[float]]) -> None:
        super().__init__(time)
        self._lateness_seconds = lateness_seconds
        self._leaves = leaves
        """By thread."""

    def sleep_until(self, at: float) -> None:
        """See `SyncClock`."""
        late = at + _lateness(at, self._lateness_seconds)
        left = self._leaves.get(get_ident())
        if not left or left[0] > late:
            super().sleep_until(late)
            return
        super().sleep_until(left.pop(0))
        raise KeyboardInterrupt


def _lateness(at: float, seconds_max: float) -> float:
    """The same for the same time, so that the driver of each world wakes as late."""
    return seconds_max * (at * 7919.0 % 1.0)
