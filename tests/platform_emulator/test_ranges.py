import pytest

from platform_core.messages import Headers
from platform_emulator.ranges import Asked, asked_part

ETAG = '"v1"'


def asked(text: str | None, size_bytes: int = 10, if_range: str | None = None) -> Asked:
    fields = (("Range", text), ("If-Range", if_range))
    return asked_part(Headers(tuple((name, value) for name, value in fields if value is not None)), size_bytes, ETAG)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-", (0, 10)),
        ("bytes=3-5", (3, 6)),
        ("bytes=9-", (9, 10)),
        ("bytes=3-1000", (3, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-1000", (0, 10)),
        ("BYTES=1-2", (1, 3)),
    ],
)
def test_one_range_of_bytes_is_a_part(text: str, part: tuple[int, int]) -> None:
    assert asked(text) == part


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_without_a_byte_cannot_be_satisfied(text: str) -> None:
    assert asked(text) == "unsatisfiable"


def test_nothing_of_an_empty_content_can_be_sent() -> None:
    assert asked("bytes=0-", 0) == "unsatisfiable"


@pytest.mark.parametrize(
    "text", [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=1-2,4-5", "bytes=a-", "lines=1-2", "bytes=+1-"]
)
def test_what_is_no_range_of_bytes_is_ignored(text: str | None) -> None:
    assert asked(text) == "whole"


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [(ETAG, (3, 10)), ('W/"v1"', "whole"), ('"v2"', "whole"), ("v1", "whole"), ("Tue, 15 Nov 1994 12:45:26 GMT", "whole")],
)
def test_only_the_strong_tag_of_now_allows_a_part(if_range: str, expected: object) -> None:
    assert asked("bytes=3-", if_range=if_range) == expected
