"""`python -m flow_sdk replay FILE`: what it prints, and what it ends with."""

import subprocess
import sys
from pathlib import Path

import pytest

from flow_sdk.__main__ import main
from platform_transports.journal import Journal
from tests.support.driven import drive_sync, platform, sleeping


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    with Journal(path, "never") as journal:
        drive_sync(sleeping(0.1), platform(), journal=journal)
    return path


def test_each_decision_is_a_line_with_its_reason(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(path)]) == 0
    first, *_, last, verdict = capsys.readouterr().out.splitlines()
    assert "Ready → Submitting" in first
    assert first.endswith("/executions (first)")
    assert last.endswith("completed (terminal: completed)")
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert verdict == f"{count} decisions of 1 run: each decided the same again"


def test_the_first_difference_is_the_last_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace('"reason":"first"', '"reason":"restored"'), encoding="utf-8")
    assert main(["replay", str(path)]) == 1
    _, verdict = capsys.readouterr().out.splitlines()
    assert verdict.startswith("0 decisions of 1 run, then a difference: line 1, run ")
    assert verdict.endswith("action.reason: 'restored' in the journal, 'first' when replayed")


def test_what_cannot_be_read_is_told_on_stderr(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("my thesis\n", encoding="utf-8")
    for file, text in ((path, "this file is no journal of version 1"), (tmp_path / "none", "No such file")):
        assert main(["replay", str(file)]) == 2
        found = capsys.readouterr()
        assert found.out == ""
        assert text in found.err


def test_it_runs_as_a_module(path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "flow_sdk", "replay", str(path)], capture_output=True, text=True, check=True)
    assert "each decided the same again" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [[], ["replay"], ["other"]])
def test_anything_else_is_told_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m flow_sdk" in capsys.readouterr().err
