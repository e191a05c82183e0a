"""Whatever tests mutmut names are run, and no others, the fast ones first."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRANGE = r"test_a_value[b'\\xff']"
TESTS = r"""
import pytest
from hypothesis import given, strategies as st

@given(st.none())
def test_a_property(nothing): ...

def test_the_edges_are_as_declared(): ...

@pytest.mark.parametrize("value", [1, 2], ids=["b'\\xff'", "two"])
def test_a_value(value): ...

def test_last(): ...
"""


def run(folder: Path, *names: str) -> list[str]:
    (folder / "test_it.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "tools.mutmut_plugin", "--rootdir=."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    named = [f"test_it.py{name}" for name in names]
    done = subprocess.run([*command, *named], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return re.findall(r"^test_it\.py::(.*) PASSED", done.stdout, re.MULTILINE)


def test_the_fast_ones_run_first(tmp_path: Path) -> None:
    assert run(tmp_path, "") == [STRANGE, "test_a_value[two]", "test_last", "test_a_property", "test_the_edges_are_as_declared"]


def test_those_that_are_named_run_alone_however_strange_their_ids(tmp_path: Path) -> None:
    assert run(tmp_path, "::test_a_property", f"::{STRANGE}") == [STRANGE, "test_a_property"]
