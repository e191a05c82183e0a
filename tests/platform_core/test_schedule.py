"""Who of many runs polls next, and when: in the order of due times, one by one, and not while the platform says wait."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from platform_core import operations
from platform_core.messages import Headers, Response
from platform_core.outcomes import Failed, FailureCause, Outcome, Received, Started
from platform_core.schedule import HOLD_SECONDS_MAX, POLLS_PER_SECOND_MAX, Due, Schedule, is_poll_pause
from tests.support.core import EXECUTION_ID, heard

BETWEEN = 1 / POLLS_PER_SECOND_MAX


def answered(status: int, **headers: str) -> Received:
    return Received(0.0, Response(status, Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items()))), 1)


def emptied(schedule: Schedule[int]) -> list[Due[int]]:
    found: list[Due[int]] = []
    while (due := schedule.take()) is not None:
        found.append(due)
    return found


class TestWhoIsNext:
    def test_whoever_is_due_first_and_else_whoever_was_put_back_first(self) -> None:
        schedule = Schedule[str]()
        for run, at in (("late", 3.0), ("first", 1.0), ("second", 1.0), ("middle", 2.0)):
            schedule.add(run, at)
        assert [schedule.take() for _ in range(4)] == [(1.0, "first"), (1.0, "second"), (2.0, "middle"), (3.0, "late")]
        assert schedule.take() is None

    def test_runs_that_cannot_be_compared_may_be_due_at_the_same_time(self) -> None:
        schedule = Schedule[object]()
        runs = [object(), object()]
        for run in runs:
            schedule.add(run, 0.0)
        assert [schedule.take(), schedule.take()] == [(0.0, run) for run in runs]

    @given(st.lists(st.floats(0, 10), min_size=4, max_size=30), st.lists(st.floats(0, 10), max_size=60))
    def test_who_puts_back_and_takes_leaves_nobody_due_before_those_who_are_waited_for(
        self, begun: list[float], later: list[float]
    ) -> None:
        schedule = Schedule[int]()
        for run, at in enumerate(begun):
            schedule.add(run, at)
        waited_for = [due for due in (schedule.take(), schedule.take(), schedule.take()) if due is not None]
        for number, pause in enumerate(later):
            worker = min(range(3), key=lambda index: waited_for[index].at)  # the one whose run is due goes on
            schedule.add(number, waited_for[worker].at + pause)
            taken = schedule.take()
            assert taken is not None
            waited_for[worker] = taken
            left = emptied(schedule)
            assert all(due.at >= each.at for due in left for each in waited_for)
            for due in left:
                schedule.add(due.run, due.at)

    @given(st.integers(1, 30), st.lists(st.floats(0.01, 1), min_size=1, max_size=30))
    def test_no_run_goes_twice_before_one_that_was_due_all_the_time(self, count: int, pauses: list[float]) -> None:
        schedule, now = Schedule[int](), 100.0
        for run in range(count):
            schedule.add(run, 0.0)
        order: list[int] = []
        for number in range(2 * count):
            due = schedule.take()
            assert due is not None
            order.append(due.run)
            schedule.add(due.run, now + pauses[number % len(pauses)])
        assert sorted(order[:count]) == list(range(count))


class TestThePace:
    def test_those_who_ask_together_go_one_by_one(self) -> None:
        schedule = Schedule[str](polls_per_second_max=10)
        assert [round(schedule.turn(5.0), 9) for _ in range(4)] == [5.0, 5.1, 5.2, 5.3]

    def test_who_asks_late_goes_at_once_and_what_was_not_used_is_not_made_up_for(self) -> None:
        schedule = Schedule[str](polls_per_second_max=10)
        assert schedule.turn(0.0) == 0.0
        assert schedule.turn(60.0) == 60.0
        assert schedule.turn(60.0) == 60.1

    @given(st.lists(st.floats(0, 3), min_size=2, max_size=200))
    def test_there_are_never_more_in_a_second_than_the_limit(self, pauses: list[float]) -> None:
        schedule, at, turns = Schedule[str](polls_per_second_max=20), 0.0, list[float]()
        for pause in pauses:
            at += pause if pause > 1 else 0.0
            turns.append(schedule.turn(at))
        assert all(later - earlier > 0.049 for earlier, later in pairwise(turns))


class TestTooManyRequests:
    def test_all_wait_for_as_long_as_the_platform_asks_one_of_them_to(self) -> None:
        schedule = Schedule[str]()
        schedule.heard(answered(429, Retry_After="7"), 10.0)
        assert schedule.turn(11.0) == 17.0
        assert schedule.turn(11.0) == 17.0 + BETWEEN

    def test_no_longer_than_a_poll_may_take(self) -> None:
        schedule = Schedule[str]()
        schedule.heard(answered(429, Retry_After="86400"), 10.0)
        assert schedule.turn(10.0) == 10.0 + HOLD_SECONDS_MAX

    def test_what_was_asked_before_is_not_shortened(self) -> None:
        schedule = Schedule[str]()
        schedule.heard(answered(429, Retry_After="20"), 0.0)
        schedule.heard(answered(429, Retry_After="1"), 0.0)
        assert schedule.turn(0.0) == 20.0

    def test_what_speaks_of_one_execution_alone_holds_up_no_other(self) -> None:
        others: list[Outcome | None] = [
            answered(429),
            answered(503, Retry_After="7"),
            answered(200, Retry_After="7"),
            Failed(0.0, FailureCause.CONNECT, "no"),
            None,
        ]
        for outcome in others:
            schedule = Schedule[str]()
            schedule.heard(outcome, 10.0)
            assert schedule.turn(10.0) == 10.0, outcome


def test_only_the_pause_between_two_polls_is_one_in_which_another_run_may_go_on() -> None:
    ready = operations.await_execution(EXECUTION_ID, seed=UUID(int=1))
    polling, send = ready.step(Started(0.0))
    waiting, sleep = polling.step(heard(0.1, "running"))
    assert not is_poll_pause(polling, send)
    assert is_poll_pause(waiting, sleep)
    call, _ = operations.request("GET", "/api/v1/things", seed=UUID(int=2)).step(Started(0.0))
    pausing, sleep = call.step(Failed(0.1, FailureCause.CONNECT, "no"))
    assert not is_poll_pause(pausing, sleep)
