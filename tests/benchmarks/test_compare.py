from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.json_server import ROOT
from benchmarks.rounds import Plan


def test_a_revision_is_checked_out_with_the_benchmarks_of_this_tree_and_thrown_away() -> None:
    with compare.checked_out("HEAD") as tree:
        assert (tree / "platform_core" / "machine.py").exists()
        assert (tree / "benchmarks" / "worker.py").read_bytes() == (ROOT / "benchmarks" / "worker.py").read_bytes()
    assert not Path(tree).exists()


def test_both_trees_are_measured_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["HEAD", "--dry", "--rounds", "1", "--seconds", "0.01", "--only", "PlatformClient on threads"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split("|")[1:3] for line in lines[-3:]] == [[" PlatformClient on threads ", f" {count} "] for count in (1, 10, 100)]


def test_a_revision_that_git_does_not_know_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["no-such-revision"]) == 2
    assert "'no-such-revision' cannot be checked out" in capsys.readouterr().err


def test_the_table_shows_the_ratio_of_pairs() -> None:
    results = {("then a", 10): [100.0, 200.0], ("now a", 10): [50.0, 100.0]}
    assert compare.table(["a"], results, Plan(at_a_time=(10,))).splitlines()[-1] == "| a | 10 | 150 | 75 | 0.50 (0.50 to 0.50) |"
