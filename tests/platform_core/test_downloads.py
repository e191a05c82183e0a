"""A download that goes on where it was cut, as an operation."""

from typing import Any

import pytest

from platform_core.actions import Authorize, Because, Done, Fate, Gone, Raise, Reason, Report, Send, Sleep
from platform_core.downloads import DOWNLOAD_SECONDS, EDGES, Downloaded, download
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from platform_core.machine import Ended, Misuse, Operation
from platform_core.messages import Response
from platform_core.outcomes import Authorized, FailureCause, Received, Refused, Restored, Started, Woke
from platform_core.parts import Part
from platform_core.retry import RETRY_COST
from tests.support.core import (
    ONE_ATTEMPT,
    REQUEST_ID,
    SEED,
    SETTINGS,
    answered,
    drive_with,
    left,
    lost,
    token_refused,
)
from tests.support.downloads import PATH, TAG, Receiver, head, ranges
from tests.support.walking import differences, walk

CONTENT = bytes(range(100))
ENDED_EARLY = "the answer ended before the content did"
STALE = lost(1.0, cause=FailureCause.DISCONNECTED, reused=True)
WHOLE = head(Content_Length="100", ETag=TAG, Content_Type="text/plain")


def begun(received: int = 0, *, restartable: bool = True, first: Response = WHOLE, **options: Any) -> Receiver:
    """A download of which so many bytes have come."""
    receiver = Receiver(drive_with(download(PATH, restartable=restartable, seed=SEED, **options)), restartable)
    if received:
        receiver.begin(first)
        receiver.take(CONTENT[:received])
    return receiver


def cut(received: int, **options: Any) -> Receiver:
    """A download that was cut there, and that has asked again once the pause was over."""
    receiver = begun(received, **options)
    receiver.tell(lost(1.0))
    receiver.run.wake()
    return receiver


def test_the_first_request_asks_for_all_of_it_as_it_is() -> None:
    action = drive_with(download(PATH, params={"v": 1}, headers={"X-Own": "1"}, seed=SEED)).action
    assert (action.request.method, action.request.target, action.deadline) == ("GET", f"{PATH}?v=1", DOWNLOAD_SECONDS)
    assert [each for each in action.request.headers if each[0] != REQUEST_ID] == [("X-Own", "1"), ("Accept", "*/*")]


def test_the_deadline_is_for_all_of_it() -> None:
    assert drive_with(download(PATH, timeout_seconds=5, seed=SEED)).action.deadline == 5
    failure = begun(40, timeout_seconds=5).tell(Received(5.0, WHOLE, 1)).failure  # what came would be gone on with, had it the time
    text = "the deadline of the call passed; last failure: the answer ended before the content did"
    assert (failure.error, failure.message, failure.elapsed) == (PlatformTimeoutError, text, 5.0)


def test_it_may_begin_anew_unless_said_otherwise() -> None:
    assert download(PATH, seed=SEED) == download(PATH, restartable=True, seed=SEED)


def test_what_a_caller_accepts_stands() -> None:
    request = drive_with(download(PATH, headers={"accept": "text/csv"}, seed=SEED)).action.request
    assert request.headers.get_all("Accept") == ("text/csv",)


@pytest.mark.parametrize("name", ["Range", "range", "If-Range"])
def test_a_header_of_ours_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"headers must not have .*: a download sets it"):
        download(PATH, headers={name: "bytes=0-"}, seed=SEED)


