"""A process that is killed at the worst moments, and one that goes on with its journal: some cases of `make crash`, over real HTTP."""

from pathlib import Path

import pytest

from tools.crash_process import World
from tools.crash_sweep import PERFORMED, ROWS, STORED, UNSTORED, Row, found

CASES: tuple[tuple[str, str, World], ...] = (
    ("submission", UNSTORED, "sync"),
    ("submission", STORED, "asyncio"),
    ("submission", PERFORMED, "trio"),
    ("cancel", PERFORMED, "sync"),
)


def row(action: str, when: str) -> Row:
    return next(each for each in ROWS if (each.moment.action, each.moment.when) == (action, when))


@pytest.mark.parametrize(("action", "when", "world"), CASES)
def test_a_run_whose_process_is_killed_ends_once_and_as_it_had_to(tmp_path: Path, action: str, when: str, world: World) -> None:
    became = found(row(action, when), world, tmp_path)
    assert became.wrong == ""


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    became = found(row("submission", UNSTORED)._replace(executions=1), "asyncio", tmp_path)
    assert became.wrong == "0 executions instead of 1"
    assert str(became) == "none !"


def test_a_process_dies_before_and_after_each_action_of_an_execution() -> None:
    actions = {each.moment.action: each for each in ROWS}
    assert set(actions) == {"submission", "wait", "poll", "cancel", "end"}
    for action in actions.keys() - {"end"}:
        assert {each.moment.when for each in ROWS if each.moment.action == action} >= {STORED, PERFORMED}
