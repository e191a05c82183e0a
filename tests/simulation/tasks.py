"""A profile in tasks, of asyncio or of trio."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import anyio

from flow_sdk import PlatformClient
from platform_core.errors import PlatformClientError
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.clock import is_asyncio
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakeTransport
from platform_transports.journal import Journal
from platform_transports.virtual_time import VirtualClock

from .clocks import LateClock
from .handles import End
from .parties import Party
from .stage import HANGS_SECONDS, Stage, end_of, seeds, seeds_of
from .swarm import Call


def run_asyncio(stage: Stage) -> None:
    """In tasks of asyncio."""
    anyio.run(_simulated, stage, backend="asyncio")


def run_trio(stage: Stage) -> None:
    """In tasks of trio."""
    anyio.run(_simulated, stage, backend="trio")


async def _simulated(stage: Stage) -> None:
    profile, clock = stage.profile, VirtualClock(stage.time)
    client = _client(stage, clock, stage.first)
    callers = [_Caller(stage, clock, call) for call in profile.calls]
    heads = [caller for caller in callers if caller.call.of is None]
    row = _Row(stage, clock)
    works: list[Callable[[], Any]] = [partial(_chain, stage, clock, callers, caller, client) for caller in heads]
    if profile.row and not profile.row_of_handles:
        works = [partial(row.wait, client, stage.first)]
    works += [caller.leave for caller in heads if caller.call.leaves_at]
    if profile.closes_at is not None:
        ended = {caller.call.index: row.ended if profile.row and not profile.row_of_handles else caller.ended for caller in heads}
        works.append(partial(_close, stage, client, clock, ended))
    if profile.crashes_at is not None:
        works.append(partial(_crash, stage, clock, callers))
    stage.platform.together(len(works))
    # These begin when what they wait for has ended.
    works += [caller.leave for caller in callers if caller.call.of is not None and caller.call.leaves_at]
    if profile.row_of_handles:
        works.append(partial(row.wait_for_handles, [caller.ended for caller in heads]))
    with anyio.move_on_after(HANGS_SECONDS) as hanging:
        async with anyio.create_task_group() as tasks:
            for work in works:
                tasks.start_soon(work)
    if hanging.cancelled_caught:
        stage.problems.append("12. a task hangs")
    await client.close()


def _client(stage: Stage, clock: VirtualClock, party: Party) -> Any:
    async def provide() -> str:
        with party.provider_called() as asked:
            await clock.sleep_until(asked.at)
            return asked.token()

    provider = None if stage.profile.provider is None else provide
    client: Any = PlatformClient(**party.options(), transport=_Transport(stage, party, clock), token_provider=provider)
    client._wiring.budget = party.holder
    return client


async def _chain(stage: Stage, clock: VirtualClock, callers: "Sequence[_Caller]", caller: "_Caller", client: Any) -> None:
    """A call, and who goes on with its execution, one after the other, each in a client of its own."""
    await caller.make(client, stage.first)
    following = stage.profile.next_of(caller.call)
    if following is not None and not caller.party.is_dead:
        await _go_on(stage, clock, callers, callers[following.index])


async def _go_on(stage: Stage, clock: VirtualClock, callers: "Sequence[_Caller]", caller: "_Caller") -> None:
    following: Call | None = caller.call
    while following is not None:
        caller = callers[following.index]
        with clock.run():
            await clock.sleep_until(stage.platform.now + following.starts_at)
            is_possible = stage.handles.of(following) is not None
            if is_possible:
                stage.platform.together(1 + bool(following.leaves_at))
        if not is_possible:
            break
        party = stage.new_party(following.index)
        client = _client(stage, clock, party)
        await caller.make(client, party)
        await client.close()
        if party.is_dead:
            return
        following = stage.profile.next_of(following)
    _give_up(stage, callers, following)


def _give_up(stage: Stage, callers: "Sequence[_Caller]", following: Call | None) -> None:
    """Nobody goes on by a handle that was not left."""
    while following is not None:
        callers[following.index].give_up()
        following = stage.profile.next_of(following)


class _Caller:
    """One call in a task, and whoever makes it leave."""

    def __init__(self, stage: Stage, clock: VirtualClock, call: Call) -> None:
        self.call = call
        self.client: Any = None
        self.party = stage.first
        self.ended = anyio.Event()
        self._stage = stage
        self._clock = clock
        self._leave: Callable[[], object] = lambda: None
        self._left = anyio.Event()
        self._begins = anyio.Event()
        self._since = 0.0
        if call.of is None:
            self._begins.set()

    def give_up(self) -> None:
        """It is never made."""
        self.ended.set()
        self._begins.set()

    async def make(self, client: Any, party: Party) -> None:
        """Wait until it is time, call, and keep how that ends."""
        stage, call = self._stage, self.call
        self.client, self.party = client, party
        if call.of is None and call.starts_at:
            with self._clock.run():
                await self._clock.sleep_until(call.starts_at)
                # From here to the run of the call itself, time is to stand still; a closed client does not run it.
                stage.platform.together(party.closed_at is None or stage.profile.next_of(call) is not None)
        seeds.set(seeds_of(call))
        stage.begin(call, party)
        self._since = stage.platform.now if call.of is not None else 0.0
        self._begins.set()
        end = End(left=True)
        try:
            with _leavable() as self._leave:
                try:
                    end = End(await stage.invoked(client, call))
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is looked at in the end
                    end = End(error=error)
        finally:
            stage.end(call, end, party)
            self.ended.set()
            self._left.set()

    async def leave(self) -> None:
        """Make it leave at its times; a second time where a task can be cancelled twice, which trio's cannot."""
        await self._begins.wait()
        if self.ended.is_set() and self.call.of is not None:
            return
        with self._clock.run():
            for number, at in enumerate(self.call.leaves_at):
                await self._clock.sleep_until(self._since + at)
                if self.ended.is_set() or (number and not is_asyncio()):
                    return
                self._left = anyio.Event()
                self._stage.shadows[self.call.index].on_left = self._left.set
                self._leave()
                await self._left.wait()


