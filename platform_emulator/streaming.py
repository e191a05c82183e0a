"""A run of an agent as server-sent events: `status` for each that it enters, `output` for its result in parts, `end` with its record.

The data of every event is JSON: of `status` and `end` the execution record as it was then, of `output` `{"text": …}`, which joined are the
result as JSON text. The `id` of an event is its number, from 1 on. A run that did not end `completed` has no `output`.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from platform_core import routes
from platform_core.lifecycle import TERMINAL, ExecutionStatus
from platform_core.messages import Headers, Request, Response
from platform_core.records import ExecutionRecord

TEXT_LENGTH_MAX = 32
"""Of one `output`: short, so that a small result already comes in parts."""
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which is no event: what is silent for long is taken for dead on its way."""
KEEP_ALIVE_SECONDS = 10.0
"""How long a stream of events is silent."""

_STREAM_HEADERS = Headers((("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")))


@dataclass(frozen=True, slots=True)
class Told:
    """What whoever reads the stream has heard: so many events, the last one at this status."""

    events: int = 0
    status: ExecutionStatus | None = None

    @property
    def is_over(self) -> bool:
        """Whether the last event was told."""
        return self.status in TERMINAL


class Tale(NamedTuple):
    """A stream that goes on, for whoever has no clock: its execution, what was told of it by now, and when the last of it was."""

    execution_id: str
    told: Told
    last_at: float

    @property
    def silent_until(self) -> float:
        """When there is something to be sent in any case."""
        return self.last_at + KEEP_ALIVE_SECONDS


def told_by(told: Told, record: ExecutionRecord) -> tuple[Told, tuple[bytes, ...]]:
    """What there is to tell of a run whose record is this now, and what has been told after that."""
    events: list[tuple[str, Any]] = []
    if told.status is None:
        events.append(("status", _as_it_was(record, ExecutionStatus.PENDING)))
    if told.status in (None, ExecutionStatus.PENDING) and record["started_at"] is not None:
        events.append(("status", _as_it_was(record, ExecutionStatus.RUNNING)))
    status = ExecutionStatus(record["status"])
    if status in TERMINAL:
        if status is ExecutionStatus.COMPLETED:
            text = json.dumps(record["result"])
            events += [("output", {"text": text[at : at + TEXT_LENGTH_MAX]}) for at in range(0, len(text), TEXT_LENGTH_MAX)]
        events.append(("end", record))
    encoded = tuple(_encoded(number, kind, data) for number, (kind, data) in enumerate(events, told.events + 1))
    return Told(told.events + len(events), status), encoded


def going_on(told: Told, moved: ExecutionRecord | None) -> tuple[Told, tuple[bytes, ...]]:
    """What has been told next, and what is sent for it: the record has moved, or has not for `KEEP_ALIVE_SECONDS`, None."""
    return (told, (KEEP_ALIVE,)) if moved is None else told_by(told, moved)


def stream_answer(answer: Response) -> Response:
    """The answer to a submission as the beginning of its stream: all that can be told at once."""
    if answer.status != HTTPStatus.OK:
        return answer
    _, events = told_by(Told(), json.loads(answer.body))
    others = tuple(each for each in answer.headers if each[0] != "Content-Type")
    return Response(answer.status, Headers((*_STREAM_HEADERS, *others)), b"".join(events))


def streamed(request: Request, response: Response) -> tuple[str, Told] | None:
    """The execution that goes on after the beginning of its stream, and what was told of it; None for any other answer."""
    if response.status != HTTPStatus.OK or routes.STREAM_AGENT.match(request.method, request.path) is None:
        return None
    events = response.body.removesuffix(b"\n\n").split(b"\n\n")
    last: ExecutionRecord = json.loads(events[-1].rpartition(b"\ndata: ")[2])
    status = ExecutionStatus(last["status"])
    return None if status in TERMINAL else (last["execution_id"], Told(len(events), status))


def _as_it_was(record: ExecutionRecord, status: ExecutionStatus) -> dict[str, Any]:
    """The record when the run had entered this status; as it is now where it is still there."""
    if record["status"] == status:
        return dict(record)
    was: dict[str, Any] = {**record, "status": status.value, "result": None, "error": None, "finished_at": None}
    if status is ExecutionStatus.PENDING:
        was["started_at"] = None
        was.pop("progress", None)
    return was


def _encoded(number: int, kind: str, data: Any) -> bytes:  # noqa: ANN401 -- any JSON
    """JSON in ASCII has no line end: one line of data is enough."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), json.dumps(data, allow_nan=False).encode("ascii"))
