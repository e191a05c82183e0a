"""A run of an agent that is told by its events: its submission, its end, its breaking off, and how it is left."""

import json
from typing import Any

import pytest

from platform_core.actions import Authorize, Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.agent_stream import EDGES, Event, Heard, ReadyToStream
from platform_core.cancelling import EDGES as CANCELLING_EDGES
from platform_core.errors import (
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from platform_core.events import ServerSentEvent
from platform_core.limits import DEFAULT_LIMITS
from platform_core.machine import Ended, Misuse, Operation
from platform_core.messages import Headers, Response
from platform_core.operations import EXECUTION_SECONDS, VERDICT_SECONDS, stream_agent
from platform_core.outcomes import Authorized, FailureCause, Received, Restored, Started
from platform_core.retry import IDEMPOTENCY_KEY
from tests.support.core import EXECUTION_ID, KEYLESS, SEED, Run, answered, drive_with, heard, left, lost, record
from tests.support.walking import differences, walk

AGENT_ID = "a-1"
HEAD = Response(200, Headers((("Content-Type", "text/event-stream; charset=utf-8"),)))
BEGUN = Heard().begun(HEAD)
NO_STREAM = "the answer should be a stream of events, text/event-stream, and is not"
KNOWN = BEGUN._replace(execution_id=EXECUTION_ID)


def ready(**options: Any) -> ReadyToStream:
    return stream_agent(AGENT_ID, {"q": 1}, seed=SEED, **options)


def told(before: Heard, kind: str, data: object) -> Heard:
    text = data if isinstance(data, str) else json.dumps(data)
    return before.taken(ServerSentEvent(kind, text), None, DEFAULT_LIMITS)[0]


def ending(status: str = "completed", **fields: Any) -> Heard:
    return told(KNOWN, "end", record(status, **fields))


class Streamed(Run):
    """A stream under way, of which this was heard."""

    def __init__(self, heard_so_far: Heard = BEGUN, **options: Any) -> None:
        begun = drive_with(ready(**options))
        super().__init__(begun.operation, begun.actions)
        state: Any = self.operation
        self.operation = state.with_seen(heard_so_far)


class TestHeard:
    def test_a_stream_of_events_begins(self) -> None:
        assert (BEGUN.head, BEGUN.broken) == (HEAD, None)

    @pytest.mark.parametrize(
        "fields",
        [
            (),
            (("Content-Type", "application/json"),),
            (("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")),
        ],
    )
    def test_any_other_answer_is_nonsense(self, fields: tuple[tuple[str, str], ...]) -> None:
        head = Response(200, Headers(fields))
        found = Heard().begun(head)
        assert found.broken is not None
        assert found.broken.message == NO_STREAM
        assert found.head == head, "or the submission would be repeated"

    def test_the_first_record_names_the_execution(self) -> None:
        assert told(BEGUN, "status", record("pending")).execution_id == EXECUTION_ID

    @pytest.mark.parametrize("data", [{"status": "running"}, "text", [1]])
    def test_what_is_no_record_names_none_and_is_an_event_all_the_same(self, data: object) -> None:
        assert told(BEGUN, "status", data) == BEGUN

    def test_an_event_that_looks_like_another_record_changes_nothing(self) -> None:
        assert told(KNOWN, "output", record("completed", "other")) == KNOWN

    def test_the_record_of_the_end_is_kept(self) -> None:
        found = ending(result={"a": 1})
        assert found.end_json is not None
        assert json.loads(found.end_json) == record("completed", result={"a": 1})
        assert told(BEGUN, "end", record("completed")).execution_id == EXECUTION_ID

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ("text", "not strict JSON"),
            ([1], "a JSON object"),
            (record("completed", "other"), "of another execution"),
            (record("running"), "a status that is no end"),
        ],
    )
    def test_an_end_that_makes_no_sense_breaks_it(self, data: object, text: str) -> None:
        broken = told(KNOWN, "end", data).broken
        assert broken is not None
        assert text in broken.message

    @pytest.mark.parametrize(
        ("text", "data"),
        [('{"a": 1}', {"a": 1}), ("1", 1), ("null", None), ("plain", "plain"), ("[DONE]", "[DONE]"), ('{"a":1,"a":2}', '{"a":1,"a":2}')],
    )
    def test_data_is_parsed_where_it_is_json(self, text: str, data: object) -> None:
        event = ServerSentEvent("output", text, "7")
        assert BEGUN.taken(event, 500, DEFAULT_LIMITS)[1] == Event("output", data, "7", 500)

    def test_what_is_no_event_breaks_it(self) -> None:
        broken = BEGUN.failed("an event of more than 5 bytes").broken
        assert broken is not None
        assert broken.message == "an event of more than 5 bytes"


