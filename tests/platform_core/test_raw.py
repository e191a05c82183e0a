"""An answer as it came: what it says of its call, and what its text does not show."""

from typing import Any

import pytest

from platform_core.exchange import Answered, Plan
from platform_core.messages import Headers, Request, Response
from platform_core.raw import RawResponse, raw_response
from platform_core.retry import RetryPolicy
from tests.support.core import SEED, SETTINGS

PLAN = Plan(SEED, Request("GET", "/api/v1/x", Headers((("X-Request-ID", "sent"),))), SETTINGS.limits, RetryPolicy(), 360.0, 300.0, True, 5)


def answered(*fields: tuple[str, str]) -> Answered:
    return Answered(2.5, Response(200, Headers(fields), b"s3cret"), PLAN, sends=3, seen=True)


def test_it_has_the_answer_and_what_the_call_took() -> None:
    found = raw_response(answered(("ETag", "1"), ("X-Request-ID", "from-the-platform")))
    assert (found.status, found.headers.get("etag"), found.body) == (200, "1", b"s3cret")
    assert (found.attempts, found.elapsed, found.request_id) == (3, 2.5, "from-the-platform")


@pytest.mark.parametrize("fields", [(), (("X-Request-ID", "not one of\xa0ours"),)])
def test_where_the_answer_has_no_usable_request_id_it_is_the_one_that_was_sent(fields: Any) -> None:
    assert raw_response(answered(*fields)).request_id == "sent"


def test_its_text_shows_neither_headers_nor_body() -> None:
    found = raw_response(answered(("Set-Cookie", "s3cret")))
    assert repr(found) == "RawResponse(200, 6 bytes, attempts=3, request_id='sent')"
    assert isinstance(found, RawResponse)