@pytest.mark.parametrize(("seconds", "error"), [(0, ValueError), (True, TypeError)])
def test_a_deadline_that_is_none_is_refused(seconds: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^timeout_seconds must be"):
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
    assert isinstance(receiver.tell(STALE), Send)
    assert ranges(receiver)[-1] == ("bytes=40-", TAG)


def test_once_something_has_come_another_stale_connection_is_gone_on_with_at_once() -> None:
    receiver = begun(40)
    receiver.tell(STALE)
    receiver.begin(head(206, Content_Range="bytes 40-99/100"))
    receiver.take(CONTENT[40:60])
    assert isinstance(receiver.tell(STALE), Send)
    assert isinstance(receiver.tell(STALE), Sleep)


def test_without_a_tag_it_begins_anew() -> None:
    receiver = cut(40, first=head(Content_Length="100"))
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
    assert end.failure.message == "the connection broke before the whole answer had come"


@pytest.mark.parametrize("cause", [FailureCause.TLS, FailureCause.TOO_LARGE, FailureCause.CLOSED])
def test_what_would_fail_again_is_not_tried_again(cause: FailureCause) -> None:
    assert isinstance(begun(40).tell(lost(1.0, cause=cause)), Raise)


def test_the_budget_may_refuse_a_repeat() -> None:
    receiver = begun(40)
    assert receiver.tell(lost(1.0)).cost == RETRY_COST
    assert receiver.tell(Refused(1.0)).failure.error is PlatformConnectionError


def test_a_token_is_renewed_amid_a_download() -> None:
    receiver = cut(40)
    assert isinstance(receiver.tell(answered(2.0, 401)), Authorize)
    receiver.tell(Authorized(3.0))
    assert ranges(receiver)[-1] == ("bytes=40-", TAG)


def test_without_a_token_it_ends() -> None:
    receiver = begun()
    receiver.tell(answered(1.0, 401))
    assert receiver.tell(token_refused(2.0, permanent=True)).failure.error is PlatformAuthenticationError


def test_an_answer_that_says_later_is_asked_again() -> None:
    receiver = cut(40)
    assert isinstance(receiver.tell(answered(2.0, 503)), Sleep)


@pytest.mark.parametrize(("status", "error"), [(404, PlatformNotFoundError), (503, PlatformClientError)])
def test_an_error_of_the_platform_ends_it_with_what_it_says(status: int, error: type[PlatformClientError]) -> None:
    failure = begun(settings=ONE_ATTEMPT).tell(answered(1.0, status, {"message": "not now"})).failure
    assert (failure.error, failure.status_code, failure.message) == (error, status, "not now")


@pytest.mark.parametrize("restartable", [True, False])
def test_a_416_where_all_has_come_is_the_end(*, restartable: bool) -> None:
    receiver = cut(100, first=head(ETag=TAG), restartable=restartable)
    assert receiver.tell(answered(2.0, 416, headers={"Content-Range": "bytes */100"})).value == Downloaded(100, None, TAG)


@pytest.mark.parametrize("content_range", ["bytes */99", "bytes */*"])
def test_any_other_416_is_an_error(content_range: str) -> None:
    receiver = cut(100, first=head(ETag=TAG))
    failure = receiver.tell(answered(2.0, 416, headers={"Content-Range": content_range})).failure
    assert (failure.error, failure.status_code) == (PlatformClientError, 416)


def test_a_416_to_the_whole_is_an_error() -> None:
    assert begun().tell(answered(1.0, 416, headers={"Content-Range": "bytes */0"})).failure.status_code == 416


def test_a_part_that_is_less_than_was_asked_for_is_gone_on_with_at_once() -> None:
    receiver = cut(40)
    receiver.begin(head(206, Content_Range="bytes 40-59/100"))
    receiver.take(CONTENT[40:60])
    send = receiver.tell(Received(2.0, head(206), 1))
    assert (send.request.headers.get("Range"), send.reason) == ("bytes=60-", Reason(Because.STATUS, "206"))
    assert len({each.headers.get(REQUEST_ID) for each in receiver.run.requests}) == 3
    receiver.begin(head(206, Content_Range="bytes 60-99/100"))
    assert receiver.tell(Received(3.0, head(206), 1)).failure.message == ENDED_EARLY, "this one brought nothing"


def test_a_first_byte_is_something_to_go_on_with() -> None:
    assert begun(1).tell(Received(1.0, WHOLE, 1)).request.headers.get("Range") == "bytes=1-"


def test_an_answer_that_ends_before_its_content_is_nonsense() -> None:
    receiver = cut(40)
    receiver.begin(head(206, Content_Range="bytes 40-99/100"))
    end = receiver.tell(Received(2.0, head(206), 1))
    assert (end.failure.error, end.failure.message) == (PlatformResponseError, ENDED_EARLY)


def test_a_head_that_makes_no_sense_ends_it_with_what_was_wrong() -> None:
    receiver = cut(40)
    assert not receiver.begin(head(206, Content_Range="bytes 39-99/100", X_Request_ID="r-2"))
    failure = receiver.tell(lost(2.0, cause=FailureCause.PROTOCOL)).failure
    assert (failure.error, failure.status_code, failure.attempts, failure.path) == (PlatformResponseError, 206, 2, PATH)
    assert failure.message == "the answer is another part than was asked for"


def test_what_was_handed_on_is_not_begun_anew() -> None:
    receiver = begun(40, restartable=False, first=head(Content_Length="100"))
    end = receiver.tell(STALE)
    assert end.failure.error is PlatformConnectionError
    assert end.failure.message.endswith("; it was not gone on with, since the answer had no strong entity tag")


def test_what_was_not_handed_on_yet_is_begun_anew() -> None:
    receiver = begun(restartable=False)
    assert isinstance(receiver.tell(lost(1.0)), Sleep)


def test_a_short_answer_without_a_tag_is_nonsense_where_it_was_handed_on() -> None:
    receiver = begun(40, restartable=False, first=head(Content_Length="100"))
    assert receiver.tell(Received(1.0, head(200), 1)).failure.message == ENDED_EARLY


@pytest.mark.parametrize("outcomes", [(), (lost(1.0),)], ids=["sending", "pausing"])
def test_who_leaves_leaves_nothing_behind(outcomes: tuple[Any, ...]) -> None:
    run = drive_with(download(PATH, seed=SEED), *outcomes)
    assert run.tell(left(2.0)) == Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED))


def test_who_leaves_before_it_begins_leaves_nothing_behind() -> None:
    ready = download(PATH, seed=SEED)
    assert ready.with_seen(Part(4)) is ready
    assert ready.step(left(0.0, "no")) == (Ended(SEED), Gone(Report(Fate.NEVER_STARTED), Reason(Because.ABANDONED)))


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


def test_one_attempt_is_one_answer() -> None:
    receiver = begun(settings=ONE_ATTEMPT)
    assert isinstance(receiver.tell(lost(1.0)), Raise)
