"""A storm over each native transport, and whether a storm notices what it is there to notice."""

import threading
import time

import pytest

from benchmarks.echo_server import echo_server
from benchmarks.storm import Plan, Result, Storm, storm_in_threads
from benchmarks.storms import TRANSPORTS
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, Progress, SyncFlow, TransportError
from platform_transports.sync import BlockingTransport

PLAN = Plan(seed=5, calls=1500, seconds_max=60.0)
SMALL = PLAN._replace(calls=100, at_a_time=8, slots=4)


@pytest.mark.parametrize("name", TRANSPORTS["native"])
def test_a_native_transport_loses_nothing_in_a_storm(name: str) -> None:
    result = TRANSPORTS["native"][name].storm(PLAN)
    assert result.is_clean(PLAN), str(result)
    assert result.cut_unsent + result.cut_sent > PLAN.calls * 0.2
    assert result.cut_sent > 0


class Mixing(BlockingTransport):
    """Answers now and then with what the call before it should have got."""

    before = Response(200)

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        response = super().send(request, credentials, deadline, limits, progress, flow)
        self.before, before = response, self.before
        return response if request.url.endswith("stats") or b"-9" not in response.body else response._replace(body=before.body)


class Leaking(BlockingTransport):
    """Has one slot fewer after the first call that is cut off."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.slots = threading.Semaphore(limits.connections_max)
        self.has_leaked = False

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        if not self.slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TransportError(FailureCause.TIMEOUT, "no")
        try:
            response = super().send(request, credentials, deadline, limits, progress, flow)
        except TransportError:
            if self.has_leaked:
                self.slots.release()
            self.has_leaked = True
            raise
        self.slots.release()
        return response


class Failing(BlockingTransport):
    """Does not know its calls any more."""

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        if "gate" not in request.url:
            raise TransportError(FailureCause.CONNECT, "no")
        return super().send(request, credentials, deadline, limits, progress, flow)


class LeavingOpen(BlockingTransport):
    """Closes nothing."""

    def close(self) -> None: ...


def storm_on(transport: BlockingTransport) -> Result:
    with echo_server() as url:
        result = storm_in_threads(transport, url, SMALL)
        BlockingTransport.close(transport)
    return result


def test_an_answer_to_another_request_is_noticed() -> None:
    result = storm_on(Mixing(SMALL.limits))
    assert result.mixed_up > 0
    assert not result.is_clean(SMALL)


def test_a_lost_slot_is_noticed() -> None:
    result = storm_on(Leaking(SMALL.limits))
    assert result.slots_left == SMALL.slots - 1
    assert not result.is_clean(SMALL)


def test_calls_that_fail_are_noticed() -> None:
    result = storm_on(Failing(SMALL.limits))
    assert result.failed == {FailureCause.CONNECT: SMALL.calls}
    assert not result.is_clean(SMALL)


def test_a_connection_that_is_left_open_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.storm.GATE_SECONDS_MAX", 1.0)
    result = storm_on(LeavingOpen(SMALL.limits))
    assert result.left_open > 0
    assert not result.is_clean(SMALL)


@pytest.mark.parametrize("name", ["native on asyncio", "native in threads"])
def test_a_storm_that_lasts_for_too_long_is_given_up(name: str) -> None:
    plan = PLAN._replace(calls=1_000_000, seconds_max=0.2)
    result = TRANSPORTS["native"][name].storm(plan)
    assert 0 < result.answered < plan.calls
    assert (result.slots_left, result.left_open) == (plan.slots, 0)
    assert not result.is_clean(plan)


def test_the_same_seed_cuts_off_the_same_calls_and_about_a_third_of_them() -> None:
    cut = [[number for number in range(3000) if Storm("http://x.test", PLAN).cut_seconds(number) is not None] for _ in range(2)]
    assert cut[0] == cut[1]
    assert 900 < len(cut[0]) < 1100
