"""What it costs to wait for very many executions: what counts as a result, what is printed and written, and when it fails."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from benchmarks import many_runs
from benchmarks.many_runs import WORLDS, Ends, Found, Server, emulator, in_own_process, main, submitted
from benchmarks.report import PAGE
from flow_sdk import ExecutionHandle, PlatformClientError, SyncPlatformClient

FOUND = Found("trio", 1000, 1000, 1000 * 1024 * 9, 10.0, 40.0, 1.5, 3.0)
ROW = "| trio | 1,000 | 9.0 | 10.0 | 0.25 | 1 | 1.5 s | 3.0 s |\n"


def handle(execution_id: str) -> ExecutionHandle:
    return ExecutionHandle("execution", execution_id, None, 1.0, 0, "detach")


def record(seconds: float) -> Any:
    finished_at = datetime.now(UTC) - timedelta(seconds=60)
    return {"result": {"seconds": seconds}, "finished_at": finished_at.isoformat()}


class TestEnds:
    def test_an_execution_counts_with_its_own_result_alone(self) -> None:
        ends = Ends({"a": 1.0, "b": 2.0, "c": 3.0})
        ends.add((handle("a"), record(1.0)))
        ends.add((handle("b"), record(1.0)))
        ends.add((handle("c"), PlatformClientError("no")))
        assert ends.results == 1
        assert 60 <= ends.delay_seconds_mean == ends.delay_seconds_max < 120

    def test_one_that_comes_twice_or_that_nobody_waits_for_is_a_fault(self) -> None:
        ends = Ends({"a": 1.0})
        ends.add((handle("a"), record(1.0)))
        with pytest.raises(KeyError):
            ends.add((handle("a"), record(1.0)))


class TestAims:
    @pytest.mark.parametrize(
        ("changes", "is_reached"),
        [
            ({}, True),
            ({"results": 999}, False),
            ({"memory_bytes": 1000 * 1024 * 11}, False),
            ({"world": "asyncio"}, False),
            ({"world": "threads", "memory_bytes": 1000 * 1024 * 99}, True),
            ({"cpu_seconds": 41.0}, False),
        ],
    )
    def test_they_are_reached_within_all_bounds(self, changes: dict[str, Any], is_reached: bool) -> None:
        assert FOUND._replace(**changes).is_reached is is_reached


class TestCommand:
    @pytest.fixture(autouse=True)
    def _told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is told in place of being measured: threads miss a result."""

        @contextmanager
        def nowhere() -> Generator[Server]:
            yield Server("https://platform.test", "a-token")

        async def nothing(*_: object) -> dict[str, float]:
            return {}

        def told(world: str, *_: object) -> Found:
            return FOUND._replace(world=world, results=1000 - (world == "threads"))

        monkeypatch.setattr(many_runs, "emulator", nowhere)
        monkeypatch.setattr(many_runs, "submitted", nothing)
        monkeypatch.setattr(many_runs, "in_own_process", told)

    def test_it_writes_a_row_for_each_world_and_a_line_of_history(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        page, history = tmp_path / "page.md", tmp_path / "history.jsonl"
        page.write_text("before\n<!-- many: begin, written by `make many` -->\n<!-- many: end -->\n", encoding="utf-8")
        arguments = ["--runs", "1000", "--page", str(page), "--history", str(history), "--worlds"]
        assert main([*arguments, "trio"]) == 0
        assert ROW in page.read_text(encoding="utf-8")
        assert json.loads(history.read_text(encoding="utf-8"))["figures"]["trio"]["results"] == 1000
        assert capsys.readouterr().out == (
            "trio: 1000 of 1000 results, 9.0 KiB each, 0.25 of a core in 40 s, told 1.5 s after the end, at most 3.0 s\n"
        )
        assert main([*arguments, "trio", "threads"]) == 1

    def test_the_page_of_the_docs_can_take_the_table(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        assert "<!-- many: begin, written by `make many` -->" in text
        assert "<!-- many: end -->" in text


class TestMeasured:
    @pytest.mark.parametrize("world", WORLDS)
    def test_executions_are_awaited_in_a_process_of_its_own(self, world: str) -> None:
        with emulator() as server:
            with SyncPlatformClient(*server, env={}) as client:
                ids = [client.submit_code_block_execution(many_runs.SLEEP, {"seconds": 0.0})["execution_id"] for _ in range(3)]
            found = in_own_process(world, server, dict.fromkeys(ids, 0.0))
        assert (found.world, found.runs, found.results) == (world, 3, 3)
        assert found.cpu_seconds > 0

    def test_executions_end_one_by_one_after_the_lead(self) -> None:
        with emulator() as server:
            seconds = sorted(anyio.run(submitted, server, 4, 1000.0).values())
            assert 900 < seconds[0] <= 1000
            assert 5 < seconds[-1] - seconds[0] <= 15
            with pytest.raises(ExceptionGroup) as raised:
                anyio.run(submitted, server, 4, -1000.0)
        assert raised.group_contains(TimeoutError, match="give this machine a longer lead")
