"""The first example: as a user runs it, and what it says where something is wrong."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.patience import HANG_SECONDS

PROGRAM = Path(__file__).parents[2] / "examples" / "quickstart.py"


@pytest.fixture
def quickstart(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("quickstart", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "quickstart", module)
    spec.loader.exec_module(module)
    return module


def test_it_runs_to_its_end_in_time_and_shows_what_it_hears() -> None:
    ended = subprocess.run([sys.executable, "-W", "error", str(PROGRAM)], capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    *lines, last = ended.stdout.splitlines()
    assert last == "6 executions in 3 worlds, all as expected"
    heard = [(line[:9].strip(), line[10:20].strip(), line[21:31].strip()) for line in lines]
    for world in ("asyncio", "trio", "blocking"):
        for name, end in (("sleep 1 s", "completed"), ("sleep 1 h", "cancelled")):
            statuses = [status for *where, status in heard if where == [world, name]]
            assert (statuses[0], statuses[-1]) == ("pending", end)
    assert "\x1b" not in ended.stdout


def test_what_is_not_as_expected_is_named_and_ends_it_with_1(
    quickstart: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def half(_: object, watch: Any) -> None:
        watch.begin("sleep 1 s")

    def whole(_: object, watch: Any) -> None:
        watch.begin("sleep 1 s")
        watch.rows[-1].heard += [("pending", 0.0), ("completed", 1.0)]
        watch.end(True)

    monkeypatch.setattr(quickstart, "on_an_event_loop", half)
    monkeypatch.setattr(quickstart, "blocking", whole)
    assert quickstart.main() == 1
    assert capsys.readouterr().out.splitlines() == ["asyncio, sleep 1 s: []", "trio, sleep 1 s: []"]


@pytest.mark.parametrize(("is_terminal", "has_rich"), [(True, True), (True, False), (False, True)])
def test_a_table_needs_a_terminal_and_rich(
    quickstart: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_terminal: bool, has_rich: bool
) -> None:
    if not has_rich:
        monkeypatch.setitem(sys.modules, "rich.live", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    row = quickstart.Row("trio", "sleep 1 s", heard=[("pending", 0.0), ("completed", 1.0)])
    with quickstart.shown() as show:
        show([row])
    out = capsys.readouterr().out
    assert "trio" in out
    assert "completed" in out
    assert ("heard of it" in out) == (is_terminal and has_rich)
