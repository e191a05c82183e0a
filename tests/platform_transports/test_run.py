"""What observers are told, and what a run answers with."""

import itertools
from typing import Any
from uuid import UUID

import pytest

from platform_core.actions import Done, Raise, Send, Sleep
from platform_core.errors import PlatformClientError, PlatformTimeoutError
from platform_core.machine import Decision
from platform_core.messages import OutgoingRequest, Request, Response
from platform_core.operations import await_execution
from platform_core.outcomes import Started
from platform_transports.budget import BudgetHolder
from platform_transports.fake import Lose, json_response
from platform_transports.run import Run
from tests.support.driven import CONFIG, Told, drive, drive_sync, get, platform, seed, sleeping

OK = json_response(200, {"ok": True})


def check_told(events: list[Any]) -> None:
    decisions = [event for event in events if isinstance(event, Decision)]
    assert decisions[0].outcome == Started(0.0)
    assert isinstance(decisions[-1].action, Done)
    assert all(decision.operation_id == seed(0) for decision in decisions)
    for before, after in itertools.pairwise(decisions):
        assert after.before is before.after
    for position, event in enumerate(events):  # each request is received right after the decision to send it was told
        if not isinstance(event, Decision):
            told = events[position - 1]
            assert isinstance(told, Decision)
            assert isinstance(told.action, Send)
            assert event == told.action.request.target
    assert sum(isinstance(decision.action, Send) for decision in decisions) == len(events) - len(decisions)


async def test_observers_are_told_of_each_decision_in_order_and_before_it_is_performed() -> None:
    events: list[Any] = []

    def script(request: Request) -> None:
        events.append(request.target)

    await drive(sleeping(1.0), platform(script), observers=[events.append])
    check_told(events)


def test_observers_are_told_before_it_is_performed_in_a_thread_too() -> None:
    events: list[Any] = []

    def script(request: Request) -> None:
        events.append(request.target)

    drive_sync(sleeping(1.0), platform(script), observers=[events.append])
    check_told(events)


EPOCH, SECONDS = next(
    (epoch / 1000, seconds) for epoch in range(1, 1000) for seconds in (3.3,) if (epoch / 1000 + seconds) - epoch / 1000 < seconds
)
"""A run that begins then, and ends so many seconds later by its own clock: by the sum of both it ends earlier."""


