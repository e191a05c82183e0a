"""A request as the bytes that a connection sends, and what cannot be said in HTTP."""

import pytest

from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, TransportError
from platform_transports.http1.request import EncodedRequest, encoded

CREDENTIALS = Credentials("Authorization", "Bearer s3cr3t")
PLACE = "no absolute http or https URL in ASCII, or no such method"
NAME = "a header whose name cannot be sent"
VALUE = "a header whose value cannot be sent"


def outgoing(method: str = "GET", url: str = "https://a.test/a", body: bytes = b"", *headers: tuple[str, str]) -> OutgoingRequest:
    return OutgoingRequest(method, url, Headers(headers), Inline(body))


def made(request: OutgoingRequest) -> EncodedRequest:
    found = encoded(request, CREDENTIALS)
    assert isinstance(found, EncodedRequest)
    return found


def test_it_is_what_was_said_and_no_more() -> None:
    request = outgoing("POST", "https://API.test:8443/a?b=%20", b"{}", ("Accept", "a/b"), ("X-Name", "Müller"))
    assert made(request).pieces == (
        (
            b"POST /a?b=%20 HTTP/1.1\r\nHost: API.test:8443\r\nAccept: a/b\r\nX-Name: M\xfcller\r\n"
            b"Authorization: Bearer s3cr3t\r\nContent-Length: 2\r\n\r\n{}"
        ),
    )


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("https://a.test", ("https", "a.test", 443), b"a.test", b"/"),
        ("HTTP://A.test:80/x", ("http", "a.test", 80), b"A.test", b"/x"),
        ("http://[::1]:8080/x", ("http", "::1", 8080), b"[::1]:8080", b"/x"),
        ("https://127.0.0.1:80/", ("https", "127.0.0.1", 80), b"127.0.0.1:80", b"/"),
        ("http://a/x/y//z?b=c/d", ("http", "a", 80), b"a", b"/x/y//z?b=c/d"),
        ("https://a.test/x?to=http://b.test/", ("https", "a.test", 443), b"a.test", b"/x?to=http://b.test/"),
    ],
)
def test_a_url_is_an_origin_and_a_target(url: str, origin: tuple[str, str, int], host: bytes, target: bytes) -> None:
    found = made(outgoing(url=url))
    assert found.origin == origin
    assert found.pieces[0].startswith(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n")


@pytest.mark.parametrize(("method", "said"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("DELETE", False)])
def test_an_empty_body_has_its_length_said_where_one_is_expected(method: str, said: bool) -> None:
    assert (b"Content-Length: 0" in made(outgoing(method)).pieces[0]) is said


def test_a_body_of_64_kib_goes_out_with_its_head() -> None:
    body = b"a" * 64 * 1024
    (piece,) = made(outgoing("PUT", body=body)).pieces
    assert piece.endswith(b"\r\nContent-Length: 65536\r\n\r\n" + body)


def test_a_longer_body_is_not_copied() -> None:
    body = b"a" * (64 * 1024 + 1)
    head, content = made(outgoing("PUT", body=body)).pieces
    assert head.endswith(b"\r\nContent-Length: 65537\r\n\r\n")
    assert content is body


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        *[
            (outgoing(url=url), PLACE)
            for url in (
                "",
                "/a",
                "https://",
                "http:///a",
                "ftp://a.test/",
                "https:a.test/",
                "https://a.test:0/",
                "https://a.test:65536/",
                "https://user@a.test/",
                "https://a.test?b=c/d",
                "https://a.test/a b",
                "https://a.test/a\r\nX: y",
                "https://a.test/ä",
                "https://ä.test/",
                "https://a.test/a#b",
                "/a?to=https://a.test/",
            )
        ],
        *[(outgoing(method), PLACE) for method in ("", "GET /x", "CONNECT")],
        *[
            (outgoing("GET", "https://a.test/", b"", (name, "a")), NAME)
            for name in ("", "X A", "Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "EXPECT")
        ],
        *[
            (outgoing("GET", "https://a.test/", b"", ("X-A", value)), VALUE)
            for value in ("a\r\nX-B: b", "a\nb", "a\rb", "a\x00", "a\x7f", "\u20ac")
        ],
    ],
)
def test_what_cannot_be_said_in_http_is_not_sent_and_the_error_says_why(request_: OutgoingRequest, detail: str) -> None:
    error = encoded(request_, CREDENTIALS)
    assert isinstance(error, TransportError)
    assert (error.kind, error.sent, error.detail) == (FailureCause.LOCAL, "no", detail)


def test_no_text_of_it_shows_the_token() -> None:
    assert "s3cr3t" not in repr(made(outgoing()))
