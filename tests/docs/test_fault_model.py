"""docs/fault-model.md: every row names tests that exist; every fault of the emulator and every invariant has a row."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from platform_emulator.fault_json import KINDS
from platform_transports.conformance.checks import CHECKS
from tests.exploration.invariants import INVARIANTS
from tests.hostile import scripts
from tests.hostile.answers import CASES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "fault-model.md").read_text(encoding="utf-8")
PHASES = ["Connecting", "Sending", "Reading an answer", "Refreshing the token", "Submitting", "Waiting", "Polling", "Cancelling", "Leaving"]
FLOWING = ["Sending a body that flows", "Downloading", "Reading a stream of events"]
SPOIL_WHAT_FLOWS = {"truncated", "trickle", "drop_before", "drop_after", "status", "html", "delay"}
"""The faults of the emulator that strike an answer whether it flows or not."""
TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>test_\w+)(?:\[(?P<case>[^\]]+)\])?`")
PARTS = {
    "tests/conformance/test_transports.py": set(CHECKS),
    "tests/hostile/test_scripts.py": set(scripts.CHECKS),
    "tests/hostile/test_answers.py": {case.name for case in CASES},
}
"""What may stand in the brackets, by file."""
OTHER_WORDS = {
    "OSError",
    "TimeoutError",
    "failed",
    "timeout",
    "cancelled",
    "await_execution_result",
    "Body",
    "ETag",
    "Range",
    "end",
    "with",
}
"""What else stands in code in a first cell."""
EXPLORED = set(range(1, 13)) - {9, 11}
"""Those that `invariants.py` explores; the pool's and the bytes' have tests of their own."""


class Row(NamedTuple):
    chapter: str
    cells: list[str]

    def __str__(self) -> str:
        return f"{self.chapter}: {self.cells[0]}"


def rows() -> list[Row]:
    """The rows of all tables, without their heads."""
    found: list[Row] = []
    chapter = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            chapter = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| ---", "| fault |", "| number |")):
            found.append(Row(chapter, [cell.strip() for cell in line.strip("|").split(" | ")]))
    return found


ROWS = rows()
FAULTS = [row for row in ROWS if row.chapter != "Invariants"]
ALWAYS = [row for row in ROWS if row.chapter == "Invariants"]


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of a file; none where there is no such file."""
    if not (ROOT / path).exists():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_whole_and_each_of_its_tests_exists(row: Row) -> None:
    assert len(row.cells) == (3 if row in ALWAYS else 4)
    assert all(row.cells)
    named = row.cells[-1].split("<br>")
    for each in named:
        found = TEST.fullmatch(each)
        assert found is not None, each
        assert found["name"] in names_in(found["path"]), each
        assert (found["case"] is not None) == (found["path"] in PARTS), each
        assert found["case"] is None or found["case"] in PARTS[found["path"]], each


def test_no_test_is_named_twice_in_a_row_and_no_fault_twice_in_a_phase() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        named = row.cells[-1].split("<br>")
        assert len(set(named)) == len(named), row


def test_there_is_a_table_for_each_phase() -> None:
    assert list(dict.fromkeys(row.chapter for row in ROWS)) == [*PHASES, *FLOWING, "Invariants"]


def named_in(rows: list[Row]) -> set[str]:
    return {word for row in rows for word in re.findall(r"`(\w+)`", row.cells[0])}


def test_every_fault_of_the_emulator_has_a_row_and_no_row_names_another_one() -> None:
    assert named_in(FAULTS) - OTHER_WORDS == set(KINDS)


@pytest.mark.parametrize("phase", ["Downloading", "Reading a stream of events"])
def test_every_fault_that_spoils_what_flows_has_a_row_where_an_answer_flows(phase: str) -> None:
    assert named_in([row for row in FAULTS if row.chapter == phase]) >= SPOIL_WHAT_FLOWS


def test_every_invariant_has_a_row_with_the_number_that_the_exploration_gives_it() -> None:
    assert [row.cells[0] for row in ALWAYS] == [str(number) for number in range(1, 13)]
    explored = {int((invariant.__doc__ or "").partition(".")[0]) for invariant in INVARIANTS}
    assert explored == EXPLORED
