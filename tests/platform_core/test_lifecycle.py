"""The table of transitions, held against what a lifecycle must be, and against the page that documents it."""

import os
import runpy
import subprocess
import sys
from itertools import product

import pytest

from platform_core.lifecycle import INITIAL, TERMINAL, TRANSITIONS, ExecutionStatus, advance, is_reachable, is_terminal, known, mermaid

DOCUMENTED = """\
stateDiagram-v2
    [*] --> pending: submit
    pending --> running: worker picks up
    running --> completed: success
    running --> failed: error
    running --> timeout: deadline exceeded
    running --> cancelled: cancel requested
    pending --> cancelled: cancel requested
    completed --> [*]
    failed --> [*]
    timeout --> [*]
    cancelled --> [*]
"""
EDGES = {(source, target) for source, following in TRANSITIONS.items() for target in following}
STATUSES = tuple(ExecutionStatus)
ENDS = sorted(TERMINAL)
UNKNOWN = "queued"


class TestTable:
    def test_every_status_stands_in_it_once(self) -> None:
        assert set(TRANSITIONS) == set(STATUSES)
        assert all(target in STATUSES for _, target in EDGES)

    def test_there_is_one_start(self) -> None:
        entered = {target for _, target in EDGES}
        assert {status for status in STATUSES if status not in entered} == {INITIAL}

    def test_no_edge_leaves_a_terminal_status(self) -> None:
        assert {"completed", "failed", "timeout", "cancelled"} == TERMINAL
        assert not any(source in TERMINAL for source, _ in EDGES)

    def test_there_is_no_trap(self) -> None:
        assert all(TRANSITIONS[status] for status in STATUSES if status not in TERMINAL)

    def test_an_end_is_reachable_from_every_status(self) -> None:
        assert all(walk(status) & TERMINAL for status in STATUSES)

    def test_every_status_is_reachable_from_the_start(self) -> None:
        assert walk(INITIAL) == set(STATUSES)

    def test_no_status_follows_itself_however_far(self) -> None:
        assert not any(is_reachable(status, status) for status in STATUSES)

    @pytest.mark.parametrize(("source", "target"), [*product(STATUSES, STATUSES)])
    def test_reachable_is_what_a_walk_finds(self, source: ExecutionStatus, target: ExecutionStatus) -> None:
        assert is_reachable(source, target) == (target in walk(source) - {source})

    def test_it_cannot_be_changed(self) -> None:
        assert not hasattr(TRANSITIONS, "__setitem__")
        assert not any(hasattr(following, "__setitem__") for following in TRANSITIONS.values())


class TestStatuses:
    @pytest.mark.parametrize("status", STATUSES)
    def test_a_documented_status_is_known(self, status: ExecutionStatus) -> None:
        assert known(status.value) is status
        assert is_terminal(status.value) == (status in TERMINAL)

    @pytest.mark.parametrize("status", [UNKNOWN, "", "PENDING", "Completed", "completed ", "canceled"])
    def test_any_other_status_is_not_known_and_not_terminal(self, status: str) -> None:
        assert known(status) is None
        assert not is_terminal(status)


class TestAdvance:
    @pytest.mark.parametrize("reported", [*STATUSES, UNKNOWN])
    def test_the_first_word_counts(self, reported: str) -> None:
        assert advance(None, reported) == reported

    @pytest.mark.parametrize(("heard", "reported"), [*product(ENDS, [*STATUSES, UNKNOWN])])
    def test_the_first_terminal_status_wins(self, heard: str, reported: str) -> None:
        assert advance(heard, reported) == heard

    @pytest.mark.parametrize(("heard", "reported"), [("pending", "running"), *product(["pending", "running"], ENDS)])
    def test_a_status_that_follows_counts_also_where_it_skips_ahead(self, heard: str, reported: str) -> None:
        assert advance(heard, reported) == reported

    @pytest.mark.parametrize(("heard", "reported"), [("running", "pending"), ("running", "running"), ("pending", "pending")])
    def test_a_status_that_goes_backwards_changes_nothing(self, heard: str, reported: str) -> None:
        assert advance(heard, reported) == heard

    @pytest.mark.parametrize(
        ("heard", "reported"), [("pending", UNKNOWN), ("running", UNKNOWN), *product([UNKNOWN], [*STATUSES, "another"])]
    )
    def test_a_status_that_is_not_known_is_kept_as_it_came_and_ends_nothing(self, heard: str, reported: str) -> None:
        assert advance(heard, reported) == reported


class TestDiagram:
    def test_it_has_the_lines_of_the_platforms_page(self) -> None:
        lines = mermaid().splitlines()
        assert sorted(lines) == sorted(DOCUMENTED.splitlines())
        assert lines[0] == "stateDiagram-v2"

    def test_the_module_prints_it_without_a_warning(self) -> None:
        run = subprocess.run(
            [sys.executable, "-W", "error", "-m", "platform_core.lifecycle"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert (run.stdout, run.stderr) == (f"{mermaid()}\n", "")

    def test_it_is_printed_where_the_module_is_run(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "platform_core.lifecycle")
        runpy.run_module("platform_core.lifecycle", run_name="__main__")
        assert capsys.readouterr().out == f"{mermaid()}\n"


def walk(start: ExecutionStatus) -> set[ExecutionStatus]:
    found, left = {start}, [start]
    while left:
        new = set(TRANSITIONS[left.pop()]) - found
        found |= new
        left += new
    return found
