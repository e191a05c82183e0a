"""A profile in each world: the real clients and drivers, in tasks of asyncio or trio, or in threads.

Virtual time lets one run go on at a time, so that the order of events is the same however tasks and threads are scheduled, and in each
world, but for three things. A task of trio that was cancelled cannot be cancelled again. A thread sees that its client is closed as it
wakes. And it cannot leave a token provider that it calls or waits for.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio

from flow_sdk import PlatformClient, SyncPlatformClient
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.budget import BudgetHolder
from platform_transports.clock import is_asyncio
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakeSyncTransport, FakeTransport
from platform_transports.virtual_time import VirtualClock

from .stage import End, LateClock, LeavingClock, Stage, seeds, seeds_of
from .swarm import Call

HANGS_SECONDS = 60.0
"""Of real time, of which a run takes a few milliseconds: a world in which time stands still for ever ends here."""


def run_asyncio(stage: Stage) -> None:
    """In tasks of asyncio."""
    anyio.run(_simulated, stage, backend="asyncio")


def run_trio(stage: Stage) -> None:
    """In tasks of trio."""
    anyio.run(_simulated, stage, backend="trio")


def run_sync(stage: Stage) -> None:
    """In threads."""
    leaves: dict[int, list[float]] = {}
    transport = _SyncTransport(stage, leaves)
    client: Any = SyncPlatformClient(**stage.options(), transport=transport, token_provider=_provider(stage, transport.precise))
    client._wiring.budget = budget = BudgetHolder(stage.budget)
    works: list[Callable[[], None]] = [_threaded(stage, client, transport.precise, leaves, call) for call in stage.profile.calls]
    if stage.profile.closes_at is not None:
        works.append(lambda: _close(stage, client, transport.precise))
    stage.platform.together(len(works))
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS_SECONDS)
        if thread.is_alive():
            stage.problems.append("12. a thread hangs")
            return
    client.close()
    stage.budget_left = budget.budget


WORLDS: Mapping[str, Callable[[Stage], None]] = {"asyncio": run_asyncio, "trio": run_trio, "sync": run_sync}


async def _simulated(stage: Stage) -> None:
    transport = _AsyncTransport(stage)
    clock = transport.precise

    async def provide() -> str:
        with stage.provider_called() as at:
            await clock.sleep_until(at)
            return stage.next_token()

    provider = None if stage.profile.provider is None else provide
    client: Any = PlatformClient(**stage.options(), transport=transport, token_provider=provider)
    client._wiring.budget = budget = BudgetHolder(stage.budget)
    leavers = [call for call in stage.profile.calls if call.leaves_at]
    closes_at = stage.profile.closes_at
    stage.platform.together(len(stage.profile.calls) + len(leavers) + (closes_at is not None))
    with anyio.move_on_after(HANGS_SECONDS) as hanging:
        async with anyio.create_task_group() as tasks:
            callers = {call.index: _Caller(stage, client, clock, call) for call in stage.profile.calls}
            for caller in callers.values():
                tasks.start_soon(caller.call)
            for call in leavers:
                tasks.start_soon(callers[call.index].leave)
            if closes_at is not None:
                tasks.start_soon(_aclose, stage, client, clock, callers)
    if hanging.cancelled_caught:
        stage.problems.append("12. a task hangs")
    await client.close()
    stage.budget_left = budget.budget


class _Caller:
    """One call in a task, and whoever makes it leave."""

    def __init__(self, stage: Stage, client: PlatformClient, clock: VirtualClock, call: Call) -> None:
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
        stage.ends[call.index] = End(left=True)
        try:
            with _leavable() as self._leave:
                try:
                    stage.ends[call.index] = End(await stage.invoked(self._client, call))
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is looked at in the end
                    stage.ends[call.index] = End(error=error)
        finally:
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


async def _aclose(stage: Stage, client: PlatformClient, clock: VirtualClock, callers: Mapping[int, _Caller]) -> None:
    with clock.run():
        assert stage.profile.closes_at is not None
        await clock.sleep_until(stage.profile.closes_at)
        stage.closed = True
        await client.close()
        for shadow in stage.shadows:
            if shadow.seen and not callers[shadow.call.index].ended.is_set():
                await callers[shadow.call.index].ended.wait()


class _AsyncTransport:
    """The fake's, with a clock for the driver that may wake late, and a count of what is under way."""

    name = "fake"

    def __init__(self, stage: Stage) -> None:
        self.precise = VirtualClock(stage.time)
        self.clock = LateClock(stage.time, stage.profile.lateness_seconds)
        self._stage = stage
        self._inner = FakeTransport(stage.platform, self.precise)

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        self._stage.open_sends += 1
        try:
            return await self._inner.send(request, credentials, deadline, limits, progress)
        finally:
            self._stage.open_sends -= 1

    async def aclose(self) -> None:
        await self._inner.aclose()


class _SyncTransport:
    """The same for threads."""

    name = "fake"

    def __init__(self, stage: Stage, leaves: dict[int, list[float]]) -> None:
        self.precise = LeavingClock(stage.time, 0.0, leaves)
        self.clock = LeavingClock(stage.time, stage.profile.lateness_seconds, leaves)
        self._stage = stage
        self._inner = FakeSyncTransport(stage.platform, self.precise)

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        self._stage.open_sends += 1
        try:
            return self._inner.send(request, credentials, deadline, limits, progress)
        finally:
            self._stage.open_sends -= 1

    def close(self) -> None:
        self._inner.close()


def _provider(stage: Stage, clock: LeavingClock) -> Callable[[], str] | None:
    if stage.profile.provider is None:
        return None

    def provide() -> str:
        with stage.provider_called() as at:
            clock.sleep_until(at)
            return stage.next_token()

    return provide


def _threaded(
    stage: Stage, client: SyncPlatformClient, clock: LeavingClock, leaves: dict[int, list[float]], call: Call
) -> Callable[[], None]:
    def work() -> None:
        if call.starts_at:
            with clock.run():
                clock.sleep_until(call.starts_at)
                stage.platform.together(not stage.closed)
        seeds.set(seeds_of(call))
        leaves[threading.get_ident()] = list(call.leaves_at)
        try:
            stage.ends[call.index] = End(stage.invoked(client, call))
        except Exception as error:  # noqa: BLE001 -- as in a task
            stage.ends[call.index] = End(error=error)
        except KeyboardInterrupt:
            stage.ends[call.index] = End(left=True)
        finally:
            leaves.pop(threading.get_ident(), None)

    return work


def _close(stage: Stage, client: SyncPlatformClient, clock: LeavingClock) -> None:
    with clock.run():
        assert stage.profile.closes_at is not None
        clock.sleep_until(stage.profile.closes_at)
        stage.closed = True
        client.close()
