"""The vectors of `Content-Range`, read as a download reads it: to join a part to what has come, or to know a length from a 416."""

from typing import Any

import pytest

from platform_core.messages import Headers, Response
from platform_core.parts import PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE, Part, whole_length
from tests.support.vectors import name_of, rows_of

ROWS = rows_of("content_ranges")
ASKED_FROM = 4
"""Where most of the rows begin."""


def head(status: int, row: dict[str, Any]) -> Response:
    value = row["content_range"]
    return Response(status, Headers(() if value is None else (("Content-Range", value),)))


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_part_is_joined_where_it_says_and_no_other_is(row: dict[str, Any]) -> None:
    received = ASKED_FROM if row["first"] is None else row["first"]
    part = Part(received, None, '"tag"').begun(head(PARTIAL_CONTENT, row), restartable=False)
    if row["first"] is None:
        assert part.broken is not None
        assert (part.received_bytes, part.stop_bytes, part.total_bytes) == (received, None, None)
    else:
        assert part.broken is None
        assert (part.received_bytes, part.stop_bytes, part.total_bytes) == (received, row["last"] + 1, row["complete"])


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_length_alone_is_that_of_a_416(row: dict[str, Any]) -> None:
    is_alone = row["first"] is None and row["complete"] is not None
    assert whole_length(head(RANGE_NOT_SATISFIABLE, row).headers) == (row["complete"] if is_alone else None)
