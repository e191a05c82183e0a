"""The lines of a journal: a decision as one line of JSON, and back, checked like any input.

Rule 1: a line holds what happened, what the run is after it and what it does next; where a run begins or goes on, what it was before.
Rule 2: of an answer it holds what decisions are made of, without what looks like a token: there are servers that echo the request.
Rule 3: plain calls have no lines. There is nothing to go on with, and their answers may be anything, that to a login among them.
Rule 4: half a last line is what a process leaves that died while it wrote: it is as if it had not been begun.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, assert_never
from uuid import UUID

from platform_core.actions import Action, Authorize, Done, Fate, Gone, Raise, Send, Sleep
from platform_core.call import AnyContent, Calling, ReadyToCall
from platform_core.exchange import REQUEST_ID
from platform_core.machine import Decision, Operation
from platform_core.messages import Headers, Response
from platform_core.outcomes import Failed, Outcome, Received, Restored, Started
from platform_core.responses import redirect_host
from platform_core.resuming import first_outcome
from platform_core.snapshots import restore, restored_outcome, snapshot, stored_outcome
from platform_core.stored_values import InvalidSnapshot, json_object
from platform_core.strange_texts import first_bytes, one_line, without_secrets

T = TypeVar("T")

VERSION = 1
MAGIC = b'{"journal":%d,' % VERSION
"""What every line begins with, and so every journal."""
DETAIL_LENGTH_MAX = 1000
"""Of a transport's own word: more than an error shows of it, so that its message comes out the same again."""
KEPT_HEADERS = frozenset({"content-type", "content-encoding", "retry-after", "date", "x-request-id"})
"""Those that decisions are made of; of `Location`, the host is kept besides."""


class InvalidJournal(ValueError):  # noqa: N818 -- what a stranger gave us, as `InvalidSnapshot`
    """Not a journal, or one with a line that this version could not have written. The message names the line and the field."""


class Entry(NamedTuple):
    """One line: which run it tells of, and, as it stands there, what happened and what came of it."""

    number: int
    """Of the line, from 1."""
    run: UUID
    outcome: Mapping[str, Any]
    before: Mapping[str, Any] | None
    value: Mapping[str, Any]
    action: Mapping[str, Any]
    """As `told_action` tells it."""

    @property
    def is_end(self) -> bool:
        """Whether the run has ended with it."""
        return self.action["type"] in _ENDS

    @property
    def is_cut_off(self) -> bool:
        """Whether the run was left for good in the middle, its client closed, say, while something may be running: no end of it."""
        return self.outcome.get("final") is True and self.action.get("fate") in _GOES_ON

    def read_outcome(self) -> Outcome:
        """What happened. Raises `InvalidJournal`."""
        return _read(lambda: restored_outcome(self.outcome, "outcome"), self.number)

    def read_value(self) -> Operation[Any]:
        """What the run is after it, with its action in flight. Raises `InvalidJournal`."""
        return _operation(self, self.value, "value")

    def read_before(self) -> Operation[Any] | None:
        """What the run was, where it begins or goes on with this line. Raises `InvalidJournal`."""
        return None if self.before is None else _operation(self, self.before, "before")


def written(decision: Decision) -> bytes | None:
    """The line of a decision, with its end; None for a plain call's."""
    before = decision.before
    if isinstance(before, (ReadyToCall, Calling)) and isinstance(before.call.expected, AnyContent):
        return None
    members: dict[str, Any] = {"journal": VERSION, "run": str(decision.operation_id), "outcome": stored_outcome(kept(decision.outcome))}
    # An interrupt may come before a run is started, so that its first line tells of something else.
    if isinstance(decision.outcome, Restored) or isinstance(first_outcome(before), Started):
        members["before"] = snapshot(before)
    members |= {"value": snapshot(decision.after), "action": told_action(decision.action)}
    return json.dumps(members, separators=(",", ":")).encode() + b"\n"


