"""A download that goes on where it was cut, as an operation, and against servers that cut and change at will."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.actions import Authorize, Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.downloads import DOWNLOAD_SECONDS, EDGES, Downloaded, download
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformNotFoundError,
    PlatformResponseError,
)
from platform_core.machine import Ended, Misuse, Operation
from platform_core.messages import Headers, Request, Response
from platform_core.outcomes import Authorized, Failed, FailureCause, Received, Refused, Restored, Started, Woke
from platform_core.parts import Part
from tests.support.core import (
    MANY_ATTEMPTS,
    ONE_ATTEMPT,
    REQUEST_ID,
    SEED,
    SETTINGS,
    Run,
    answered,
    drive_with,
    left,
    lost,
    token_refused,
)
from tests.support.walking import differences, walk

PATH = "/api/v1/orgs/o/storage/objects/a"
CONTENT = bytes(range(100))
TAG = '"v1"'


def head(status: int = 200, /, **headers: str) -> Response:
    return Response(status, Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items())))


WHOLE = head(Content_Length="100", ETag=TAG, Content_Type="text/plain")


@dataclass
class Receiver:
    """What keeps the part for a download under way, and the bytes."""

    run: Run
    restartable: bool = True
    part: Part = field(default_factory=Part)
    content: bytearray = field(default_factory=bytearray)

    def begin(self, answer: Response) -> bool:
        """Whether the body of this answer is wanted."""
        self.part = self.part.begun(answer, restartable=self.restartable)
        if self.part.broken is None:
            del self.content[self.part.received_bytes :]
        return self.part.broken is None

    def take(self, piece: bytes) -> None:
        self.part, skipped = self.part.taken(len(piece))
        self.content += piece[skipped:]

    def tell(self, outcome: Any) -> Any:
        state: Any = self.run.operation
        self.run.operation = state.with_seen(self.part)
        return self.run.tell(outcome)


def begun(received: int = 0, *, restartable: bool = True, first: Response = WHOLE, **options: Any) -> Receiver:
    """A download of which so many bytes have come."""
    receiver = Receiver(drive_with(download(PATH, restartable=restartable, seed=SEED, **options)), restartable)
    if received:
        receiver.begin(first)
        receiver.take(CONTENT[:received])
    return receiver


def ranges(receiver: Receiver) -> list[tuple[str | None, str | None]]:
    return [(each.headers.get("Range"), each.headers.get("If-Range")) for each in receiver.run.requests]


def test_the_first_request_asks_for_all_of_it_as_it_is() -> None:
    action = drive_with(download(PATH, params={"v": 1}, headers={"X-Own": "1"}, seed=SEED)).action
    assert (action.request.method, action.request.target, action.deadline) == ("GET", f"{PATH}?v=1", DOWNLOAD_SECONDS)
    assert [each for each in action.request.headers if each[0] != REQUEST_ID] == [("X-Own", "1"), ("Accept", "*/*")]


def test_the_deadline_is_for_all_of_it() -> None:
    assert drive_with(download(PATH, timeout_seconds=5, seed=SEED)).action.deadline == 5


def test_what_a_caller_accepts_stands() -> None:
    request = drive_with(download(PATH, headers={"accept": "text/csv"}, seed=SEED)).action.request
    assert request.headers.get_all("Accept") == ("text/csv",)


@pytest.mark.parametrize("name", ["Range", "range", "If-Range"])
def test_a_header_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"headers must not have .*: a download sets it"):
        download(PATH, headers={name: "bytes=0-"}, seed=SEED)


@pytest.mark.parametrize(("seconds", "error"), [(0, ValueError), (True, TypeError)])
def test_a_deadline_that_is_none_is_refused(seconds: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="timeout_seconds"):
        download(PATH, timeout_seconds=seconds, seed=SEED)


def test_all_of_it_at_once_is_done() -> None:
    receiver = begun(100)
    assert receiver.tell(Received(1.0, WHOLE, 1)) == Done(Downloaded(100, "text/plain", TAG), Reason(Because.ANSWERED))
    assert receiver.run.state == Ended(SEED)


def test_an_answer_without_a_body_is_an_empty_content() -> None:
    assert begun().tell(answered(1.0, 204)).value == Downloaded(0)


def test_after_a_cut_the_rest_is_asked_for_when_the_pause_is_over() -> None:
    receiver = begun(40)
    pause = receiver.tell(lost(1.0))
    assert isinstance(pause, Sleep)
    send = receiver.tell(Woke(pause.until))
    assert ranges(receiver) == [(None, None), ("bytes=40-", TAG)]
    assert send.reason == Reason(Because.PAUSE_OVER)
    assert receiver.begin(head(206, Content_Range="bytes 40-99/100", ETag=TAG))
    receiver.take(CONTENT[40:])
    assert receiver.tell(Received(2.0, head(206), 1)).value == Downloaded(100, "text/plain", TAG)
    assert receiver.content == CONTENT


def test_a_connection_that_went_stale_is_gone_on_with_at_once() -> None:
    receiver = begun(40)
    assert isinstance(receiver.tell(lost(1.0, cause=FailureCause.DISCONNECTED, reused=True)), Send)
    assert ranges(receiver)[-1] == ("bytes=40-", TAG)


def test_without_a_tag_it_begins_anew() -> None:
    receiver = begun(40, first=head(Content_Length="100"))
    receiver.tell(lost(1.0))
    receiver.run.wake()
    assert ranges(receiver) == [(None, None), (None, None)]


def test_an_attempt_that_brought_something_is_the_first_of_a_new_row() -> None:
    receiver = begun()
    for received in range(20):
        receiver.begin(head(206, Content_Range=f"bytes {received}-99/100") if received else WHOLE)
        receiver.take(CONTENT[received : received + 1])
        pause = receiver.tell(lost(received * 10.0))
        assert pause.until <= received * 10.0 + SETTINGS.retry.pause_first_seconds
        receiver.tell(Woke(pause.until))
    assert ranges(receiver)[-1] == ("bytes=20-", TAG)


def test_attempts_that_bring_nothing_are_bounded() -> None:
    receiver = begun(40)
    for sends in range(1, SETTINGS.retry.attempts_max):
        receiver.tell(lost(sends * 20.0))
        receiver.run.wake()
    assert len(receiver.run.requests) == SETTINGS.retry.attempts_max
    end = receiver.tell(lost(100.0))
    assert (end.failure.error, receiver.run.state) == (PlatformConnectionError, Ended(SEED))


@pytest.mark.parametrize("cause", [FailureCause.TLS, FailureCause.TOO_LARGE, FailureCause.CLOSED])
def test_what_would_fail_again_is_not_tried_again(cause: FailureCause) -> None:
    assert isinstance(begun(40).tell(lost(1.0, cause=cause)), Raise)


def test_the_budget_may_refuse_a_repeat() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    assert receiver.tell(Refused(1.0)).failure.error is PlatformConnectionError


def test_a_token_is_renewed_amid_a_download() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    assert isinstance(receiver.tell(answered(2.0, 401)), Authorize)
    receiver.tell(Authorized(3.0))
    assert ranges(receiver)[-1] == ("bytes=40-", TAG)


def test_without_a_token_it_ends() -> None:
    receiver = begun()
    receiver.tell(answered(1.0, 401))
    assert receiver.tell(token_refused(2.0, permanent=True)).failure.error is PlatformAuthenticationError


def test_an_answer_that_says_later_is_asked_again() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    assert isinstance(receiver.tell(answered(2.0, 503)), Sleep)


def test_an_error_of_the_platform_ends_it() -> None:
    assert begun().tell(answered(1.0, 404)).failure.error is PlatformNotFoundError


@pytest.mark.parametrize("restartable", [True, False])
def test_a_416_where_all_has_come_is_the_end(*, restartable: bool) -> None:
    receiver = begun(100, first=head(ETag=TAG), restartable=restartable)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    assert receiver.tell(answered(2.0, 416, headers={"Content-Range": "bytes */100"})).value == Downloaded(100, None, TAG)


@pytest.mark.parametrize("content_range", ["bytes */99", "bytes */*"])
def test_any_other_416_is_an_error(content_range: str) -> None:
    receiver = begun(100, first=head(ETag=TAG))
    receiver.tell(lost(1.0))
    receiver.run.wake()
    failure = receiver.tell(answered(2.0, 416, headers={"Content-Range": content_range})).failure
    assert (failure.error, failure.status_code) == (PlatformClientError, 416)


def test_a_416_to_the_whole_is_an_error() -> None:
    assert begun().tell(answered(1.0, 416, headers={"Content-Range": "bytes */0"})).failure.status_code == 416


def test_a_part_that_is_less_than_was_asked_for_is_gone_on_with_at_once() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    receiver.begin(head(206, Content_Range="bytes 40-59/100"))
    receiver.take(CONTENT[40:60])
    send = receiver.tell(Received(2.0, head(206), 1))
    assert (send.request.headers.get("Range"), send.reason) == ("bytes=60-", Reason(Because.STATUS, "206"))
    assert len({each.headers.get(REQUEST_ID) for each in receiver.run.requests}) == 3


def test_an_answer_that_ends_before_its_content_is_nonsense() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    receiver.begin(head(206, Content_Range="bytes 40-99/100"))
    end = receiver.tell(Received(2.0, head(206), 1))
    assert (end.failure.error, end.failure.message) == (PlatformResponseError, "the answer ended before the content did")


def test_a_head_that_makes_no_sense_ends_it_with_what_was_wrong() -> None:
    receiver = begun(40)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    assert not receiver.begin(head(206, Content_Range="bytes 39-99/100", X_Request_ID="r-2"))
    failure = receiver.tell(lost(2.0, cause=FailureCause.PROTOCOL)).failure
    assert (failure.error, failure.status_code, failure.attempts, failure.path) == (PlatformResponseError, 206, 2, PATH)
    assert failure.message == "the answer is another part than was asked for"


def test_what_was_handed_on_is_not_begun_anew() -> None:
    receiver = begun(40, restartable=False, first=head(Content_Length="100"))
    end = receiver.tell(lost(1.0, cause=FailureCause.DISCONNECTED, reused=True))
    assert end.failure.error is PlatformConnectionError
    assert end.failure.message.endswith("; it was not gone on with, since the answer had no strong entity tag")


def test_what_was_not_handed_on_yet_is_begun_anew() -> None:
    receiver = begun(restartable=False)
    assert isinstance(receiver.tell(lost(1.0)), Sleep)


def test_a_short_answer_without_a_tag_is_nonsense_where_it_was_handed_on() -> None:
    receiver = begun(40, restartable=False, first=head(Content_Length="100"))
    assert receiver.tell(Received(1.0, head(200), 1)).failure.message == "the answer ended before the content did"


@pytest.mark.parametrize("outcomes", [(), (lost(1.0),)], ids=["sending", "pausing"])
def test_who_leaves_leaves_nothing_behind(outcomes: tuple[Any, ...]) -> None:
    run = drive_with(download(PATH, seed=SEED), *outcomes)
    assert run.tell(left(2.0)) == Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED))


def test_who_leaves_before_it_begins_leaves_nothing_behind() -> None:
    ready = download(PATH, seed=SEED)
    assert ready.with_seen(Part(4)) is ready
    assert ready.step(left(0.0, "no"))[1] == Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED))


def test_it_is_not_restored() -> None:
    ready = download(PATH, seed=SEED)
    for state in (ready, ready.step(Started(0.0))[0]):
        with pytest.raises(Misuse, match="does not wait for Restored"):
            state.step(Restored(1.0))


def test_the_table_is_what_the_states_do() -> None:
    first = download(PATH, seed=SEED, timeout_seconds=30.0)
    sending: Any = first.step(Started(0.0))[0]
    parts = (Part(), Part(4, 10, TAG), Part(4, 4, TAG), Part(4, 10), Part(4, 10, TAG).begun(head(206), restartable=True))
    states: list[Operation[Any]] = [first, *(sending.with_seen(part) for part in parts)]
    assert differences(walk(states, (0.0, 11.0, 80.0), EDGES), EDGES) == []


@dataclass
class Server:
    """One that serves contents, of which each is changed into the next one, and cuts its answers after so many bytes of the body."""

    contents: list[tuple[bytes, str | None]]
    cuts: list[int]
    changes: list[bool]
    ranges: bool
    chunked: bool
    slices_bytes: int

    def answer(self, request: Request, receiver: Receiver, at: float) -> Any:
        """What is reported of this request, after what came of its answer was taken."""
        if len(self.contents) > 1 and self.changes and self.changes.pop():
            del self.contents[0]
        content, tag = self.contents[0]
        asked, condition = request.headers.get("Range"), request.headers.get("If-Range")
        fields = [] if tag is None else [("ETag", tag)]
        status, start, stop = 200, 0, len(content)
        if asked is not None and self.ranges and condition == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return Received(at, Response(416, Headers((("Content-Range", f"bytes */{len(content)}"),))), 1)
            status, stop = 206, min(len(content), start + self.slices_bytes)
            fields.append(("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}"))
        if not self.chunked:
            fields.append(("Content-Length", str(stop - start)))
        answer = Response(status, Headers(tuple(fields)))
        if not receiver.begin(answer):
            return Failed(at, FailureCause.PROTOCOL, "maybe")
        cut = self.cuts.pop() if self.cuts else None
        receiver.take(content[start : stop if cut is None else min(start + cut, stop)])
        if receiver.part.broken is not None:
            return Failed(at, FailureCause.PROTOCOL, "maybe")
        return Received(at, answer, 1) if cut is None else Failed(at, FailureCause.READ, "maybe")


TAGS = st.sampled_from([None, '"a"', '"b"', '"c"', 'W/"d"'])
VERSIONS = st.lists(st.tuples(st.binary(max_size=20), TAGS), min_size=1, max_size=3, unique_by=lambda each: each[1] or object())
SERVERS = st.builds(
    Server,
    VERSIONS,
    st.lists(st.integers(0, 20), max_size=8),
    st.lists(st.booleans(), max_size=8),
    st.booleans(),
    st.booleans(),
    st.integers(1, 30),
)


def ended(server: Server, receiver: Receiver) -> Any:
    """The end of a download from this server; every pause is slept through."""
    at = 0.0
    while True:
        action, at = receiver.run.action, at + 0.001
        match action:
            case Send(request):
                receiver.tell(server.answer(request, receiver, at))
            case Sleep(until):
                at = max(at, until)
                receiver.tell(Woke(at))
            case _:
                return action


@given(SERVERS, st.booleans())
def test_whatever_is_cut_or_changed_one_content_comes_whole_or_an_error(server: Server, restartable: bool) -> None:
    contents = [content for content, _ in server.contents]
    receiver = Receiver(drive_with(download(PATH, restartable=restartable, seed=SEED, settings=MANY_ATTEMPTS)), restartable)
    end = ended(server, receiver)
    if not isinstance(end, Raise):
        assert bytes(receiver.content) in contents
        assert end.value == Downloaded(len(receiver.content), None, receiver.part.etag)
    else:
        assert not restartable, "what can be begun anew comes in the end"
        assert any(content.startswith(bytes(receiver.content)) for content in contents)


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 30), st.booleans())
def test_with_ranges_no_byte_is_sent_twice(cuts: list[int], slices_bytes: int, chunked: bool) -> None:
    content = bytes(range(50))
    receiver = Receiver(drive_with(download(PATH, seed=SEED, settings=MANY_ATTEMPTS)))
    server = Server([(content, TAG)], cuts, [], ranges=True, chunked=chunked, slices_bytes=slices_bytes)
    assert ended(server, receiver).value == Downloaded(50, None, TAG)
    starts = [0 if each is None else int(each.removeprefix("bytes=").removesuffix("-")) for each, _ in ranges(receiver)]
    assert starts == sorted(starts)


def test_one_attempt_is_one_answer() -> None:
    receiver = begun(settings=ONE_ATTEMPT)
    assert isinstance(receiver.tell(lost(1.0)), Raise)