class _Row:
    """Many calls at once, in one row. In a single task, since which of several takes which run is for the event loop to say."""

    def __init__(self, stage: Stage, clock: VirtualClock) -> None:
        self._stage = stage
        self._clock = clock
        self.ended = anyio.Event()

    async def wait_for_handles(self, ended: Iterable[anyio.Event]) -> None:
        """Await in another client what all these calls have left, once they have ended."""
        for each in ended:
            await each.wait()
        stage = self._stage
        with self._clock.run():
            await self._clock.sleep_until(stage.platform.now + stage.profile.calls[-1].starts_at)
            party = stage.new_party(len(stage.profile.calls))
            client = _client(stage, self._clock, party)
            stage.platform.together(bool(stage.row()))
        await self.wait(client, party)
        await client.close()

    async def wait(self, client: Any, party: Party) -> None:
        """Await all of them, and keep how each ends."""
        stage = self._stage
        seeds.set(stage.seeds_of_row())
        try:
            async for handle, end in client.await_all(stage.begin_row(party), concurrency=1):
                stage.end_of_row(handle, end)
        except PlatformClientError as error:
            stage.problems.append(f"12. the row raises what is the end of one run: {type(error).__name__}")
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
        stage.first.closed_at = stage.platform.now
        await client.close()
        for index, each in ended.items():
            if stage.shadows[index].seen:
                await each.wait()


async def _crash(stage: Stage, clock: VirtualClock, callers: "Sequence[_Caller]") -> None:
    """The process dies with what its journal holds, or with the handles that were stored, and another one goes on with that."""
    with clock.run():
        assert stage.profile.crashes_at is not None
        await clock.sleep_until(stage.profile.crashes_at)
        shadow = stage.under_way()
        if shadow is None:
            return
        caller = callers[shadow.call.index]
        path = stage.crash(shadow)
        await caller.client.close()
        await caller.ended.wait()
        following = stage.profile.next_of(caller.call)
        if path is not None or following is not None:
            stage.platform.together(1)
    if path is not None:
        second = _client(stage, clock, shadow.party)
        with Journal(path, sync="never") as journal:
            async for _, end in second.recover(journal):
                stage.end(shadow.call, end_of(end), shadow.party)
        await second.close()
    if following is not None:
        await _go_on(stage, clock, callers, callers[following.index])


class _Transport:
    """The fake's, with a clock for the driver that may wake late, and a count of what is under way."""

    name = "fake"

    def __init__(self, stage: Stage, party: Party, precise: VirtualClock) -> None:
        self.clock = LateClock(stage.time, stage.profile.lateness_seconds)
        self._inner = FakeTransport(stage.platform, precise)
        self._sending = party.sending()

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        with self._sending():
            return await self._inner.send(request, credentials, deadline, limits, progress)

    async def aclose(self) -> None:
        await self._inner.aclose()