class TestSubmission:
    def test_it_asks_for_a_stream_within_the_deadline_of_the_run(self) -> None:
        action = drive_with(ready(timeout_seconds=60)).action
        assert (action.request.method, action.request.target) == ("POST", "/api/v1/agents/a-1/execute/stream")
        assert action.request.headers.get("Accept") == "text/event-stream"
        assert IDEMPOTENCY_KEY in action.request.headers
        assert json.loads(action.request.body.content) == {"input_data": {"q": 1}, "execution_mode": "isolated", "timeout_seconds": 60}
        assert action.deadline == 60 + VERDICT_SECONDS
        assert drive_with(ready()).action.deadline == EXECUTION_SECONDS

    def test_until_the_stream_begins_it_is_repeated_like_any_submission(self) -> None:
        run = drive_with(ready(), lost(1.0))
        assert isinstance(run.action, Sleep)
        assert isinstance(run.wake(), Send)
        assert isinstance(run.tell(answered(3.0, 401)), Authorize)
        assert isinstance(run.tell(Authorized(4.0)), Send)
        assert len({request.headers.get(IDEMPOTENCY_KEY) for request in run.requests}) == 1

    def test_without_a_key_it_is_not_repeated_where_it_may_have_been_seen(self) -> None:
        end = drive_with(ready(settings=KEYLESS), lost(1.0)).action
        assert end.failure.error is PlatformSubmissionUnknownError

    def test_one_that_was_never_seen_is_no_riddle(self) -> None:
        run = drive_with(ready())
        for at in (10.0, 30.0, 50.0):
            run.tell(lost(at, "no"))
            run.wake()
        assert run.tell(lost(70.0, "no")).failure.error is PlatformConnectionError

    def test_a_refusal_ends_it(self) -> None:
        end = drive_with(ready(), answered(1.0, 404, {"message": "no such agent"})).action
        assert (end.failure.error, end.failure.message, end.failure.handle) == (PlatformNotFoundError, "no such agent", None)

    @pytest.mark.parametrize("name", ["agent_id", "on_abandon", "timeout_seconds"])
    def test_bad_arguments_are_named(self, name: str) -> None:
        given: dict[str, Any] = {"agent_id": AGENT_ID, "seed": SEED, name: ""}
        with pytest.raises((TypeError, ValueError), match=name):
            stream_agent(**given)


class TestEnd:
    def test_the_record_of_the_last_event_is_the_end(self) -> None:
        run = Streamed(ending(result=5))
        assert run.tell(Received(2.0, HEAD, 1)) == Done(record("completed", result=5), Reason(Because.TERMINAL, "completed"))
        assert run.state == Ended(SEED)

    @pytest.mark.parametrize(
        ("status", "error"),
        [("failed", PlatformExecutionError), ("timeout", PlatformExecutionTimeoutError), ("cancelled", PlatformExecutionCancelledError)],
    )
    def test_another_end_is_its_error(self, status: str, error: type[Exception]) -> None:
        failure = Streamed(ending(status)).tell(Received(2.0, HEAD, 1)).failure
        assert (failure.error, json.loads(failure.execution_json)["status"], failure.handle.execution_id) == (error, status, EXECUTION_ID)

    @pytest.mark.parametrize(("heard_so_far", "execution_id"), [(KNOWN, EXECUTION_ID), (BEGUN, None), (Heard(), None)])
    def test_a_stream_without_an_end_is_an_error(self, heard_so_far: Heard, execution_id: str | None) -> None:
        failure = Streamed(heard_so_far).tell(Received(2.0, HEAD, 1)).failure
        assert (failure.error, failure.message) == (PlatformResponseError, "the stream ended before its event 'end'")
        assert (failure.handle and failure.handle.execution_id) == execution_id


