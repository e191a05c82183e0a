"""A way through the worlds as a sequence diagram in text: who told whom what, in which order, and what the run made of it."""

from collections.abc import Sequence

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep

from .network import words_of
from .world import CALLER, CLIENT, CLOCK, PLATFORM, TOKENS, WORKER, Arrow, Move, Run

_LANES = {CALLER: 8, CLIENT: 22, PLATFORM: 66, WORKER: 80}
_SIDE = {TOKENS: CALLER, CLOCK: CALLER}
"""Those that have no lane of their own stand where the caller does, with their name."""
_WIDTH = max(_LANES.values()) + 2


def diagram(way: Sequence[Move]) -> str:
    """One line for each arrow, one for each state that the run goes to, with its clock in seconds."""
    lines = [_lanes({at: name for name, at in _LANES.items()})]
    runs = {move.after.run.index for move in way}
    for move in way:
        prefix = f"[{move.after.run.index}] " if len(runs) > 1 else ""
        lines.append(_arrow(move.arrow, prefix))
        if move.outcome is not None:
            lines.append(_note(f"{prefix}{move.after.run.now:7.3f} {_state(move.after.run)}"))
    return "\n".join(line.rstrip() for line in lines)


def _lanes(texts: dict[int, str] | None = None) -> str:
    row = [" "] * _WIDTH
    for at in _LANES.values():
        row[at] = "|"
    for at, text in (texts or {}).items():
        start = max(0, at - len(text) // 2)
        row[start : start + len(text)] = text
    return "".join(row)


def _arrow(arrow: Arrow, prefix: str) -> str:
    source, target = (_SIDE.get(each, each) for each in (arrow.source, arrow.target))
    name = f"{arrow.source}: " if arrow.source in _SIDE else ""
    text = f" {prefix}{name}{arrow.text} "
    row = list(_lanes())
    if source == target:
        at = _LANES[source] + 1
        row[at:] = text
        return "".join(row)
    left, right = sorted((_LANES[source], _LANES[target]))
    forward = _LANES[source] < _LANES[target]
    width = right - left - 1
    body = text.center(width - 2, "-") if len(text) <= width - 2 else text.strip()
    shaft = f"-{body}{'x' if arrow.lost else '>'}" if forward else f"{'x' if arrow.lost else '<'}{body}-"
    row[left + 1 : right] = shaft.ljust(width)
    return "".join(row)


def _note(text: str) -> str:
    row = list(_lanes())
    row[_LANES[CLIENT] + 1 :] = f" {text}"
    return "".join(row)


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
