"""Base URLs."""

import time
import traceback

import pytest

from platform_core.origins import Origin


@pytest.mark.parametrize(
    ("base_url", "origin", "normal"),
    [
        ("https://api.example.com", Origin("https", "api.example.com"), "https://api.example.com"),
        ("https://api.example.com/", Origin("https", "api.example.com"), "https://api.example.com"),
        ("HTTPS://API.Example.COM:443", Origin("https", "api.example.com"), "https://api.example.com"),
        ("https://api.example.com:8443/a/b/", Origin("https", "api.example.com", 8443, "/a/b"), "https://api.example.com:8443/a/b"),
        (
            "https://api.example.com/a:b/\u00e9%2F",
            Origin("https", "api.example.com", None, "/a:b/%C3%A9%2F"),
            "https://api.example.com/a:b/%C3%A9%2F",
        ),
        ("https://api.example.com/X/", Origin("https", "api.example.com", None, "/X"), "https://api.example.com/X"),
        ("https://api.example.com.", Origin("https", "api.example.com."), "https://api.example.com."),
        ("https://my_service:80", Origin("https", "my_service", 80), "https://my_service:80"),
        ("https://[2001:DB8::0001]:8443/x", Origin("https", "2001:db8::1", 8443, "/x"), "https://[2001:db8::1]:8443/x"),
        ("https://192.0.2.1", Origin("https", "192.0.2.1"), "https://192.0.2.1"),
        ("https://b\u00fccher.example", Origin("https", "xn--bcher-kva.example"), "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", Origin("https", "xn--bcher-kva.example"), "https://xn--bcher-kva.example"),
        ("http://localhost:8000", Origin("http", "localhost", 8000), "http://localhost:8000"),
        ("http://LOCALHOST:80", Origin("http", "localhost"), "http://localhost"),
        ("http://127.0.0.1:1", Origin("http", "127.0.0.1", 1), "http://127.0.0.1:1"),
        ("http://127.255.255.254:65535", Origin("http", "127.255.255.254", 65535), "http://127.255.255.254:65535"),
        ("http://[::1]:8000", Origin("http", "::1", 8000), "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]", Origin("http", "::1"), "http://[::1]"),
    ],
)
def test_a_base_url_has_one_normal_form(base_url: str, origin: Origin, normal: str) -> None:
    assert Origin.parse(base_url) == origin
    assert origin.base_url == normal
    assert Origin.parse(normal) == origin


