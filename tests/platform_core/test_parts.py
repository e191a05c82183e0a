"""What has come of a content, and what an answer must be to go on with it: RFC 9110, sections 8.8, 13.1.5, 14 and 15.3.7."""

import pytest

from platform_core.messages import Headers, Response
from platform_core.parts import Part, strong_tag, whole_length
from tests.support.downloads import TAG, head

FOUR_OF_TEN = Part(4, 10, TAG, "text/plain")


def rest(content_range: str | None = "bytes 4-9/10", **headers: str) -> Response:
    return head(206, **({} if content_range is None else {"Content_Range": content_range}), **headers)


def why(part: Part) -> str:
    return "" if part.broken is None else part.broken.message


def test_of_nothing_all_is_asked_for() -> None:
    assert Part().range_headers() == ()
    assert Part(0, 10, TAG).range_headers() == ()


def test_the_rest_is_asked_for_if_it_is_still_the_same() -> None:
    assert FOUR_OF_TEN.range_headers() == (("Range", "bytes=4-"), ("If-Range", TAG))


def test_without_a_tag_the_rest_is_not_asked_for() -> None:
    assert Part(4, 10).range_headers() == ()


def test_the_first_answer_tells_what_the_whole_is() -> None:
    answer = head(Content_Length="10", ETag=TAG, Content_Type="text/plain")
    part = Part().begun(answer, restartable=True)
    assert part == Part(0, 10, TAG, "text/plain", 0, 10, answer, None)
    part, skipped = part.taken(4)
    assert (part.received_bytes, skipped, part.is_complete) == (4, 0, False)
    part, _ = part.taken(6)
    assert part.is_complete


@pytest.mark.parametrize("length", ["", "-1", "1e3", "5, 5", "9" * 19, None])
def test_a_length_that_is_none_is_not_known(length: str | None) -> None:
    part = Part().begun(head(**({} if length is None else {"Content_Length": length})), restartable=True)
    assert (part.total_bytes, part.stop_bytes) == (None, None)
    assert part.taken(100)[0].is_complete


@pytest.mark.parametrize(
    ("tag", "strong"),
    [(TAG, True), ('""', True), ('"\xe9!#~"', True), ('W/"v1"', False), ("v1", False), ('"a"b"', False), ('"a b"', False)],
)
def test_only_a_strong_tag_is_one(tag: str, *, strong: bool) -> None:
    assert strong_tag(Headers((("ETag", tag),))) == (tag if strong else None)
    assert strong_tag(Headers()) is None


@pytest.mark.parametrize(
    "answer",
    [rest("bytes 4-9/10"), rest("BYTES 4-9/10"), rest("bytes 4-9/*"), rest("bytes 4-6/10"), rest(ETag=TAG), rest(Content_Length="6")],
)
def test_the_part_that_was_asked_for_goes_on(answer: Response) -> None:
    part = FOUR_OF_TEN.begun(answer, restartable=True)
    assert (why(part), part.received_bytes, part.total_bytes, part.head) == ("", 4, 10, answer)
    assert part.taken(3)[0].received_bytes == 7


def test_of_a_part_nothing_is_dropped_whatever_was_still_to_be_dropped_of_the_answer_before() -> None:
    cut, _ = FOUR_OF_TEN.begun(head(Content_Length="10", ETag=TAG), restartable=True).taken(1)
    assert cut.begun(rest(), restartable=True).taken(6) == (Part(10, 10, TAG, None, 0, 10, rest()), 0)


def test_a_part_tells_the_length_that_the_first_answer_did_not() -> None:
    assert FOUR_OF_TEN._replace(total_bytes=None).begun(rest(), restartable=True).total_bytes == 10


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (rest(None), "the answer is a part, and does not say of what"),
        (rest("bytes */10"), "the answer is a part, and does not say of what"),
        (rest("items 4-9/10"), "the answer is a part, and does not say of what"),
        (rest("bytes 4-9/10, bytes 4-9/10"), "the answer is a part, and does not say of what"),
        (rest("bytes 3-9/10"), "the answer is another part than was asked for"),
        (rest("bytes 5-9/10"), "the answer is another part than was asked for"),
        (rest("bytes 4-3/10"), "the answer's Content-Range makes no sense"),
        (rest("bytes 4-10/10"), "the answer's Content-Range makes no sense"),
        (rest("bytes 4-10/*"), "the answer's Content-Range makes no sense"),
        (rest("bytes 4-9/11"), "the content has another length than before"),
        (rest(Content_Length="7"), "the answer's length is not that of its Content-Range"),
        (rest(ETag='"v2"'), "the part is one of another content"),
        (rest(ETag='W/"v1"'), "the part is one of another content"),
        (rest(Content_Encoding="gzip"), "the content has a content encoding, which was not asked for"),
    ],
)
def test_a_part_that_does_not_fit_is_nonsense(answer: Response, text: str) -> None:
    part = FOUR_OF_TEN.begun(answer, restartable=True)
    assert (why(part), part.head, part.received_bytes) == (text, answer, 4)


