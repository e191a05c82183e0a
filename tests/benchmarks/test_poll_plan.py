"""The figures of docs/poll_plan.md: what they are of, and that they cannot be better than can be."""

import random
from pathlib import Path

import pytest

from benchmarks import poll_plan
from benchmarks.poll_courses import (
    LONGEST_SECONDS,
    PEERS,
    SHORTEST_SECONDS,
    Bounds,
    Plan,
    course,
    durations,
    figures,
    fixed,
    growing,
    jittered,
)
from benchmarks.poll_courses import optimum_delay_seconds as optimum
from benchmarks.poll_plan import DEFAULT, PAGE, main, rows, table
from benchmarks.poll_plot import write_plot


def test_durations_are_spread_evenly_in_their_logarithm() -> None:
    ends = durations(3)
    assert ends[1] == pytest.approx((SHORTEST_SECONDS * LONGEST_SECONDS) ** 0.5)
    assert ends[0] / SHORTEST_SECONDS == pytest.approx(LONGEST_SECONDS / ends[2])


def test_a_fixed_pause_is_late_by_what_is_left_of_it() -> None:
    assert figures(fixed(1.0), [0.25, 1.0, 1.5], 2) == pytest.approx((4 / 3, 1.25 / 3, 0.75, (3.0 + 0.0 + 1 / 3) / 3, 3.0))


def test_a_growing_pause_stops_at_its_cap_however_long_it_runs() -> None:
    plan = growing(1.0, 1.5, 20.0)
    assert [plan(0.0, polls, random.Random(0)) for polls in (0, 1, 2, 10**6)] == [1.0, 1.5, 2.25, 20.0]
    assert 0.0 <= jittered(plan)(0.0, 10**6, random.Random(0)) < 20.0


def test_a_course_is_the_same_for_the_same_seed_and_reaches_the_longest_duration() -> None:
    assert course(DEFAULT.pause, 1) == course(DEFAULT.pause, 1) != course(DEFAULT.pause, 2)
    assert course(DEFAULT.pause, 1)[-1] >= LONGEST_SECONDS


@pytest.mark.parametrize("plan", [DEFAULT.pause, *PEERS.values()], ids=["ours", *PEERS])
def test_no_plan_is_heard_of_earlier_than_the_optimum_for_its_polls(plan: Plan) -> None:
    found = figures(plan, durations(500), 3)
    assert optimum(found.polls) < found.delay_mean < found.delay_max


def test_the_page_has_the_table_that_the_code_gives() -> None:
    assert table(rows(count=1000, courses=10)) in PAGE.read_text(encoding="utf-8"), "run make poll-plan"


def test_an_aim_that_is_missed_ends_the_command_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    too_dear = Bounds(0.01, 0.01, 0.01)
    monkeypatch.setattr(poll_plan, "candidates", lambda: [too_dear])
    assert main(["--dry"]) == 1
    assert capsys.readouterr().out.endswith("for no more polls: no\n")


def test_the_plot_is_the_same_whenever_the_plans_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_plot(tmp_path / name / "plot.svg", {"ours": DEFAULT.pause})
    assert (tmp_path / "a" / "plot.svg").read_bytes() == (tmp_path / "b" / "plot.svg").read_bytes()