@pytest.mark.parametrize(
    ("base_url", "rule"),
    [
        ("", "must begin with https://"),
        ("api.example.com", "must begin with https://"),
        ("api.example.com:443", "must begin with https://"),
        ("//api.example.com", "must begin with https://"),
        ("/api/v1", "must begin with https://"),
        ("https:/api.example.com", "must begin with https://"),
        ("https:api.example.com", "must begin with https://"),
        ("ftp://api.example.com", "must begin with https://"),
        ("https+x://api.example.com", "must begin with https://"),
        (" https://api.example.com", "must not have white space or control characters"),
        ("https://api.example.com\n", "must not have white space or control characters"),
        ("https://api.\texample.com", "must not have white space or control characters"),
        ("https://api.example.com\x00", "must not have white space or control characters"),
        ("https://api.example.com/\ud800", "must not have white space or control characters"),
        ("https://api.example.com?a=b", "must not have a query or a fragment"),
        ("https://api.example.com?", "must not have a query or a fragment"),
        ("https://api.example.com/#a", "must not have a query or a fragment"),
        ("https://", "must have a host"),
        ("https:///a", "must have a host"),
        ("https://:443", "must have a host"),
        ("https://api.example.com:", "must have a host and, if any, a port of digits"),
        ("https://api.example.com:http", "must have a host and, if any, a port of digits"),
        ("https://api.example.com:-1", "must have a host and, if any, a port of digits"),
        ("https://api.example.com:\u0664\u0664\u0663", "must have a host and, if any, a port of digits"),
        ("https://api.example.com:443:443", "must have a host and, if any, a port of digits"),
        ("https://2001:db8::1", "must have a host and, if any, a port of digits"),
        ("https://[2001:db8::1", "must have a host"),
        ("https://[]", "must have a host"),
        ("https://[fe80::1%25eth0]", "must have a host"),
        ("https://[v1.a]", "must have a host"),
        ("https://api.example.com:0", "must have a port from 1 to 65535"),
        ("https://api.example.com:65536", "must have a port from 1 to 65535"),
        ("https://[2001:db8::g]", "must have a host"),
        ("https://[2001:db8]", "must have an IPv6 address between its brackets"),
        ("https://[192.0.2.1]", "must have an IPv6 address between its brackets"),
        ("https://a..b", "must have a host of 1 to 63 characters between dots"),
        ("https://.", "must have a host of 1 to 63 characters between dots"),
        (f"https://{'a' * 64}.example", "must have a host of 1 to 63 characters between dots"),
        (f"https://{'a.' * 126}ab", "must have a host of 1 to 63 characters between dots and 253 in all"),
        ("https://" + "\u00fc" * 60 + ".example", "must have a host name of letters, digits and hyphens"),
        ("https://" + ".".join(["\u00fcabcdefghij"] * 20), "must have a host name of letters, digits and hyphens"),
        ("https://-a.example", "must have a host name of letters, digits and hyphens"),
        ("https://a-.example", "must have a host name of letters, digits and hyphens"),
        ("https://a%41.example", "must have a host name of letters, digits and hyphens"),
        ("https://evil.example\uff0fa.example", "must have a host name of letters, digits and hyphens"),
        ("https://evil.example\\a.example", "must have a host name of letters, digits and hyphens"),
        ("https://\u0644\u0061.example", "must have a host name of letters, digits and hyphens"),
        ("https://stra\u00dfe.example", "must have its host in the xn-- form"),
        ("https://127.1", "must have its IPv4 address as four decimal numbers"),
        ("https://2130706433", "must have its IPv4 address as four decimal numbers"),
        ("https://0x7f000001", "must have its IPv4 address as four decimal numbers"),
        ("https://256.0.0.1", "must have its IPv4 address as four decimal numbers"),
        ("https://127.0.0.01", "must have its IPv4 address as four decimal numbers"),
        ("https://api.example.com/a/../b", "must not have a dot segment"),
        ("https://api.example.com//a", "must begin with one /"),
        ("https://api.example.com/100%", "has a % that is not followed"),
        ("https://api.example.com/{org_id}", "has a placeholder"),
    ],
)
def test_a_base_url_that_breaks_a_rule_is_refused_by_it(base_url: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rf"^PLATFORM_API_URL {rule}"):
        Origin.parse(base_url, parameter="PLATFORM_API_URL")


@pytest.mark.parametrize("user", ["user:s3cret@", "s3cret@", "@", "user:s3cret@x@", "us\u2100er:s3cret@"])
@pytest.mark.parametrize("rest", ["api.example.com", "[::1", "api.example.com:port", "api.example.com?a", "a\nb", ""])
def test_user_info_is_refused_without_quoting(user: str, rest: str) -> None:
    with pytest.raises(ValueError, match=r"^base_url must not have ") as caught:
        Origin.parse(f"https://{user}{rest}")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value, limit=0))


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com",
        "http://localhost.example.com",
        "http://localhost.",
        "http://127.0.0.1.example.com",
        "http://127.example",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_http_is_for_loopback_alone_unless_allowed(base_url: str) -> None:
    with pytest.raises(
        ValueError, match=r"^base_url must begin with https://, since the token would go out in clear text; allow_http=True"
    ):
        Origin.parse(base_url)
    assert Origin.parse(base_url, allow_http=True).scheme == "http"


@pytest.mark.parametrize("base_url", [None, b"https://api.example.com", 5])
def test_a_base_url_of_another_type_is_refused(base_url: object) -> None:
    with pytest.raises(TypeError, match=rf"^base_url must be a str, not {type(base_url).__name__}$"):
        Origin.parse(base_url)


def test_a_name_may_be_as_long_as_dns_allows() -> None:
    host = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(host) == 253
    assert Origin.parse(f"https://{host}").host == host


def test_an_origin_cannot_be_changed() -> None:
    for value in (Origin("https", "a"),):
        assert not hasattr(value, "__dict__")
        for name in value._fields:
            with pytest.raises(AttributeError):
                setattr(value, name, None)


def test_a_very_long_name_is_refused_before_it_is_encoded() -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="253 in all"):
        Origin.parse("https://" + "\u00fc" * 100_000)
    assert time.process_time() - start < 1


def test_a_target_is_joined_to_the_prefix() -> None:
    assert Origin.parse("https://api.example.com:8443/a/").url("/api/v1/b?c=d") == "https://api.example.com:8443/a/api/v1/b?c=d"
    assert Origin.parse("https://api.example.com").url("//b") == "https://api.example.com//b"


def test_a_target_that_is_no_path_is_our_own_bug() -> None:
    with pytest.raises(AssertionError):
        Origin.parse("https://api.example.com").url(".evil.example/")
