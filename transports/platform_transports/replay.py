"""Replay: run the machines again over what a journal says that happened, and see whether they decide the same.

It sends nothing and needs neither clock nor token: what decided is the journal's outcomes, the first value of each run, and the code.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, assert_never, cast
from uuid import UUID

from platform_core.machine import Misuse, Operation
from platform_core.outcomes import (
    Abandoned,
    Authorized,
    Failed,
    NotAuthorized,
    Outcome,
    Received,
    Refused,
    Restored,
    Started,
    Woke,
)
from platform_core.snapshots import snapshot
from platform_core.strange_texts import one_line

from .journal import Journal
from .journal_lines import Entry, entries, told_action

_WIDTH_MAX = 300
Place: TypeAlias = Path | str | os.PathLike[str] | Journal


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the machine of today decides otherwise than the one that wrote the journal."""

    line: int
    run: UUID
    what: str
    """The field, what stands there in the journal, and what would stand there now."""

    def __str__(self) -> str:
        return f"line {self.line}, run {self.run}: {self.what}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: how much was decided the same, and the first difference, where it ended."""

    runs: int
    decisions: int
    difference: Difference | None

    def __str__(self) -> str:
        same = f"{_counted(self.decisions, 'decision')} of {_counted(self.runs, 'run')}"
        return f"{same}: each decided the same again" if self.difference is None else f"{same}, then a difference: {self.difference}"


class Step(NamedTuple):
    """One line, replayed."""

    entry: Entry
    outcome: Outcome
    before: Operation[Any]
    difference: Difference | None


def replay(journal: Place) -> Replayed:
    """Decide all of a journal again. Raises `InvalidJournal` for a line that cannot be read, `OSError` for a file that cannot."""
    runs: set[UUID] = set()
    same = 0
    for step in steps(journal):
        runs.add(step.entry.run)
        if step.difference is not None:
            return Replayed(len(runs), same, step.difference)
        same += 1
    return Replayed(len(runs), same, None)


def steps(journal: Place) -> Iterator[Step]:
    """Each decision in turn, the first difference the last. Raises as `replay` does."""
    path = journal.path if isinstance(journal, Journal) else Path(journal)
    current: dict[UUID, Operation[Any]] = {}
    stored: dict[UUID, Operation[Any]] = {}
    """What recovery goes on with, which is not the end of a run whose client was closed."""
    last: dict[UUID, Entry] = {}
    for entry in entries(path):
        if entry.run in last and entry._replace(number=0) == last[entry.run]._replace(number=0):
            continue  # an interrupt came just when it was stored, so that it was stored again
        last[entry.run] = entry
        outcome, before, difference = entry.read_outcome(), entry.read_before(), None
        if before is None:
            before = current.get(entry.run)
        elif isinstance(outcome, Restored) and entry.run in stored:
            difference = _first_difference("before", snapshot(stored[entry.run]), snapshot(before))
        if before is None:
            message = "before: the journal does not hold how the run began"
            yield Step(entry, outcome, entry.read_value(), Difference(entry.number, entry.run, message))
            return
        after = entry.read_value()
        difference = difference or _decided_otherwise(entry, before, outcome)
        yield Step(entry, outcome, before, None if difference is None else Difference(entry.number, entry.run, difference))
        if difference is not None:
            return
        current[entry.run] = after
        if not entry.is_cut_off:
            stored[entry.run] = after


def told_outcome(outcome: Outcome) -> str:
    """An outcome in a few words."""
    match outcome:
        case Started():
            return "started"
        case Restored():
            return "restored"
        case Received(_, response):
            return f"received {response.status}"
        case Failed(_, cause, sent, reused, detail):
            return f"failed: {cause} (sent: {sent}{', reused' if reused else ''}){f': {detail}' if detail else ''}"
        case Woke():
            return "woke"
        case Refused():
            return "refused by the budget"
        case Authorized():
            return "authorized"
        case NotAuthorized(_, reason, permanent):
            return f"not authorized: {reason}{', for good' if permanent else ''}"
        case Abandoned(_, sent, final):
            return f"abandoned{', for good' if final else ''} (sent: {sent})"
        case _:
            assert_never(outcome)


def told_step(step: Step) -> str:
    """One line for a person: which run, when, what happened, what it became, what it does next, and why."""
    entry, action = step.entry, step.entry.action
    happened = one_line(told_outcome(step.outcome), _WIDTH_MAX)
    change = f"{type(step.before).__name__} → {type(entry.read_value()).__name__}"
    # A journal that came with a bug report is a stranger's text, which must not steer the terminal.
    follows = one_line(f"{_next(action)} ({action.get('reason')})", _WIDTH_MAX)
    return f"{str(entry.run)[:8]} {step.outcome.at:9.3f}  {happened:<28} {change:<28} {follows}"


def _next(action: Mapping[str, Any]) -> str:
    match action:
        case {"type": "send", "method": method, "path": path}:
            return f"{method} {path}"
        case {"type": "sleep", "until": until}:
            return f"sleep until {until:.3f}"
        case {"type": "authorize"}:
            return "ask for a token"
        case {"type": "done", "status": status, "execution_id": execution_id}:
            return f"done: {execution_id} {status}"
        case {"type": "raise", "error": error, "message": message}:
            return f"raise {error}: {message}"
        case {"type": "gone", "fate": fate}:
            return f"gone: {fate}"
        case _:
            return str(action.get("type"))


def _decided_otherwise(entry: Entry, before: Operation[Any], outcome: Outcome) -> str | None:
    try:
        after, action = before.step(outcome)
    except Misuse as misuse:
        return f"outcome: {misuse}"
    return _first_difference("value", entry.value, snapshot(after)) or _first_difference("action", entry.action, told_action(action))


def _first_difference(where: str, stored: object, now: object) -> str | None:
    """The first field in which two JSON values differ, in words."""
    if isinstance(stored, Mapping) and isinstance(now, Mapping):
        left, right = cast("Mapping[str, object]", stored), cast("Mapping[str, object]", now)
        pairs = [(name, left.get(name), right.get(name)) for name in {**left, **right}]
        return next((found for name, a, b in pairs if (found := _first_difference(f"{where}.{name}", a, b)) is not None), None)
    return None if stored == now else f"{where}: {stored!r} in the journal, {now!r} when replayed"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
