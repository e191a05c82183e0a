"""A profile in threads."""

import threading
from collections.abc import Callable
from typing import Any

from flow_sdk import SyncPlatformClient
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.contract import Credentials, Progress, SyncClock
from platform_transports.fake import FakeSyncTransport
from platform_transports.journal import Journal
from platform_transports.tokens import Denied, Granted, SyncTokens

from .clocks import LeavingClock
from .stage import HANGS_SECONDS, End, Stage, seeds, seeds_of
from .swarm import Call


def run_threads(stage: Stage) -> None:
    """Each call in a thread of its own."""
    leaves: dict[int, list[float]] = {}
    clock = LeavingClock(stage.time, 0.0, leaves)
    client = _client(stage, clock, leaves)
    works: list[Callable[[], None]] = [_caller(stage, client, clock, leaves, call) for call in stage.profile.calls]
    if stage.profile.row:
        works = [lambda: _row(stage, client)]
    if stage.profile.closes_at is not None:
        works.append(lambda: _close(stage, client, clock))
    if stage.profile.crashes_at is not None:
        works.append(lambda: _crash(stage, client, clock, leaves))
    stage.platform.together(len(works))
    threads = [threading.Thread(target=work, name=f"{number}", daemon=True) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS_SECONDS)
        if thread.is_alive():
            stage.problems.append("12. a thread hangs")
            return
    client.close()


def _client(stage: Stage, clock: LeavingClock, leaves: dict[int, list[float]]) -> Any:
    def provide() -> str:
        with stage.provider_called() as asked:
            clock.sleep_until(asked.at)
            return asked.token()

    provider = None if stage.profile.provider is None else provide
    client: Any = SyncPlatformClient(**stage.options(), transport=_Transport(stage, clock, leaves), token_provider=provider)
    client._wiring.budget = stage.holder
    client._tokens = _Tokens(client._wiring.token, provider)
    return client


def _caller(stage: Stage, client: Any, clock: LeavingClock, leaves: dict[int, list[float]], call: Call) -> Callable[[], None]:
    def work() -> None:
        if call.starts_at:
            with clock.run():
                clock.sleep_until(call.starts_at)
                stage.platform.together(not stage.closed)
        seeds.set(seeds_of(call))
        leaves[threading.get_ident()] = list(call.leaves_at)
        life, end = stage.life, End(left=True)
        try:
            end = End(stage.invoked(client, call))
        except Exception as error:  # noqa: BLE001 -- as in a task
            end = End(error=error)
        except KeyboardInterrupt:
            pass
        finally:
            if life == stage.life:
                stage.ends[call.index] = end
            leaves.pop(threading.get_ident(), None)

    return work


def _row(stage: Stage, client: Any) -> None:
    seeds.set(stage.seeds_of_row())
    for handle, end in client.await_all(stage.ids_of_row(), concurrency=1):
        stage.end_of_row(handle, end)


def _close(stage: Stage, client: Any, clock: LeavingClock) -> None:
    with clock.run():
        assert stage.profile.closes_at is not None
        clock.sleep_until(stage.profile.closes_at)
        stage.closed = True
        client.close()


def _crash(stage: Stage, client: Any, clock: LeavingClock, leaves: dict[int, list[float]]) -> None:
    """The process dies with what its journal holds, and another one goes on with that, while the thread of the dead one still sleeps."""
    with clock.run():
        assert stage.profile.crashes_at is not None
        clock.sleep_until(stage.profile.crashes_at)
        if not stage.shadows[0].is_under_way:
            return
        path = stage.crash()
        client.close()
        second = _client(stage, clock, leaves)
        stage.platform.together(1)
    with Journal(path, sync="never") as journal:
        for _, end in second.recover(journal):
            stage.end_of_recovered(end)
    second.close()


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

    def __init__(self, stage: Stage, precise: LeavingClock, leaves: dict[int, list[float]]) -> None:
        self.clock = LeavingClock(stage.time, stage.profile.lateness_seconds, leaves)
        self._inner = FakeSyncTransport(stage.platform, precise)
        self._sending = stage.sending()

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        with self._sending():
            return self._inner.send(request, credentials, deadline, limits, progress)

    def close(self) -> None:
        self._inner.close()
