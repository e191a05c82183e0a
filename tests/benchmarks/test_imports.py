"""What an import costs: what is measured, how it is compared, what is printed and written."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import imports
from benchmarks.imports import AIMS, BARE, CORE, HTTPX, STANDARD, SYNC, Found, beyond_bare, codes, cpu_milliseconds, main, standard_modules
from benchmarks.report import PAGE
from benchmarks.rounds import Ratio

MILLISECONDS = {BARE: 10.0, STANDARD: 30.0, CORE: 60.0, HTTPX: 110.0}
"""What is told in place of being measured; every client costs 70."""


def test_the_standard_modules_are_those_of_the_core_and_no_others() -> None:
    found = standard_modules()
    assert {"dataclasses", "json", "enum"} <= set(found)
    assert {name.partition(".")[0] for name in found} <= sys.stdlib_module_names


def test_both_sides_of_each_ratio_are_measured() -> None:
    assert {name for aim in AIMS for name in (aim.of, aim.to)} | {BARE} == codes().keys()


def test_every_program_runs(tmp_path: Path) -> None:
    assert all(cpu_milliseconds(code, tmp_path) > 0 for code in codes().values())


def test_a_process_leaves_its_bytecode_where_the_next_one_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    cpu_milliseconds("import platform_core.version", tmp_path)
    assert len(list(tmp_path.rglob("version.*.pyc"))) == 1


def test_a_process_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a process failed: raise SystemExit"):
        cpu_milliseconds("raise SystemExit(1)", tmp_path)


def test_a_cost_is_what_lies_beyond_the_median_of_a_bare_process() -> None:
    assert beyond_bare({BARE: [9.0, 10.0, 14.0], CORE: [60.0, 61.0, 62.0]}) == {CORE: [50.0, 51.0, 52.0]}


@pytest.mark.parametrize(
    ("aim", "median", "reached"), [(AIMS[0], 2.5, "yes"), (AIMS[0], 2.51, "no"), (AIMS[1], 0.51, "no"), (AIMS[2], 9.0, "")]
)
def test_an_aim_is_reached_by_the_median(aim: imports.Aim, median: float, reached: str) -> None:
    assert Found(aim, Ratio(0.0, median, 99.0)).reached == reached


def test_it_writes_both_tables_and_a_line_of_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name_of = {code: name for name, code in codes().items()}

    def told(code: str, _: Path) -> float:
        return MILLISECONDS.get(name_of[code], 70.0)

    monkeypatch.setattr(imports, "cpu_milliseconds", told)
    page, history = tmp_path / "page.md", tmp_path / "history.jsonl"
    page.write_text("before\n<!-- imports: begin, written by `make imports` -->\n<!-- imports: end -->\n", encoding="utf-8")
    assert main(["--rounds", "3", "--page", str(page), "--history", str(history)]) == 0
    text = page.read_text(encoding="utf-8")
    assert f"| {SYNC} | 60.0 |\n" in text
    assert f"| {CORE} | {STANDARD} | 2.5 | 2.50 (2.50 to 2.50) | yes |\n" in text
    assert f"| {SYNC} | {HTTPX} | 0.5 | 0.60 (0.60 to 0.60) | no |\n" in text
    assert json.loads(history.read_text(encoding="utf-8"))["figures"]["cpu_milliseconds"][CORE] == 50.0
    assert f"{CORE}, beside {STANDARD}: 2.50 (2.50 to 2.50)\n" in capsys.readouterr().out


def test_the_page_of_the_docs_can_take_the_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "<!-- imports: begin, written by `make imports` -->" in text
    assert "<!-- imports: end -->" in text
