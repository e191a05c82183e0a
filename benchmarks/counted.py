"""So many repetitions of one piece of work, for whoever counts the instructions of this process.

    python -m benchmarks.counted NAME COUNT URL

The garbage collector stays out of it: when it runs depends on all that was imported before.
"""

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from benchmarks.core_cycle import h11_cycles, polls, readings

if TYPE_CHECKING:
    from benchmarks.subjects import AsyncOpened, Opened, Subject

CORE: dict[str, Callable[[int], None]] = {"core, a poll": polls, "strict JSON of its answer": readings, "h11, a client's cycle": h11_cycles}
AGAINST = ("aiohttp on asyncio", "httpx on trio", "urllib3 on threads", "httpx on threads")


def names() -> list[str]:
    """All that can be counted: the core's poll and what it is held against, then whole calls, ours and some of others'."""
    from benchmarks.subjects import subjects  # noqa: PLC0415 -- who counts the core need not import what it is not

    return [*CORE, *(each.key for each in subjects() if each.name == "PlatformClient" or each.key in AGAINST)]


def work(name: str, count: int, url: str) -> None:
    """Do it so many times."""
    if name in CORE:
        CORE[name](count)
        return
    from benchmarks.subjects import subjects  # noqa: PLC0415 -- the same

    (subject,) = (each for each in subjects() if each.key == name)
    _call(subject, count, url)


def _call(subject: "Subject", count: int, url: str) -> None:
    if subject.world == "threads":
        with cast("Opened", subject.opened)(url, 1) as call:
            for _ in range(count):
                call()
        return

    import anyio  # noqa: PLC0415 -- the same

    async def repeat() -> None:
        async with cast("AsyncOpened", subject.opened)(url, 1) as call:
            for _ in range(count):
                await call()

    options = {"use_uvloop": True} if subject.world == "uvloop" else {}
    anyio.run(repeat, backend="trio" if subject.world == "trio" else "asyncio", backend_options=options)


if __name__ == "__main__":
    gc.disable()
    work(sys.argv[1], int(sys.argv[2]), sys.argv[3])