def entries(path: Path) -> Iterator[Entry]:
    """The whole lines of a journal. Raises `InvalidJournal`, or `OSError` where the file cannot be read."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield _entry(number, line)
            elif number == 1:
                check_beginning(line)


def check_beginning(beginning: bytes) -> None:
    """Raise `InvalidJournal` where a file begins otherwise than a journal does, or than the half first line of one."""
    if beginning[: len(MAGIC)] != MAGIC[: len(beginning)]:
        message = f"this file is no journal of version {VERSION}"
        raise InvalidJournal(message)


def unfinished(path: Path) -> dict[UUID, Operation[Any]]:
    """The runs that had not ended, in the order in which they began, each as it was stored last. Raises as `entries` does."""
    last: dict[UUID, Entry] = {}
    for entry in entries(path):
        if entry.is_cut_off:
            continue
        last.pop(entry.run, None) if entry.is_end else last.update({entry.run: entry})
    return {run: entry.read_value() for run, entry in last.items()}


def kept(outcome: Outcome) -> Outcome:
    """An outcome without what decides nothing and may be a secret."""
    if isinstance(outcome, Failed):
        return replace(outcome, detail=one_line(outcome.detail, DETAIL_LENGTH_MAX))
    if not isinstance(outcome, Received):
        return outcome
    response = outcome.response
    headers = [(name, without_secrets(value)) for name, value in response.headers if name.lower() in KEPT_HEADERS]
    host = redirect_host(response)
    if host is not None:
        headers.append(("Location", f"//{host}"))
    body = first_bytes(response.body, len(response.body))
    return Received(outcome.at, Response(response.status, Headers(tuple(headers)), body), outcome.generation)


def told_action(action: Action[Any]) -> dict[str, Any]:
    """What a run does next, and why, without what its value holds already."""
    told: dict[str, Any]
    match action:
        case Send(request, deadline):
            told = {"type": "send", "method": request.method, "path": request.path, "request_id": request.headers.get(REQUEST_ID)}
            told["deadline"] = deadline
        case Sleep(until, cost):
            told = {"type": "sleep", "until": until, "cost": cost}
        case Authorize(rejected, deadline):
            told = {"type": "authorize", "rejected": rejected, "deadline": deadline}
        case Done(record):
            told = {"type": "done", "execution_id": record["execution_id"], "status": record["status"]}
        case Raise(failure):
            handle = None if failure.handle is None else failure.handle.to_dict()
            told = {"type": "raise", "error": failure.error.__name__, "message": failure.message, "handle": handle}
        case Gone(report):
            handle = None if report.handle is None else report.handle.to_dict()
            told = {"type": "gone", "fate": str(report.fate), "handle": handle}
        case _:
            assert_never(action)
    return {**told, "reason": str(action.reason)}


_ENDS = frozenset({"done", "raise", "gone"})
_GOES_ON = frozenset({str(Fate.LEFT), str(Fate.UNKNOWN)})


def _entry(number: int, line: bytes) -> Entry:
    if number == 1:
        check_beginning(line)
    try:
        found: object = json.loads(line)
        members = json_object(found, "it")
        run = UUID(str(members.get("run")))
        outcome, value, action = (json_object(members.get(name), name) for name in ("outcome", "value", "action"))
        before = json_object(members["before"], "before") if "before" in members else None
    except (ValueError, RecursionError) as error:
        fault = error if isinstance(error, InvalidSnapshot) else "it is no line of a journal"
    else:
        if isinstance(action.get("type"), str):
            return Entry(number, run, outcome, before, value, action)
        fault = "action.type must be a string"
    message = f"line {number}: {fault}"
    raise InvalidJournal(message)


def _operation(entry: Entry, stored: Mapping[str, Any], where: str) -> Operation[Any]:
    operation = _read(lambda: restore(stored), entry.number)
    if operation.seed == entry.run:
        return operation
    message = f"line {entry.number}: {where} is of another run"
    raise InvalidJournal(message)


def _read(reading: Callable[[], T], number: int) -> T:
    try:
        return reading()
    except InvalidSnapshot as error:
        message = f"line {number}: {error}"
    raise InvalidJournal(message)
