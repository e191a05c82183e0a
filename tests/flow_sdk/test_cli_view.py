"""What the live view draws, and when."""

from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from flow_sdk.cli_view import Seen, View, drawn, told
from flow_sdk.progress import Progress

RUN = Progress(UUID(int=7), execution_id="e-1")


def progress(seconds: float, status: str, **fields: Any) -> Progress:
    return replace(RUN, seconds=seconds, status=status, **fields)


def lines(told_of: Iterable[Progress], silent_seconds: float = 0.0, *, width: int = 80) -> list[str]:
    """What stands on a terminal of this width after that was told."""
    seen = Seen()
    for each in told_of:
        seen = seen.after(each)
    console = Console(file=StringIO(), width=width, legacy_windows=False)
    with console.capture() as captured:
        for piece in drawn("code block c-1", seen, silent_seconds):
            console.print(piece)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_each_state_has_its_own_duration_and_the_end_the_whole() -> None:
    run = [progress(0.2, "pending"), progress(1.0, "running"), progress(4.5, "completed", is_ended=True)]
    assert lines(run) == [
        "code block c-1",
        "execution e-1",
        "  submitting          0.2 s",
        "  pending             0.8 s",
        "  running             3.5 s",
        "  completed           4.5 s  in all",
    ]


def test_the_current_state_goes_on_while_nothing_is_heard() -> None:
    assert lines([], 3.0) == ["code block c-1", "> submitting          3.0 s"]
    assert lines([progress(1.0, "running")], 61.0)[-1] == "> running        1 min 01 s"


def test_a_bar_shows_how_far_the_platform_says_that_it_is() -> None:
    shown = lines([progress(1.0, "running", fraction=0.5)])[-1]
    assert shown == f"> running             0.0 s  {'━' * 16}{' ' * 16}  50%"
    assert lines([progress(1.0, "running", fraction=7.0)])[-1].endswith(f"{'━' * 32} 100%")


def test_trouble_stands_in_place_of_the_bar() -> None:
    assert lines([progress(1.0, "running", fraction=0.5, trouble="status: 503")])[-1].endswith("0.0 s  status: 503; trying again")


def test_a_run_that_is_left_is_cancelling() -> None:
    run = [progress(1.0, "running"), progress(2.0, "running", is_leaving=True), progress(2.5, "cancelled", is_ended=True)]
    assert [line.split()[0] for line in lines(run)[2:]] == ["submitting", "running", "cancelling", "cancelled"]


def test_a_run_that_was_left_running_has_no_last_state() -> None:
    assert lines([progress(1.0, "running"), progress(3.0, "running", is_ended=True)], 60.0)[-1] == "  running             2.0 s"


def test_a_status_of_a_stranger_neither_steers_the_terminal_nor_breaks_the_columns() -> None:
    shown = lines([progress(1.0, "a\x1b[31m very long status"), progress(2.0, "[red]new[/red]"), progress(3.0, "running")])
    assert shown[3:5] == ["  a [31m very         1.0 s", "  [red]new[/re        1.0 s"]


@pytest.mark.parametrize("width", [40, 20, 5])
def test_a_narrow_terminal_gets_narrow_lines(width: int) -> None:
    shown = lines([progress(1.0, "running", fraction=0.5, trouble="a long story")], width=width)
    assert all(len(line) <= width for line in shown)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 00 s"), (3599.4, "59 min 59 s"), (3600, "1 h 00 min"), (90061, "25 h 01 min")],
)
def test_a_duration_is_told_as_exactly_as_it_matters(seconds: float, text: str) -> None:
    assert told(seconds) == text


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with View("code block c-1"):
        pass
    assert capsys.readouterr() == ("", "")
