"""What mutmut left is read, and held against the list."""

import json
from pathlib import Path

import pytest

from tools import mutmut_run
from tools.mutmut_run import CAST, Module, Result, Survivor, entry, killed_before, main, modules, reasons, survivors

MUTATED = """
def x_waits__mutmut_orig(seconds: float) -> bool:
    return seconds > 0


def x_waits__mutmut_1(seconds: float) -> bool:
    return seconds >= 0


class Pause:
    def xǁPauseǁends__mutmut_orig(self) -> float:
        text = "a"
        return until(self.at,
                     text)

    def xǁPauseǁends__mutmut_2(self) -> float:
        text = "a"
        return until(None,
                     text)
"""
LIVES = Survivor("waits", "return seconds > 0", "return seconds >= 0")
MODULE = Module("platform_core/retry.py", ("tests/platform_core/test_retry.py",))


def test_a_survivor_is_told_by_its_function_and_the_lines_that_differ() -> None:
    names = ["platform_core.retry.x_waits__mutmut_1", "platform_core.retry.xǁPauseǁends__mutmut_2"]
    assert [*survivors(MUTATED, names)] == [LIVES, Survivor("Pause.ends", "return until(self.at,", "return until(None,")]


def test_what_is_printed_of_a_survivor_is_an_entry_of_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [("a.py", *LIVES), ("a.py", "f", "x = 'a'\ny = 1", "x = 'a'\ny = 2"), ("a.py", "f", "x = 'a'", "x = 'b'")]
    listed = tmp_path / "survivors.toml"
    listed.write_text("".join(entry(*key) for key in keys), encoding="utf-8")
    monkeypatch.setattr(mutmut_run, "LISTED", listed)
    assert reasons() == dict.fromkeys(keys, "")


def test_what_was_killed_is_not_tried_again_while_its_function_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutmut_run, "KEPT", tmp_path)
    assert killed_before(MODULE, {"f": "1"}) == {}
    verdicts = {
        "f__mutmut_1": "killed",
        "f__mutmut_2": "over time",
        "f__mutmut_3": "alive",
        "g__mutmut_1": "killed",
        "h__mutmut_1": "killed",
    }
    data = {"verdicts": verdicts, "hashes": {"f": "1", "g": "1", "h": "1"}}
    mutmut_run.kept_file(MODULE).write_text(json.dumps(data), encoding="utf-8")
    assert killed_before(MODULE, {"f": "1", "g": "2"}) == {"f__mutmut_1": "killed", "f__mutmut_2": "over time"}


@pytest.mark.parametrize(
    ("survivors", "mutants", "listed", "status", "said"),
    [
        ((LIVES,), 20, (LIVES,), 0, "95.0 %"),
        ((LIVES,), 19, (LIVES,), 1, "too many live: 94.7 % killed, not 95 %"),
        ((LIVES,), 20, (), 1, "lives, and is not listed"),
        ((), 20, (LIVES,), 1, "is listed, and does not live"),
    ],
)
def test_too_many_an_unlisted_and_a_stale_survivor_fail(
    survivors: tuple[Survivor, ...],
    mutants: int,
    listed: tuple[Survivor, ...],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(mutmut_run, "modules", lambda: [MODULE])

    def result(module: Module) -> Result:
        return Result(module.path, mutants, 0, survivors, 1.0)

    monkeypatch.setattr(mutmut_run, "result_of", result)
    monkeypatch.setattr(mutmut_run, "KEPT", tmp_path)
    mutmut_run.kept_file(MODULE).touch()
    monkeypatch.setattr(mutmut_run, "LISTED", tmp_path / "list.toml")
    (tmp_path / "list.toml").write_text("survivor = []\n" if not listed else entry(MODULE.path, *listed[0]), encoding="utf-8")
    assert main(["--kept", "retry"]) == status
    assert said in capsys.readouterr().out


def test_what_was_not_tried_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(mutmut_run, "modules", lambda: [MODULE])
    monkeypatch.setattr(mutmut_run, "KEPT", tmp_path)
    monkeypatch.setattr(mutmut_run, "PAGE", tmp_path / "page.md")
    mutmut_run.PAGE.write_text("<!-- mutmut: begin, written by `make mutmut` -->\n<!-- mutmut: end -->", encoding="utf-8")
    assert main(["--kept"]) == 1
    assert "not tried yet: platform_core/retry.py" in capsys.readouterr().out
    assert "| platform_core/retry.py | not tried yet | | | | |" in mutmut_run.PAGE.read_text(encoding="utf-8")


def test_what_is_kept_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutmut_run, "KEPT", tmp_path)
    data = {"verdicts": {"x": "alive", "y": "over time", "z": "killed"}, "survivors": [LIVES], "seconds": 1.0}
    mutmut_run.kept_file(MODULE).write_text(json.dumps(data), encoding="utf-8")
    assert mutmut_run.result_of(MODULE) == Result(MODULE.path, 3, 1, (LIVES,), 1.0)


def test_every_module_is_tried_on_tests_that_exist_and_every_listed_one_has_a_reason() -> None:
    assert all(each.tests for each in modules())
    assert all((mutmut_run.ROOT / test).exists() for each in modules() for test in each.tests)
    assert {file for file, *_ in reasons()} <= {each.path for each in modules()}
    assert [key for key, why in reasons().items() if not why] == []


@pytest.mark.parametrize("type_", ['"Mapping[object, object]"', "None", "Headers", "dict[str, object]"])
def test_the_type_in_a_cast_is_nothing_that_could_be_noticed(type_: str) -> None:
    assert CAST.sub("", f"return bytes(cast({type_}, content), cast)") == "return bytes(cast(content), cast)"
