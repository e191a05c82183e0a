import shutil

import pytest

from benchmarks import instructions
from benchmarks.counted import CORE, names


def test_the_table_has_a_line_for_each_and_the_share_of_the_core() -> None:
    text = instructions.table(dict(zip(names(), (100.0, 20.0, 40.0, *range(100)), strict=False)))
    assert len(text.splitlines()) == 2 + len(names()) + 2
    assert "2.00 of h11's own cycle" in text


def test_the_share_is_left_out_where_its_parts_were_not_counted() -> None:
    assert "share" not in instructions.table({"PlatformClient on trio": 1.0})


def test_without_valgrind_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", _nothing)
    assert instructions.main([]) == 2
    assert "apt-get install valgrind" in capsys.readouterr().err


def test_what_is_repeated_is_counted_and_the_start_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "counted", _with_a_start)
    assert instructions.thousands_of(next(iter(CORE)), "no url") == 5.0


def _nothing(name: str) -> None:
    """As `shutil.which`, of a program that is not there."""


def _with_a_start(name: str, count: int, url: str) -> int:
    return 27_000_000 + 5_000 * count