class TestBreakingOff:
    def test_it_is_not_begun_again_and_the_handle_goes_on(self) -> None:
        end = Streamed(KNOWN).tell(lost(2.0))
        assert (end.failure.error, end.failure.handle.execution_id) == (PlatformConnectionError, EXECUTION_ID)
        assert end.failure.message.startswith("the stream broke off: ")

    def test_where_no_id_was_heard_nobody_knows(self) -> None:
        failure = Streamed(BEGUN).tell(lost(2.0, cause=FailureCause.DISCONNECTED, reused=True)).failure
        assert (failure.error, failure.sent, failure.handle) == (PlatformSubmissionUnknownError, "maybe", None)

    def test_a_silence_that_was_too_long_is_a_timeout_and_cancels_nothing(self) -> None:
        end = Streamed(KNOWN).tell(lost(400.0, cause=FailureCause.TIMEOUT))
        assert (end.failure.error, end.failure.handle.execution_id) == (PlatformTimeoutError, EXECUTION_ID)

    def test_what_makes_no_sense_is_told(self) -> None:
        failure = Streamed(KNOWN.failed("an event of more than 5 bytes")).tell(lost(2.0, cause=FailureCause.PROTOCOL)).failure
        assert (failure.error, failure.message, failure.status_code) == (PlatformResponseError, "an event of more than 5 bytes", 200)
        assert failure.handle.execution_id == EXECUTION_ID

    def test_an_answer_that_is_no_stream_is_told_and_the_submission_not_repeated(self) -> None:
        page = Response(200, Headers((("Content-Type", "text/html"),)))
        failure = Streamed(Heard().begun(page)).tell(lost(2.0, cause=FailureCause.PROTOCOL)).failure
        assert (failure.error, failure.message) == (PlatformResponseError, NO_STREAM)
        assert (failure.status_code, failure.attempts, failure.handle) == (200, 1, None)


class TestLeaving:
    def test_who_leaves_cancels_the_execution(self) -> None:
        run = Streamed(KNOWN)
        assert run.tell(left(2.0)).request.target == f"/api/v1/executions/{EXECUTION_ID}/cancel"
        end = run.tell(heard(2.5, "cancelled"))
        assert (end.report.fate, end.report.handle.execution_id) == (Fate.CANCELLED, EXECUTION_ID)

    def test_unless_it_is_to_go_on(self) -> None:
        end = Streamed(KNOWN, on_abandon="detach").tell(left(2.0))
        assert (end.report.fate, end.report.handle.execution_id) == (Fate.LEFT, EXECUTION_ID)

    def test_or_there_is_no_time(self) -> None:
        assert Streamed(KNOWN).tell(left(2.0, final=True)).report.fate == Fate.LEFT

    @pytest.mark.parametrize(
        ("heard_so_far", "sent", "fate"),
        [(Heard(), "no", Fate.NEVER_STARTED), (Heard(), "maybe", Fate.UNKNOWN), (BEGUN, "no", Fate.UNKNOWN)],
    )
    def test_where_no_id_was_heard_nothing_is_cancelled(self, heard_so_far: Heard, sent: Any, fate: Fate) -> None:
        assert Streamed(heard_so_far).tell(left(2.0, sent)) == Gone(Report(fate), Reason(Because.ABANDONED))

    def test_who_leaves_before_it_begins_starts_nothing(self) -> None:
        state = ready()
        assert state.with_seen(KNOWN) is state
        assert state.step(left(0.0, "no")) == (Ended(SEED), Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED)))

    def test_our_deadline_cancels_it_and_is_the_error(self) -> None:
        run = Streamed(KNOWN, timeout_seconds=10)
        assert run.tell(lost(40.0, cause=FailureCause.TIMEOUT)).request.target.endswith("/cancel")
        end = run.tell(heard(40.5, "cancelled"))
        assert isinstance(end, Raise)
        assert (end.failure.error, end.failure.handle and end.failure.handle.execution_id) == (PlatformTimeoutError, EXECUTION_ID)

    def test_or_the_verdict_that_the_platform_had_after_all(self) -> None:
        run = Streamed(KNOWN, timeout_seconds=10)
        run.tell(lost(40.0, cause=FailureCause.TIMEOUT))
        assert run.tell(heard(40.5, "completed", result=5)).value["result"] == 5

    def test_where_no_id_was_heard_the_deadline_is_only_an_error(self) -> None:
        end = Streamed(BEGUN, timeout_seconds=10).tell(lost(40.0, cause=FailureCause.TIMEOUT))
        assert (end.failure.error, end.failure.handle) == (PlatformTimeoutError, None)


def test_it_is_not_restored() -> None:
    for state in (ready(), ready().step(Started(0.0))[0]):
        with pytest.raises(Misuse, match="does not wait for Restored"):
            state.step(Restored(1.0))


def test_the_table_is_what_the_states_do() -> None:
    own = {edge: states for edge, states in EDGES.items() if edge not in CANCELLING_EDGES}
    starts: list[Operation[Any]] = [
        ready(timeout_seconds=10),
        *(Streamed(each, timeout_seconds=10).operation for each in (Heard(), BEGUN, KNOWN, ending())),
    ]
    found = walk(starts, (0.0, 11.0, 80.0), EDGES)
    assert differences(found._replace(edges={edge: states for edge, states in found.edges.items() if edge in own}), own) == []
