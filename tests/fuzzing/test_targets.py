"""The targets of the fuzzer hold for its seeds, and for what it has found; the command says what it needs."""

import subprocess
import sys

import pytest

from tests.fuzzing.command import MISSING, ROOT, found_atheris, line_of, main
from tests.fuzzing.seeds import seeds
from tests.fuzzing.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_of_a_target_passes_it(target: str) -> None:
    found = seeds(target)
    assert found
    for seed in (b"", *found):
        TARGETS[target](seed)


def test_without_atheris_the_command_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tests.fuzzing.command.found_atheris", lambda: None)
    assert main([]) == 2
    assert capsys.readouterr().err == f"{MISSING}\n"


def test_what_is_not_installed_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert found_atheris() is None


def test_the_line_of_a_target_is_what_the_fuzzer_said_last() -> None:
    text = "#2\tINITED cov: 3 ft: 4 corp: 1/1b\n#90\tDONE   cov: 397 ft: 1013 corp: 69/4b lim: 4\nstat::number_of_executed_units: 4090\n"
    assert line_of("http1", 8, text).split() == ["http1", "4,090", "511", "397", "1013", "69"]
    assert line_of("http1", 8, "").split() == ["http1", "0", "0", "0", "0", "0"]


def test_no_test_needs_the_fuzzer() -> None:
    code = "import sys, tests.fuzzing.targets, tests.fuzzing.seeds, tests.fuzzing.command; sys.exit('atheris' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
