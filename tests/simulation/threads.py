"""A profile in threads."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from flow_sdk import SyncPlatformClient
from platform_core.errors import PlatformClientError
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.contract import Credentials, Progress, SyncClock
from platform_transports.fake import FakeSyncTransport
from platform_transports.journal import Journal
from platform_transports.tokens import Denied, Granted, SyncTokens

from .clocks import LeavingClock
from .handles import End
from .parties import Party
from .stage import HANGS_SECONDS, Stage, end_of, seeds, seeds_of
from .swarm import Call


def run_threads(stage: Stage) -> None:
    """Each call in a thread of its own, with whoever goes on with its execution."""
    threads = _Threads(stage)
    profile, callers = stage.profile, threads.callers
    works: list[Callable[[], None]] = [callers[call.index].chain for call in profile.calls if call.of is None]
    if profile.row and not profile.row_of_handles:
        works = [partial(threads.row, threads.client, stage.first)]
    if profile.closes_at is not None:
        works.append(threads.close)
    if profile.crashes_at is not None:
        works.append(threads.crash)
    stage.platform.together(len(works))
    if profile.row_of_handles:
        works.append(threads.row_of_handles)
    running = [threading.Thread(target=work, name=f"{number}", daemon=True) for number, work in enumerate(works)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(HANGS_SECONDS)
        if thread.is_alive():
            stage.problems.append("12. a thread hangs")
            return
    threads.client.close()


class _Threads:
    """What all threads of a run share."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.leaves: dict[int, list[float]] = {}
        """When whoever calls in this thread goes away."""
        self.clock = LeavingClock(stage.time, 0.0, self.leaves)
        self.client = self.new_client(stage.first)
        self.callers = [_Caller(self, call) for call in stage.profile.calls]

    def new_client(self, party: Party) -> Any:
        """The client of this party."""
        stage, clock = self.stage, self.clock

        def provide() -> str:
            with party.provider_called() as asked:
                clock.sleep_until(asked.at)
                return asked.token()

        provider = None if stage.profile.provider is None else provide
        client: Any = SyncPlatformClient(**party.options(), transport=_Transport(stage, party, clock, self.leaves), token_provider=provider)
        client._wiring.budget = party.holder
        client._tokens = _Tokens(client._wiring.token, provider)
        return client

    def row(self, client: Any, party: Party) -> None:
        """Many calls at once, in one row."""
        stage = self.stage
        seeds.set(stage.seeds_of_row())
        try:
            for handle, end in client.await_all(stage.begin_row(party), concurrency=1):
                stage.end_of_row(handle, end)
        except PlatformClientError as error:
            stage.problems.append(f"12. the row raises what is the end of one run: {type(error).__name__}")

    def row_of_handles(self) -> None:
        """Await in another client what all calls have left, once they have ended."""
        stage = self.stage
        for caller in self.callers:
            if caller.call.of is None:
                caller.ended.wait(HANGS_SECONDS)
        with self.clock.run():
            self.clock.sleep_until(stage.platform.now + stage.profile.calls[-1].starts_at)
            party = stage.new_party(len(stage.profile.calls))
            client = self.new_client(party)
            stage.platform.together(bool(stage.row()))
        self.row(client, party)
        client.close()

    def close(self) -> None:
        """Close the first client."""
        stage = self.stage
        with self.clock.run():
            assert stage.profile.closes_at is not None
            self.clock.sleep_until(stage.profile.closes_at)
            stage.first.closed_at = stage.platform.now
            self.client.close()

    def crash(self) -> None:
        """As among tasks, but the thread of the dead process still sleeps."""
        stage = self.stage
        with self.clock.run():
            assert stage.profile.crashes_at is not None
            self.clock.sleep_until(stage.profile.crashes_at)
            shadow = stage.under_way()
            if shadow is None:
                return
            caller = self.callers[shadow.call.index]
            path = stage.crash(shadow)
            caller.client.close()
            following = stage.profile.next_of(caller.call)
            if path is not None or following is not None:
                stage.platform.together(1)
        if path is not None:
            second = self.new_client(shadow.party)
            with Journal(path, sync="never") as journal:
                for _, end in second.recover(journal):
                    stage.end(shadow.call, end_of(end), shadow.party)
            second.close()
        if following is not None:
            self.callers[following.index].go_on()


class _Caller:
    """One call in a thread."""

    def __init__(self, threads: _Threads, call: Call) -> None:
        self.call = call
        self.client: Any = None
        self.party = threads.stage.first
        self.ended = threading.Event()
        self._threads = threads

    def chain(self) -> None:
        """The call, and who goes on with its execution, one after the other, each in a client of its own."""
        stage = self._threads.stage
        self.make(self._threads.client, stage.first)
        following = stage.profile.next_of(self.call)
        if following is not None and not self.party.is_dead:
            self._threads.callers[following.index].go_on()

    def go_on(self) -> None:
        """By the handle that the call before this one has left."""
        stage, clock = self._threads.stage, self._threads.clock
        with clock.run():
            clock.sleep_until(stage.platform.now + self.call.starts_at)
            is_possible = stage.handles.of(self.call) is not None
            if is_possible:
                stage.platform.together(1)
        if not is_possible:
            return
        party = stage.new_party(self.call.index)
        client = self._threads.new_client(party)
        self.make(client, party)
        client.close()
        following = stage.profile.next_of(self.call)
        if following is not None and not party.is_dead:
            self._threads.callers[following.index].go_on()

    def make(self, client: Any, party: Party) -> None:
        """Wait until it is time, call, and keep how that ends."""
        stage, clock, call, leaves = self._threads.stage, self._threads.clock, self.call, self._threads.leaves
        self.client, self.party = client, party
        if call.of is None and call.starts_at:
            with clock.run():
                clock.sleep_until(call.starts_at)
                stage.platform.together(party.closed_at is None or stage.profile.next_of(call) is not None)
        seeds.set(seeds_of(call))
        stage.begin(call, party)
        since = stage.platform.now if call.of is not None else 0.0
        leaves[threading.get_ident()] = [since + at for at in call.leaves_at]
        end = End(left=True)
        try:
            end = End(stage.invoked(client, call))
        except Exception as error:  # noqa: BLE001 -- as in a task
            end = End(error=error)
        except KeyboardInterrupt:
            pass
        finally:
            leaves.pop(threading.get_ident(), None)
            stage.end(call, end, party)
            self.ended.set()


class _Tokens(SyncTokens):
    """Threads that ask for a token at once, or were waiting for the same one, go on one at a time, in the same order each time."""

    def refresh(self, rejected: int | None, deadline: float, clock: SyncClock) -> Granted | Denied:
        _take_turn(clock)
        return super().refresh(rejected, deadline, clock)

    def _wait(self, call: Any, deadline: float, clock: SyncClock) -> bool:
        ended = super()._wait(call, deadline, clock)
        _take_turn(clock)
        return ended


def _take_turn(clock: SyncClock) -> None:
    assert isinstance(clock, LeavingClock)
    clock.take_turn(threading.current_thread().name)


class _Transport:
    """The fake's, with a clock for the driver that may wake late, and a count of what is under way."""

    name = "fake"

    def __init__(self, stage: Stage, party: Party, precise: LeavingClock, leaves: dict[int, list[float]]) -> None:
        self.clock = LeavingClock(stage.time, stage.profile.lateness_seconds, leaves)
        self._inner = FakeSyncTransport(stage.platform, precise)
        self._sending = party.sending()

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        with self._sending():
            return self._inner.send(request, credentials, deadline, limits, progress)

    def close(self) -> None:
        self._inner.close()
