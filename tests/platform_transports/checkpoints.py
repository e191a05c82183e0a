"""A call that is cancelled at one of its checkpoints, and at a later one again, as users of asyncio and of trio cancel."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import trio


class Cut(NamedTuple):
    """What a call came to that was cancelled, or not."""

    checkpoints: int
    """How many it met, those of its clean-up too."""
    is_cancelled: bool


class Swept(NamedTuple):
    """How many checkpoints a call has, at how many it was cancelled, and how many times again in its clean-up."""

    checkpoints: int
    once: int
    twice: int

    def __str__(self) -> str:
        return f"{self.checkpoints} checkpoints, cancelled at {self.once}, and {self.twice} times again in the clean-up"


async def swept(run: Callable[..., Awaitable[Cut]]) -> Swept:
    """Run a call whole, then cancelled at each of its checkpoints, then cancelled a second time at each checkpoint that follows.

    `run` is handed the numbers of the checkpoints at which it is to cancel: none, one or two.
    """
    checkpoints = (await run()).checkpoints
    once = twice = 0
    for first in range(checkpoints):
        found = await run(first)
        assert found.is_cancelled or found.checkpoints <= first, f"the cancel at checkpoint {first} was swallowed"
        once += found.is_cancelled
        second = first + 1
        while (await run(first, second)).checkpoints > second:
            second, twice = second + 1, twice + 1
    return Swept(checkpoints, once, twice)


async def cut(call: Callable[[], Awaitable[object]], *cancelled_at: int) -> Cut:
    """Await the call and cancel it at the checkpoints of these numbers, counted from 0: none, one or two."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await _cut_on_trio(call, *cancelled_at)
    return await _cut_on_asyncio(call, *cancelled_at)


async def _cut_on_asyncio(call: Callable[[], Awaitable[object]], *cancelled_at: int) -> Cut:
    async def run() -> None:
        await checkpoints

    task = asyncio.create_task(run())
    checkpoints = _Checkpoints(call, dict.fromkeys(cancelled_at, task.cancel))
    with suppress(asyncio.CancelledError):
        await task
    return Cut(checkpoints.met, task.cancelled())


async def _cut_on_trio(call: Callable[[], Awaitable[object]], *cancelled_at: int) -> Cut:
    outer, inner = trio.CancelScope(), trio.CancelScope()
    checkpoints = _Checkpoints(call, dict(zip(cancelled_at, (inner.cancel, outer.cancel), strict=False)))
    with outer, inner:
        await checkpoints
    return Cut(checkpoints.met, inner.cancelled_caught or outer.cancelled_caught)


class _Checkpoints:
    """Awaits the call and counts its checkpoints; at those of these numbers, counted from 0, something happens: a cancel, say."""

    def __init__(self, call: Callable[[], Awaitable[object]], happenings: Mapping[int, Callable[[], object]]) -> None:
        self._call = call
        self._happenings = happenings
        self.met = 0

    def __await__(self) -> Generator[Any, Any, object]:
        inner = self._call().__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                trap = inner.send(sent) if error is None else inner.throw(error)
            except StopIteration as stop:
                return stop.value
            sent = error = None
            happening = self._happenings.get(self.met)
            if happening is not None:
                happening()
            self.met += 1
            try:
                sent = yield trap
            except BaseException as raised:  # noqa: BLE001 -- handed on
                error = raised
