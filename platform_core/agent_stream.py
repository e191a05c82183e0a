"""A run of an agent that is told by its events as it goes: submitted, answered by a stream, to the record of its last event.

The events never come here: whoever reads them keeps a `Heard` and hands it in with `with_seen` before each step. Where that is broken, it
ends the sending, by an error of the kind `protocol`, and the operation says what was wrong.

Rule 1: until the stream begins, the submission is repeated like any other. Once it has begun it is not: its events would come twice.
Rule 2: a stream that breaks off ends in an error, whose handle goes on with the execution where its id was heard. It is not cancelled.
Rule 3: who leaves it, or our deadline, leaves the execution through `cleanup.py`, where its id was heard.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, assert_never, cast
from uuid import UUID

from .actions import FIRST, Because, Done, Fate, Raise, Reason, Report
from .cancelling import EDGES as CANCELLING_EDGES
from .cancelling import Cancelling
from .cleanup import CLEANUP_SECONDS, ByCaller, ByDeadline, Leaving, leave_known
from .errors import Failure, PlatformConnectionError, PlatformSubmissionUnknownError
from .events import ServerSentEvent
from .exchange import EDGES as EXCHANGE_EDGES
from .exchange import Answered, Exchange, InFlight, Unanswered, begin, facts_of, maybe_seen, no_answer
from .job import Job, Step
from .lifecycle import ExecutionStatus, is_terminal
from .limits import Limits
from .machine import Edges, Ended, check
from .media_types import media_type
from .messages import Headers, Request, Response
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .records import ExecutionRecord
from .responses import Nonsense, execution_record, failure_from_nonsense, failure_from_record, failure_from_status, is_compressed
from .strict_json import InvalidJson, strict_json
from .submission import submission_plan
from .verdicts import fail, gone

EVENT_STREAM = "text/event-stream"
END = "end"
"""The event that is the last, with the record."""
_JSON = Headers((("Content-Type", "application/json"),))


class Event(NamedTuple):
    """One event of a stream. `data` is parsed where it is JSON, by the rules for all answers, else it is the text as it came."""

    event: str
    data: Any
    id: str = ""
    """The last one that the server has given, with this event or an earlier one."""
    retry: int | None = None
    """How many milliseconds the server wants whoever connects anew to wait, as it last said."""


class Heard(NamedTuple):
    """What a stream has told so far: a value that whoever reads the events keeps up to date."""

    head: Response | None = None
    execution_id: str | None = None
    end_json: str | None = None
    """The record of the last event, as JSON text, so that this value has a hash."""
    broken: Nonsense | None = None
    """Why nothing more is taken, of the answer with this `head`."""

    def begun(self, head: Response) -> "Heard":
        """After the head of a 2xx answer."""
        media = media_type(head.headers)
        if media is None or media.name != EVENT_STREAM or is_compressed(head.headers):
            return Heard(head, broken=Nonsense(f"the answer should be a stream of events, {EVENT_STREAM}, and is not"))
        return Heard(head)

    def taken(self, event: ServerSentEvent, retry: int | None, limits: Limits) -> "tuple[Heard, Event]":
        """After this event; and the same event with its data parsed."""
        try:
            data: object = strict_json(event.data.encode(), limits.json_depth_max)
        except InvalidJson:
            return self._after(event, limits), Event(event.kind, event.data, event.last_id, retry)
        return self._after(event, limits), Event(event.kind, data, event.last_id, retry)

    def failed(self, reason: str) -> "Heard":
        """After what is no event."""
        return self._replace(broken=Nonsense(reason))

    def _after(self, event: ServerSentEvent, limits: Limits) -> "Heard":
        """The first record names the execution; that of the end ends it."""
        if event.kind != END and self.execution_id is not None:
            return self
        record = execution_record(Response(200, _JSON, event.data.encode()), limits, self.execution_id)
        if event.kind != END:
            return self if isinstance(record, Nonsense) else self._replace(execution_id=record["execution_id"])
        if isinstance(record, Nonsense):
            return self._replace(broken=record)
        if not is_terminal(record["status"]):
            return self.failed(f"the event {END!r} has a status that is no end")
        return self._replace(execution_id=record["execution_id"], end_json=json.dumps(record))


class _OfStream:
    """What the states of a stream have in common."""

    __slots__ = ()
    job: Job

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.job.seed


@dataclass(frozen=True, slots=True)
class ReadyToStream(_OfStream):
    """Nothing sent yet. Leaves to Streaming, or to the end where the caller left first."""

    job: Job
    request: Request

    def with_seen(self, heard: Heard) -> "ReadyToStream":
        """Nothing can have been told yet."""
        return self

    def step(self, outcome: Outcome, /) -> Step:
        """Submit."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at):
                plan = submission_plan(self.seed, self.request, self.job.settings, self.job.seconds)
                exchange, action = begin(plan._replace(request_seconds_max=self.job.seconds), at, 0, FIRST)
                return Streaming(self.job, exchange, Heard()), action
            case Abandoned():
                return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
            case Restored() | Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Streaming(_OfStream):
    """The submission is in flight, or its stream. Leaves to the end, or by the deadline or the caller into the clean-up."""

    job: Job
    exchange: Exchange
    heard: Heard

    def with_seen(self, heard: Heard) -> "Streaming":
        """The same, once this was told."""
        return replace(self, heard=heard)

    def step(self, outcome: Outcome, /) -> Step:
        """The end of the stream, or of the submission."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            return self._abandoned(outcome)
        if isinstance(outcome, Failed) and self.heard.head is not None:
            return self._broke_off(outcome, self.heard.head)
        end = self.exchange.step(outcome)
        match end:
            case InFlight(exchange, action):
                return replace(self, exchange=exchange), action
            case Answered():
                return self._answered(end)
            case Unanswered(_, failure, _, seen):
                return self._lost(failure, seen=seen)
            case _:
                assert_never(end)

    def _answered(self, end: Answered) -> Step:
        """A refusal, or the end of the stream."""
        response, limits = end.response, self.job.settings.limits
        if not response.is_success:
            return self._raise(failure_from_status(response, end.facts, limits))
        if self.heard.end_json is None:
            nonsense = Nonsense(f"the stream ended before its event {END!r}")
            return self._raise(failure_from_nonsense(nonsense, response, end.facts))
        record = cast("ExecutionRecord", json.loads(self.heard.end_json))
        reason = Reason(Because.TERMINAL, record["status"])
        if record["status"] == ExecutionStatus.COMPLETED:
            return Ended(self.seed), Done(record, reason)
        return fail(self.job, failure_from_record(record, end.facts), record["execution_id"], reason)

    def _broke_off(self, outcome: Failed, head: Response) -> Step:
        """The stream had begun: it is not begun again."""
        check(EXCHANGE_EDGES, self.exchange, outcome)
        heard, plan, tally = self.heard, self.exchange.plan, self.exchange.tally._replace(seen=True)
        if heard.broken is not None:
            return self._raise(failure_from_nonsense(heard.broken, head, facts_of(plan, tally.sends, outcome.at)))
        failure = no_answer(plan, tally, outcome)
        if outcome.at >= self.job.seconds and heard.execution_id is not None:
            leaving = Leaving(self.job, ByDeadline(failure), outcome.at + CLEANUP_SECONDS)
            return leave_known(leaving, heard.execution_id, outcome.at, tally.sends, final=False)
        return self._lost(failure._replace(message=f"the stream broke off: {failure.message}"), seen=True)

    def _lost(self, failure: Failure, *, seen: bool) -> Step:
        """An error for want of an answer. `seen`: there may be an execution all the same, which only its handle tells for sure."""
        if seen and self.heard.execution_id is None and issubclass(failure.error, PlatformConnectionError):
            failure = failure._replace(error=PlatformSubmissionUnknownError)
        return self._raise(failure)

    def _raise(self, failure: Failure) -> Step:
        """An error, with the handle where the execution is known."""
        if self.heard.execution_id is not None:
            return fail(self.job, failure, self.heard.execution_id, Reason.of(failure))
        return Ended(self.seed), Raise(failure, Reason.of(failure))

    def _abandoned(self, outcome: Abandoned) -> Step:
        at, execution_id = outcome.at, self.heard.execution_id
        if execution_id is not None:
            leaving = Leaving(self.job, ByCaller(), at + CLEANUP_SECONDS)
            return leave_known(leaving, execution_id, at, self.exchange.tally.sends, final=outcome.final)
        fate = Fate.UNKNOWN if self.heard.head is not None or maybe_seen(self.exchange, outcome.sent) else Fate.NEVER_STARTED
        return gone(self.seed, Report(fate), Because.ABANDONED)


EDGES: Edges = {
    **CANCELLING_EDGES,
    (ReadyToStream, Started): frozenset({Streaming}),
    (ReadyToStream, Abandoned): frozenset({Ended}),
    (Streaming, Received): frozenset({Streaming, Ended}),
    (Streaming, Failed): frozenset({Streaming, Cancelling, Ended}),
    (Streaming, Woke): frozenset({Streaming, Ended}),
    (Streaming, Refused): frozenset({Ended}),
    (Streaming, Authorized): frozenset({Streaming, Ended}),
    (Streaming, NotAuthorized): frozenset({Streaming, Ended}),
    (Streaming, Abandoned): frozenset({Cancelling, Ended}),
}
"""No state before the clean-up takes `Restored`: a stream is not stored, since nobody could go on reading it."""