@pytest.mark.parametrize("part", [Part(), Part(4, 10)], ids=["nothing", "no tag"])
def test_a_part_that_was_not_asked_for_is_nonsense(part: Part) -> None:
    broken = part.begun(rest(), restartable=True)
    assert (why(broken), broken.head) == ("the answer is a part, and the whole was asked for", rest())


@pytest.mark.parametrize("restartable", [True, False])
def test_the_same_whole_again_is_gone_on_with_behind_what_has_come(*, restartable: bool) -> None:
    part = FOUR_OF_TEN.begun(head(Content_Length="10", ETag=TAG), restartable=restartable)
    assert (why(part), part.received_bytes) == ("", 4)
    part, skipped = part.taken(3)
    assert (part.received_bytes, skipped, part.is_complete) == (4, 3, False)
    part, skipped = part.taken(7)
    assert (part.received_bytes, skipped, part.is_complete) == (10, 1, True)


def test_the_same_whole_that_ends_before_what_has_come_is_not_complete() -> None:
    part = FOUR_OF_TEN._replace(total_bytes=None).begun(head(ETag=TAG), restartable=True)
    assert not part.taken(2)[0].is_complete


def test_the_same_tag_with_another_length_is_nonsense() -> None:
    answer = head(Content_Length="11", ETag=TAG)
    broken = FOUR_OF_TEN.begun(answer, restartable=True)
    assert (why(broken), broken.head) == ("the content has another length than before, and the same entity tag", answer)


def test_the_same_tag_without_a_length_is_as_long_as_it_was() -> None:
    part, _ = FOUR_OF_TEN.begun(head(ETag=TAG), restartable=True).taken(8)
    assert (part.received_bytes, part.total_bytes, part.is_complete) == (8, 10, False)
    assert "more bytes than it said" in why(part.taken(3)[0])


def test_the_same_whole_tells_the_length_that_the_first_answer_did_not() -> None:
    part = FOUR_OF_TEN._replace(total_bytes=None).begun(head(Content_Length="10", ETag=TAG), restartable=True)
    assert (why(part), part.total_bytes, part.is_complete) == ("", 10, False)


OTHER_WHOLES = [head(Content_Length="3", ETag='"v2"'), head(Content_Length="3"), head(Content_Length="3", ETag='W/"v1"')]


@pytest.mark.parametrize("answer", OTHER_WHOLES)
def test_another_whole_begins_anew_where_what_has_come_can_be_taken_back(answer: Response) -> None:
    part = FOUR_OF_TEN.begun(answer, restartable=True)
    assert (why(part), part.received_bytes, part.total_bytes, part.head) == ("", 0, 3, answer)


@pytest.mark.parametrize("answer", OTHER_WHOLES)
def test_another_whole_is_nonsense_where_some_of_the_one_before_was_handed_on(answer: Response) -> None:
    broken = FOUR_OF_TEN.begun(answer, restartable=False)
    assert (why(broken), broken.head) == ("the content is another one than before, and some of that was handed on", answer)


def test_what_had_no_tag_begins_anew_also_where_it_has_one_now() -> None:
    assert Part(4, 10).begun(head(ETag=TAG), restartable=True).received_bytes == 0


def test_more_than_an_answer_said_is_nonsense() -> None:
    part = FOUR_OF_TEN.begun(rest("bytes 4-6/10"), restartable=True)
    part, _ = part.taken(3)
    broken, dropped = part.taken(1)
    assert (why(broken), dropped, broken.received_bytes) == ("the answer has more bytes than it said", 1, 7)
    assert broken.head == rest("bytes 4-6/10")


@pytest.mark.parametrize(
    ("content_range", "length"),
    [("bytes */10", 10), ("BYTES */10", 10), ("bytes */*", None), ("bytes 4-9/10", None), ("10", None), (None, None)],
)
def test_a_416_tells_the_length(content_range: str | None, length: int | None) -> None:
    assert whole_length(head(416, **({} if content_range is None else {"Content_Range": content_range})).headers) == length
