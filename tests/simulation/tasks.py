"""A profile in tasks, of asyncio or of trio."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio

from flow_sdk import PlatformClient
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.clock import is_asyncio
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakeTransport
from platform_transports.journal import Journal
from platform_transports.virtual_time import VirtualClock

from .clocks import LateClock
from .stage import HANGS_SECONDS, End, Stage, seeds, seeds_of
from .swarm import Call


def run_asyncio(stage: Stage) -> None:
    """In tasks of asyncio."""
    anyio.run(_simulated, stage, backend="asyncio")


def run_trio(stage: Stage) -> None:
    """In tasks of trio."""
    anyio.run(_simulated, stage, backend="trio")


async def _simulated(stage: Stage) -> None:
    profile, clock = stage.profile, VirtualClock(stage.time)
    client = _client(stage, clock)
    callers: dict[int, _Caller] = {call.index: _Caller(stage, client, clock, call) for call in profile.calls}
    works: list[Callable[[], Any]] = [caller.call for caller in callers.values()]
    row = _Row(stage, client)
    if profile.row:
        works = [row.call]
    works += [callers[call.index].leave for call in profile.calls if call.leaves_at]
    if profile.closes_at is not None:
        ended = {index: row.ended if profile.row else caller.ended for index, caller in callers.items()}
        works.append(lambda: _close(stage, client, clock, ended))
    if profile.crashes_at is not None:
        works.append(lambda: _crash(stage, client, clock, callers[0].ended))
    stage.platform.together(len(works))
    with anyio.move_on_after(HANGS_SECONDS) as hanging:
        async with anyio.create_task_group() as tasks:
            for work in works:
                tasks.start_soon(work)
    if hanging.cancelled_caught:
        stage.problems.append("12. a task hangs")
    await client.close()


def _client(stage: Stage, clock: VirtualClock) -> Any:
    async def provide() -> str:
        with stage.provider_called() as asked:
            await clock.sleep_until(asked.at)
            return asked.token()

    provider = None if stage.profile.provider is None else provide
    client: Any = PlatformClient(**stage.options(), transport=_Transport(stage, clock), token_provider=provider)
    client._wiring.budget = stage.holder
    return client


class _Caller:
    """One call in a task, and whoever makes it leave."""

    def __init__(self, stage: Stage, client: Any, clock: VirtualClock, call: Call) -> None:
        self._stage = stage
        self._client = client
        self._clock = clock
        self._call = call
        self._leave: Callable[[], object] = lambda: None
        self._left = anyio.Event()
        self.ended = anyio.Event()

    async def call(self) -> None:
        """Wait until it is time, call, and keep how that ends."""
        stage, call = self._stage, self._call
        if call.starts_at:
            with self._clock.run():
                await self._clock.sleep_until(call.starts_at)
                # From here to the run of the call itself, time is to stand still; a closed client does not run it.
                stage.platform.together(not stage.closed)
        seeds.set(seeds_of(call))
        life, end = stage.life, End(left=True)
        try:
            with _leavable() as self._leave:
                try:
                    end = End(await stage.invoked(self._client, call))
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is looked at in the end
                    end = End(error=error)
        finally:
            if life == stage.life:
                stage.ends[call.index] = end
            self.ended.set()
            self._left.set()

    async def leave(self) -> None:
        """Make it leave at its times; a second time where a task can be cancelled twice, which trio's cannot."""
        with self._clock.run():
            for number, at in enumerate(self._call.leaves_at):
                await self._clock.sleep_until(at)
                if self.ended.is_set() or (number and not is_asyncio()):
                    return
                self._left = anyio.Event()
                self._stage.shadows[self._call.index].on_left = self._left.set
                self._leave()
                await self._left.wait()


class _Row:
    """All calls at once, in one row. In a single task, since which of several takes which run is for the event loop to say."""

    def __init__(self, stage: Stage, client: Any) -> None:
        self._stage = stage
        self._client = client
        self.ended = anyio.Event()

    async def call(self) -> None:
        """Await all of them, and keep how each ends."""
        stage = self._stage
        seeds.set(stage.seeds_of_row())
        try:
            async for handle, end in self._client.await_all(stage.ids_of_row(), concurrency=1):
                stage.end_of_row(handle, end)
        finally:
            self.ended.set()


@contextmanager
def _leavable() -> Generator[Callable[[], object], None, None]:
    """Inside it a task may be cancelled, as its world does that, and outside it has not been."""
    if not is_asyncio():
        import trio

        with trio.CancelScope() as scope:
            yield scope.cancel
        return
    import asyncio

    task = asyncio.current_task()
    assert task is not None
    try:
        yield task.cancel
    except asyncio.CancelledError:
        if not task.cancelling():
            raise
        while task.cancelling():
            task.uncancel()


async def _close(stage: Stage, client: Any, clock: VirtualClock, ended: Mapping[int, anyio.Event]) -> None:
    with clock.run():
        assert stage.profile.closes_at is not None
        await clock.sleep_until(stage.profile.closes_at)
        stage.closed = True
        await client.close()
        for shadow in stage.shadows:
            if shadow.seen:
                await ended[shadow.call.index].wait()


async def _crash(stage: Stage, client: Any, clock: VirtualClock, ended: anyio.Event) -> None:
    """The process dies with what its journal holds, and another one goes on with that."""
    with clock.run():
        assert stage.profile.crashes_at is not None
        await clock.sleep_until(stage.profile.crashes_at)
        if not stage.shadows[0].is_under_way:
            return
        path = stage.crash()
        await client.close()
        await ended.wait()
        second = _client(stage, clock)
        stage.platform.together(1)
    with Journal(path, sync="never") as journal:
        async for _, end in second.recover(journal):
            stage.end_of_recovered(end)
    await second.close()


class _Transport:
    """The fake's, with a clock for the driver that may wake late, and a count of what is under way."""

    name = "fake"

    def __init__(self, stage: Stage, precise: VirtualClock) -> None:
        self.clock = LateClock(stage.time, stage.profile.lateness_seconds)
        self._stage = stage
        self._inner = FakeTransport(stage.platform, precise)
        self._sending = stage.sending()

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        with self._sending():
            return await self._inner.send(request, credentials, deadline, limits, progress)

    async def aclose(self) -> None:
        await self._inner.aclose()
