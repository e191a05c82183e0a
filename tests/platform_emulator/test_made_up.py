import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.messages import Headers, Request, Response
from platform_emulator.components import ORG_ID
from platform_emulator.made_up import BLOCK_BYTES, generated_bytes, is_discarded, missing_part, pieces
from platform_emulator.ranges import Part

OBJECTS = f"/api/v1/orgs/{ORG_ID}/storage/objects"
SIZE = 3 * BLOCK_BYTES + 100
WHOLE = b"".join(pieces(Part(0, SIZE)))


@pytest.mark.parametrize(
    ("name", "size_bytes"),
    [
        ("generated-0", 0),
        ("generated-1073741824", 2**30),
        ("generated-", None),
        ("generated--1", None),
        ("generated-1x", None),
        ("x", None),
    ],
)
def test_the_name_tells_the_size(name: str, size_bytes: int | None) -> None:
    assert generated_bytes(name) == size_bytes


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_each_part_is_that_of_the_whole(one: int, other: int) -> None:
    start, stop = sorted((one, other))
    assert b"".join(pieces(Part(start, stop))) == WHOLE[start:stop]


def test_no_block_can_stand_for_another() -> None:
    blocks = [WHOLE[at : at + BLOCK_BYTES] for at in range(0, 3 * BLOCK_BYTES, BLOCK_BYTES)]
    assert len({block[:16] for block in blocks}) == 3
    assert {len(block) for block in pieces(Part(0, 2 * BLOCK_BYTES))} == {BLOCK_BYTES}


@pytest.mark.parametrize(
    ("method", "name", "response"),
    [
        ("GET", "other", Response(200, Headers((("Content-Length", "5"),)))),
        ("HEAD", "generated-5", Response(200, Headers((("Content-Length", "5"),)))),
        ("GET", "generated-5", Response(404, Headers((("Content-Length", "5"),)))),
        ("GET", "generated-5", Response(200, body=b"12345")),
        ("GET", "generated-0", Response(200)),
    ],
)
def test_nothing_is_missing_in_other_answers(method: str, name: str, response: Response) -> None:
    assert missing_part(Request(method, f"{OBJECTS}/{name}"), response) is None


@pytest.mark.parametrize(
    ("method", "name", "expected"), [("PUT", "discarded", True), ("GET", "discarded", False), ("PUT", "discarded-too", False)]
)
def test_only_a_body_for_one_name_is_discarded(method: str, name: str, expected: object) -> None:
    assert is_discarded(Request(method, f"{OBJECTS}/{name}")) is expected
