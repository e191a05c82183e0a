"""What a large body costs: all of it passes in each world, both ways; what is printed and written; when it fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import large
from benchmarks.bytes_server import PIECE, bytes_server
from benchmarks.large import MIB, WAYS, WORLDS, Found, in_own_process, main
from benchmarks.report import PAGE

FOUND = Found("trio", "down", 512 * MIB, 512 * MIB, 3 * MIB, 0.5, 2.0)
ROW = "| trio | down | 268 | 3.0 | 32 | 1.00 | yes |\n"
SIZE = 3 * MIB + 5


@pytest.mark.parametrize(
    ("changes", "is_reached"),
    [({}, True), ({"passed": 512 * MIB - 1}, False), ({"memory_bytes": 33 * MIB}, False), ({"memory_bytes": 32 * MIB}, True)],
)
def test_an_aim_is_reached_with_all_bytes_and_within_the_memory(changes: dict[str, Any], is_reached: bool) -> None:
    assert FOUND._replace(**changes).is_reached is is_reached


@pytest.mark.parametrize("world", WORLDS)
def test_every_byte_passes_both_ways(world: str) -> None:
    assert SIZE % len(PIECE)
    with bytes_server() as url:
        found = [in_own_process(world, way, url, SIZE) for way in WAYS]
    assert [(each.world, each.way, each.passed) for each in found] == [(world, way, SIZE) for way in WAYS]
    assert all(each.mib < large.MIB_MAX for each in found)


def test_it_writes_a_row_for_each_way_and_a_line_of_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(world: str, way: str, *_: object) -> Found:
        return FOUND._replace(world=world, way=way, passed=FOUND.size - (world == "threads"))

    monkeypatch.setattr(large, "in_own_process", told)
    page, history = tmp_path / "page.md", tmp_path / "history.jsonl"
    page.write_text("before\n<!-- large: begin, written by `make large` -->\n<!-- large: end -->\n", encoding="utf-8")
    arguments = ["--mib", "512", "--page", str(page), "--history", str(history), "--worlds"]
    assert main([*arguments, "trio"]) == 0
    assert ROW in page.read_text(encoding="utf-8")
    assert json.loads(history.read_text(encoding="utf-8"))["figures"]["trio, down"]["passed"] == 512 * MIB
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "trio, down: 536870912 of 536870912 bytes, 268 MB/s, 3.0 MiB of memory, 1.00 s of CPU time a GiB"
    assert main([*arguments, "threads"]) == 1


def test_the_page_of_the_docs_can_take_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "<!-- large: begin, written by `make large` -->" in text
    assert "<!-- large: end -->" in text
