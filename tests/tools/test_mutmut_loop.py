"""A mutant is tried on the tests that reach it, the fast ones first, until one fails; each verdict is the right one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tools.mutmut_loop import TASK, function_of

ROOT = Path(__file__).resolve().parents[2]
STATE = """
class _State: _stats = set()
def state(): return _State
"""
SUBJECT = """
import os
from mutmut.state import state

def answer():
    active = os.environ["MUTANT_UNDER_TEST"]
    if active == "stats":
        state()._stats.add("subject.x_answer")
    while active == "subject.x_answer__mutmut_3":
        pass
    return {"subject.x_answer__mutmut_1": 41, "subject.x_answer__mutmut_2": 42.0}.get(active, 42)

def make():
    active = os.environ["MUTANT_UNDER_TEST"]
    if active == "stats":
        state()._stats.add("subject.x_make")
    return {"subject.x_make__mutmut_1": 2}.get(active, 1)

MADE = make()
"""
TESTS = r"""
import pytest
import subject

def test_the_edges_are_as_declared():
    assert type(subject.answer()) is float or subject.answer() == 42

@pytest.mark.parametrize("value", [42], ids=["b'\\xff'"])
def test_an_answer(value):
    assert subject.answer() == value

def test_nothing_of_it():
    assert subject.MADE == 1
"""


def verdicts_of(folder: Path, *mutants: str) -> dict[str, str]:
    for name, text in {"mutmut/state.py": STATE, "mutmut/__init__.py": "", "subject.py": SUBJECT, "test_subject.py": TESTS}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    task = folder / "task.json"
    task.write_text(json.dumps(mutants), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tools.mutmut_loop", "--rootdir=.", "test_subject.py"]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", TASK: str(task)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = json.loads(task.read_text(encoding="utf-8"))
    return found


def test_each_mutant_gets_its_verdict(tmp_path: Path) -> None:
    answers = [f"subject.x_answer__mutmut_{number}" for number in (1, 2, 3)]
    assert verdicts_of(tmp_path, *answers, "subject.x_unreached__mutmut_1") == {
        answers[0]: "killed",
        answers[1]: "alive",
        answers[2]: "over time",
        "subject.x_unreached__mutmut_1": "alive",
    }


def test_what_was_made_while_modules_were_imported_is_tried_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert verdicts_of(tmp_path, "subject.x_make__mutmut_1", "subject.x_make__mutmut_2") == {
        "subject.x_make__mutmut_1": "killed",
        "subject.x_make__mutmut_2": "alive",
    }


def test_a_mutant_is_named_after_its_function() -> None:
    assert function_of("platform_core.retry.xǁRetryBudgetǁwithdraw__mutmut_12") == "platform_core.retry.xǁRetryBudgetǁwithdraw"
