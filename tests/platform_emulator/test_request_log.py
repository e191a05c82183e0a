import pytest

from platform_core.messages import Headers, Inline, Request
from platform_emulator.request_log import REQUESTS_KEPT_MAX, RequestLog


def test_requests_are_kept_without_their_credentials() -> None:
    log = RequestLog()
    log.add(
        Request("PUT", "/a?b", Headers((("Accept", "*/*"), ("authorization", "secret"), ("X-API-Key", "secret"))), Inline(b"x")), 0.0, None
    )
    assert log.requests == (Request("PUT", "/a?b", Headers((("Accept", "*/*"),)), Inline(b"x")),)


def test_of_a_login_the_body_is_not_kept() -> None:
    log = RequestLog()
    log.add(Request("POST", "/api/v1/auth/login", Headers(), Inline(b"secret")), 0.0, None)
    assert log.requests[0].body.content == b""


def test_a_bounded_number_is_kept() -> None:
    log = RequestLog()
    for number in range(REQUESTS_KEPT_MAX + 1):
        log.add(Request("GET", f"/{number}"), float(number), None)
    assert len(log.requests) == REQUESTS_KEPT_MAX
    assert log.requests[-1].target == f"/{REQUESTS_KEPT_MAX}"


def test_a_bounded_number_of_bytes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.request_log.BYTES_KEPT_MAX", 10)
    log = RequestLog()
    for size in (4, 4, 4, 10, 11, 3):
        log.add(Request("PUT", f"/{size}", Headers(), Inline(b"x" * size)), 0.0, None)
    assert [each.target for each in log.requests] == ["/3"]
