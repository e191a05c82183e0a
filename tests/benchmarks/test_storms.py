"""The command that lets storms loose: what it prints and writes, when it fails, and that nothing makes it hang."""

from pathlib import Path

import pytest

from benchmarks.storm import Plan, Result
from benchmarks.storms import PAGE, TRANSPORTS, in_own_process, main

PLAN = Plan(seed=1, calls=50)
MARKED = "before\n<!-- storms -->\nold\n<!-- end of storms -->\nafter\n"


def test_it_prints_the_seed_and_a_line_for_each_transport(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "50", "--seed", "7"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "50 calls, 64 at a time over 8 slots, a third of them cut off, seed 7"
    assert [line.partition(":")[0] for line in lines] == list(TRANSPORTS["native"])


def test_it_fails_where_anything_was_lost() -> None:
    assert main(["--calls", "1000000", "--seconds", "0.01"]) == 1


def test_a_storm_that_hangs_is_ended() -> None:
    assert in_own_process("native", "native in threads", PLAN, 60.0) is not None
    assert in_own_process("native", "native in threads", PLAN._replace(seconds_max=0.0), 0.0) is None


class TestPage:
    @pytest.fixture(autouse=True)
    def _told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Storms that are told in place of being let loose: those over httpx lose a slot, or hang."""

        def told(family: str, name: str, plan: Plan, hang_seconds: float) -> Result | None:
            if name == "httpx2 on trio":
                return None
            answered = plan.calls - (name == "httpx2 on asyncio")
            return Result(answered=answered, slots_left=plan.slots - (family == "httpx" and plan.seed == 8))

        monkeypatch.setattr("benchmarks.storms.in_own_process", told)

    def test_a_table_stands_between_its_marks_and_what_adapters_lose_is_a_figure(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text(MARKED, encoding="utf-8")
        assert main(["--transport", "all", "--calls", "1000", "--seed", "7", "--page", str(page)]) == 0
        text = page.read_text(encoding="utf-8")
        assert text.startswith(
            "before\n<!-- storms -->\n3 times 1,000 calls, 64 at a time over 8 slots, a third of them cut off, seeds 7, 8, 9.\n"
        )
        assert "| native on trio | 3,000 | 0 | 0 | 0 | 0 | 8, 8, 8 | 0 | 0, 0, 0 |\n" in text
        assert "| httpx on trio | 3,000 | 0 | 0 | 0 | 0 | 8, 7, 8 | 0 | 0, 0, 0 |\n" in text
        assert "| httpx2 on asyncio | 2,997 | 0 | 0 | 0 | 0 | 8, 8, 8 | 0 | 0, given up, 0, given up, 0, given up |\n" in text
        assert "| httpx2 on trio | 0 | 0 | 0 | 0 | 0 | hung, hung, hung | 0 | —, —, — |\n" in text
        assert text.endswith("<!-- end of storms -->\nafter\n")
        assert "old" not in text

    def test_an_adapter_that_was_asked_for_alone_fails_where_it_loses(self) -> None:
        assert main(["--transport", "httpx", "--seed", "7"]) == 0
        assert main(["--transport", "httpx", "--seed", "8"]) == 1

    def test_a_page_without_the_marks_is_refused(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("nothing\n", encoding="utf-8")
        with pytest.raises(ValueError, match="must have one pair of the comments"):
            main(["--page", str(page)])

    def test_the_page_of_this_project_has_the_marks(self) -> None:
        assert PAGE.read_text(encoding="utf-8").count("<!-- storms -->\n") == 1
