"""Media types by grammar."""

import time
from typing import Any

import pytest

from platform_core.media_types import JSON, MediaType, media_type
from platform_core.messages import Headers
from tests.support.vectors import name_of, rows_of


def read(text: str) -> MediaType | None:
    return media_type(Headers((("content-type", text),)))


@pytest.mark.parametrize("row", [row for row in rows_of("content_types") if row["media_type"] is not None], ids=name_of)
def test_a_type_is_read_as_its_vector_says(row: dict[str, Any]) -> None:
    found = read(row["content_type"])
    assert found is not None
    assert found == MediaType(row["media_type"], tuple(row["charsets"]))
    assert (found.is_any_json, found.is_utf_8) == (row["is_json"], row["is_utf_8"])


@pytest.mark.parametrize("row", [row for row in rows_of("content_types") if row["media_type"] is None], ids=name_of)
def test_what_is_no_type_by_its_vector_is_none(row: dict[str, Any]) -> None:
    assert media_type(Headers(() if row["content_type"] is None else (("Content-Type", row["content_type"]),))) is None


def test_two_fields_are_none() -> None:
    assert media_type(Headers((("Content-Type", JSON), ("Content-Type", JSON)))) is None


@pytest.mark.parametrize("part", ["; ", ";a=b", ' ;a="\\"', "a/", ";\t \t", '"'])
def test_a_hostile_field_costs_linear_time(part: str) -> None:
    start = time.process_time()
    assert read("application/json" + part * 20_000 + "\x01") is None
    assert time.process_time() - start < 1
