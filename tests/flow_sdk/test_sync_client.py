"""What is particular to the blocking client: interrupts, and many threads."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flow_sdk import Limits, PlatformClientError, SyncPlatformClient
from platform_core.actions import Authorize, Fate, Gone
from platform_core.execution import Submitting, Waiting
from platform_core.handles import OnAbandon
from platform_core.machine import Decision
from platform_emulator import Emulator
from platform_transports.fake import FakePlatform, FakeSyncTransport
from tests.support.patience import HANG_SECONDS
from tests.support.platform import ECHO, SLEEP, executions, heading, modelled

THREADS = 32
SLOTS = 8


def client_of(platform: Any, **arguments: Any) -> SyncPlatformClient:
    return SyncPlatformClient("https://platform.test", "a-token", env={}, transport=platform, **arguments)


class Interrupting:
    """Interrupts a run, as Ctrl-C would, when it first comes to this state; and keeps what became of it."""

    def __init__(self, state: type) -> None:
        self._state = state
        self.fates: list[Fate] = []

    def observer(self, decision: Decision) -> None:
        if isinstance(decision.after, self._state) and not isinstance(decision.before, self._state):
            raise KeyboardInterrupt
        if isinstance(decision.action, Gone):
            self.fates.append(decision.action.report.fate)


class TestInterrupts:
    @pytest.mark.parametrize(("on_abandon", "status", "fate"), [("cancel", "cancelled", Fate.CANCELLED), ("detach", "pending", Fate.LEFT)])
    def test_an_interrupt_cancels_the_execution_unless_detached(self, on_abandon: OnAbandon, status: str, fate: Fate) -> None:
        platform, interrupting = modelled(), Interrupting(Waiting)
        with client_of(platform, observers=[interrupting.observer]) as client, pytest.raises(KeyboardInterrupt) as caught:
            client.execute_code_block(SLEEP, {"seconds": 1000}, on_abandon=on_abandon)
        assert interrupting.fates == [fate]
        (execution,) = executions(platform)
        assert execution.status == status
        assert execution.execution_id in caught.value.__notes__[0]
        assert platform.now < 5

    def test_an_interrupt_before_anything_was_sent_sends_nothing(self) -> None:
        platform, interrupting = modelled(), Interrupting(Submitting)
        with client_of(platform, observers=[interrupting.observer]) as client, pytest.raises(KeyboardInterrupt):
            client.execute_code_block(ECHO)
        assert (platform.requests, interrupting.fates) == ([], [Fate.NEVER_STARTED])

    def test_an_interrupt_of_a_watcher_cancels_nothing(self) -> None:
        platform, interrupting = modelled(), Interrupting(Waiting)
        with client_of(platform, observers=[interrupting.observer]) as client:
            record = client.submit_code_block_execution(SLEEP, {"seconds": 1000})
            with pytest.raises(KeyboardInterrupt):
                client.await_execution_result(record["execution_id"])
            assert client.get_execution_status(record["execution_id"])["status"] in {"pending", "running"}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as platform:
        yield platform


class TestThreads:
    def test_they_share_one_transport_also_where_both_make_the_first_call(self) -> None:
        made: list[FakeSyncTransport] = []
        both = threading.Event()

        class Making(FakePlatform):
            def synchronous(self) -> FakeSyncTransport:
                if made:
                    both.set()
                made.append(super().synchronous())
                both.wait(0.1)  # for another thread that must not come
                return made[-1]

        client = client_of(Making(model=modelled().model))
        with ThreadPoolExecutor(2) as threads:
            calls = [threads.submit(client.request, "GET", "/api/v1/tenants/orgs") for _ in range(2)]
            assert all(call.result() for call in calls)
        assert len(made) == 1

    def test_closing_ends_the_wait_for_another_threads_token(self) -> None:
        asked, answer, waits = threading.Event(), threading.Event(), threading.Event()

        def provider() -> str:
            asked.set()
            answer.wait(HANG_SECONDS)
            return "late"

        def observer(decision: Decision) -> None:
            if isinstance(decision.action, Authorize) and asked.is_set():
                waits.set()

        client = SyncPlatformClient("https://platform.test", env={}, transport=modelled(), token_provider=provider, observers=[observer])
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(client.execute_code_block, ECHO)
            asked.wait(HANG_SECONDS)
            second = threads.submit(client.execute_code_block, ECHO)
            waits.wait(HANG_SECONDS)
            client.close()
            ended = second.exception(HANG_SECONDS)
            answer.set()
            ends = [ended, first.exception(HANG_SECONDS)]
        assert [type(end) for end in ends] == [PlatformClientError] * 2
        assert all("closed while" in str(end) for end in ends)

    def test_each_gets_its_own_answers_over_few_connections(self, emulator: Emulator) -> None:
        client = SyncPlatformClient(emulator.url, emulator.token, limits=Limits(connections_max=SLOTS), env={})
        with client, ThreadPoolExecutor(THREADS) as threads:
            futures = [threads.submit(client.execute_code_block, ECHO, {"n": n}) for n in range(3 * THREADS)]
        assert [future.result().get("result") for future in futures] == [{"n": n} for n in range(3 * THREADS)]

    def test_keys_and_request_ids_are_each_threads_own(self) -> None:
        platform = modelled()
        with client_of(platform) as client, ThreadPoolExecutor(THREADS) as threads:
            futures = [threads.submit(client.submit_code_block_execution, ECHO, {"n": n}) for n in range(THREADS)]
        assert len({future.result()["execution_id"] for future in futures}) == THREADS
        assert len(set(heading(platform, "Idempotency-Key"))) == THREADS
        assert len(set(heading(platform, "X-Request-ID"))) == THREADS


def test_an_exception_in_the_context_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), client_of(modelled()):
        raise ZeroDivisionError
