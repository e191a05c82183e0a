"""Sequence diagrams in text: who told whom what, in which order, and what came of it."""

from collections.abc import Mapping, Sequence

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep

from .network import words_of
from .world import CALLER, CLIENT, CLOCK, PLATFORM, TOKENS, WORKER, Arrow, Move, Run

_LANES = {CALLER: 8, CLIENT: 22, PLATFORM: 66, WORKER: 80}
_SIDE = {TOKENS: CALLER, CLOCK: CALLER}
"""Those that have no lane of their own stand where the caller does, with their name."""


class Chart:
    """A diagram that is being drawn: each participant has a lane at a column."""

    def __init__(self, lanes: Mapping[str, int]) -> None:
        self._at = lanes
        self._lines = [self._row({at: name for name, at in lanes.items()})]

    def arrow(self, source: str, target: str, text: str, *, lost: bool = False) -> None:
        """One tells the other, or itself."""
        if source == target:
            self.note(source, text)
            return
        left, right = sorted((self._at[source], self._at[target]))
        width = right - left - 1
        body = text.center(width - 4, "-") if len(text) > width - 6 else f" {text} ".center(width - 2, "-")
        head = "x" if lost else ">" if self._at[source] < self._at[target] else "<"
        shaft = f"-{body}{head}" if self._at[source] < self._at[target] else f"{head}{body}-"
        row = self._row({})
        self._lines.append(f"{row[: left + 1]}{shaft}{row[right:] if len(shaft) == width else ''}")

    def note(self, lane: str, text: str) -> None:
        """A remark beside a lane."""
        self._lines.append(f"{self._row({})[: self._at[lane] + 1]} {text}")

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self._lines)

    def _row(self, texts: Mapping[int, str]) -> str:
        row = [" "] * (max(self._at.values()) + 5)
        for at in self._at.values():
            row[at] = "|"
        for at, text in texts.items():
            start = max(0, at - len(text) // 2)
            row[start : start + len(text)] = text
        return "".join(row)


def diagram(way: Sequence[Move]) -> str:
    """A way through the worlds: a line for each arrow, and one for each state that a run goes to, with its clock in seconds."""
    chart = Chart(_LANES)
    several = len({move.after.run.index for move in way}) > 1
    for move in way:
        arrow, run = move.arrow, move.after.run
        who = f"[{run.index}] " if several else ""
        chart.arrow(*_placed(arrow, who), lost=arrow.lost)
        if move.outcome is not None:
            chart.note(CLIENT, f"{who}{run.now:.3f} {_state(run)}")
    return str(chart)


def _placed(arrow: Arrow, who: str) -> tuple[str, str, str]:
    name = f"{arrow.source}: " if arrow.source in _SIDE else ""
    return _SIDE.get(arrow.source, arrow.source), _SIDE.get(arrow.target, arrow.target), f"{who}{name}{arrow.text}"


def _state(run: Run) -> str:
    state = type(run.operation).__name__
    match run.action:
        case None:
            return state
        case Send(request):
            return f"{state}: send {words_of(request)}"
        case Sleep(until):
            return f"{state}: sleep until {until:.3f}"
        case Authorize(rejected):
            return f"{state}: ask for a token" if rejected is None else f"{state}: ask for a token later than {rejected}"
        case Done(record):
            return f"the end: {record['status']}"
        case Raise(failure):
            return f"the end: {failure.error.__name__}, {failure.message}"
        case Gone(report):
            return f"the end: {report}"