class Impatient:
    """An observer that leaves what goes on for ever."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def __call__(self, decision: Decision) -> None:
        self.decisions.append(decision)
        if len(self.decisions) > 500:
            raise KeyboardInterrupt


async def test_a_pause_that_rounds_to_just_before_the_deadline_ends_at_it() -> None:
    told, fake = Impatient(), platform(lambda _request: Lose())
    clock = fake.asynchronous().clock
    with clock.run():
        await clock.sleep_until(EPOCH)
    with pytest.raises(PlatformTimeoutError):
        await drive(await_execution(UUID(int=1), SECONDS, seed=seed(0)), fake, observers=[told])
    assert len(told.decisions) < 100


def test_a_pause_that_rounds_to_just_before_the_deadline_ends_at_it_in_a_thread_too() -> None:
    told, fake = Impatient(), platform(lambda _request: Lose())
    fake.synchronous().clock.sleep_until(EPOCH)
    with pytest.raises(PlatformTimeoutError):
        drive_sync(await_execution(UUID(int=1), SECONDS, seed=seed(0)), fake, observers=[told])
    assert len(told.decisions) < 100


def test_a_decision_is_frozen() -> None:
    told = Told()
    drive_sync(get(), platform((OK,)), observers=[told])
    with pytest.raises(AttributeError):
        told.decisions[0].action = None  # type: ignore[misc,assignment] # pyright: ignore[reportAttributeAccessIssue]


def test_an_observer_that_fails_is_reported_once_and_dropped_while_the_others_go_on() -> None:
    calls: list[Decision] = []

    def failing(decision: Decision) -> None:
        calls.append(decision)
        raise ZeroDivisionError("a bug in it")

    first, last = Told(), Told()
    with pytest.warns(RuntimeWarning, match="not called again in this run: ZeroDivisionError: a bug in it") as caught:
        assert drive_sync(sleeping(1.0), platform(), observers=[first, failing, last])["status"] == "completed"
    assert len(caught) == 1
    assert len(calls) == 1
    assert len(first.decisions) == len(last.decisions) > 5


async def test_an_observer_that_fails_in_a_task_is_dropped_too() -> None:
    def failing(decision: Decision) -> None:
        raise ZeroDivisionError

    told = Told()
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError") as caught:
        assert (await drive(sleeping(1.0), platform(), observers=[failing, told]))["status"] == "completed"
    assert len(caught) == 1
    assert len(told.decisions) > 5


def test_observers_that_fail_at_once_are_each_reported() -> None:
    def failing(decision: Decision) -> None:
        raise ZeroDivisionError

    def failing_too(decision: Decision) -> None:
        raise IndexError

    with pytest.warns(RuntimeWarning) as caught:
        drive_sync(get(), platform((OK,)), observers=[failing, failing_too])
    assert len(caught) == 2


@pytest.mark.filterwarnings("error")
def test_where_warnings_are_errors_the_warning_ends_the_run_like_an_interrupt() -> None:
    def failing(decision: Decision) -> None:
        if isinstance(decision.action, Sleep):
            raise ZeroDivisionError

    told = Told()
    with pytest.raises(RuntimeWarning) as raised:
        drive_sync(sleeping(1.0), platform(), observers=[failing, told])
    assert raised.value.__notes__ == [str(told.report)]
    assert str(told.report).endswith("was cancelled on the platform")


def test_an_observer_added_twice_is_told_twice() -> None:
    told = Told()
    drive_sync(get(), platform((OK,)), observers=[told, told])
    assert len(told.decisions) == 4


class StillClock:
    def now(self) -> float:
        return 100.0

    def sleep_until(self, at: float) -> None:
        raise AssertionError


def run(*observers: Any) -> Run[Any]:
    return Run(get(), StillClock(), CONFIG, "name", observers)


def test_a_run_that_has_not_ended_has_no_result() -> None:
    with pytest.raises(AssertionError, match="has not ended"):
        run().result(BudgetHolder())


def test_a_run_that_is_given_up_before_its_start_tells_that_nothing_was_started() -> None:
    told = Told()
    given_up = run(told)
    given_up.give_up(0.0)
    given_up.give_up(0.0)
    assert given_up.ended
    assert len(told.decisions) == 1
    with pytest.raises(PlatformClientError, match="nothing was started on the platform"):
        given_up.result(BudgetHolder())


def test_whom_an_interrupt_kept_from_being_told_is_told_later() -> None:
    told: list[str] = []

    def interrupted(decision: Decision) -> None:
        if not told:
            told.append("interrupted")
            raise KeyboardInterrupt

    def last(decision: Decision) -> None:
        told.append(type(decision.outcome).__name__)

    both = run(interrupted, last)
    with pytest.raises(KeyboardInterrupt):
        both.step(Started(0.0))
    both.give_up(0.0)
    assert told == ["interrupted", "Started", "Abandoned"]


def test_the_end_is_told_once_whoever_is_interrupted_in_it() -> None:
    told = Told()

    def interrupt(decision: Decision) -> None:
        if isinstance(decision.action, (Done, Raise)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive_sync(get(), platform((OK,)), observers=[interrupt, told])
    assert [type(action) for action in told.actions] == [Send, Done]


async def test_the_end_is_told_once_in_a_task_too() -> None:
    told = Told()

    def interrupt(decision: Decision) -> None:
        if isinstance(decision.action, Done):
            raise SystemExit

    with pytest.raises(SystemExit):
        await drive(get(), platform((OK,)), observers=[interrupt, told])
    assert [type(action) for action in told.actions] == [Send, Done]


def test_a_request_goes_out_whole() -> None:
    fake = platform((Response(204),))
    drive_sync(get("/api/v1/things"), fake)
    request = fake.requests[0]
    assert request.url == "https://platform.test/api/v1/things"
    assert request.headers.get("Accept-Encoding") == "identity"
    assert request.headers.get("Authorization") is None


class Propagating:
    """An observer that adds headers."""

    def __init__(self, *headers: dict[str, str]) -> None:
        self.asked: list[tuple[UUID, str]] = []
        self._headers = list(headers)

    def __call__(self, decision: Decision) -> None:
        pass

    def headers_for(self, operation_id: UUID, request: OutgoingRequest) -> dict[str, str]:
        self.asked.append((operation_id, request.url))
        return self._headers.pop(0)


class TestPropagation:
    def test_an_observer_may_add_headers_to_each_request_but_replace_none(self) -> None:
        observer, fake = Propagating({"traceparent": "one", "accept": "text/html"}, {"traceparent": "two"}), platform((Response(503), OK))
        drive_sync(get(), fake, observers=[observer])
        assert [request.headers.get("traceparent") for request in fake.requests] == ["one", "two"]
        assert [request.headers.get("Accept") for request in fake.requests] == ["application/json"] * 2
        assert observer.asked == [(seed(0), "https://platform.test/api/v1/things")] * 2

    async def test_it_may_in_a_task_too(self) -> None:
        observer, fake = Propagating({"traceparent": "one"}), platform((OK,))
        await drive(get(), fake, observers=[observer])
        assert fake.requests[0].headers.get("traceparent") == "one"

    @pytest.mark.parametrize("headers", [{"Authorization": "Bearer mine"}, {"a": "b\r\nc: d"}, {"two words": ""}])
    def test_one_that_does_it_wrongly_is_not_asked_again(self, headers: dict[str, str]) -> None:
        observer, fake = Propagating(headers), platform((Response(503), OK))
        with pytest.warns(RuntimeWarning, match="not asked for headers again in this run: ValueError: headers_for"):
            drive_sync(get(), fake, observers=[observer])
        assert len(observer.asked) == 1
        assert all(name.lower() not in {each.lower() for each in headers} for request in fake.requests for name, _ in request.headers)
