"""Values of requests and answers, and the checks of what callers put into them."""

import traceback
from enum import Enum, StrEnum
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest

from platform_core.messages import (
    FORBIDDEN_HEADERS,
    External,
    Headers,
    Inline,
    OutgoingRequest,
    Request,
    Response,
    checked_header,
    checked_headers,
    checked_id,
    checked_target,
    encoded_path,
    encoded_query,
    segment,
)
from tests.support.frozen import field_names

ID = UUID("2B1F7A9E-0000-4000-8000-00000000ABCD")
CONTROL = ["\x00", "\t", "\r", "\n", "\x1f", "\x7f", "\x85"]


class Named(StrEnum):
    ECHO = "echo"


class Mixed(str, Enum):  # noqa: UP042 -- whose str() is not its value
    ECHO = "echo"


class TestHeaders:
    headers = Headers((("Accept", "a"), ("X-Many", "1"), ("x-many", "2")))

    def test_names_compare_without_case(self) -> None:
        assert self.headers.get("accept") == "a"
        assert "ACCEPT" in self.headers

    def test_fields_of_one_name_are_joined(self) -> None:
        assert self.headers.get("X-MANY") == "1, 2"
        assert self.headers.get_all("x-Many") == ("1", "2")

    def test_a_name_that_is_not_there_is_none(self) -> None:
        assert self.headers.get("X-Other") is None
        assert "X-Other" not in self.headers

    def test_fields_keep_their_order(self) -> None:
        assert list(self.headers) == [("Accept", "a"), ("X-Many", "1"), ("x-many", "2")]
        assert len(self.headers) == 3

    def test_defaults_fill_in_what_is_not_there(self) -> None:
        filled = self.headers.with_defaults([("accept", "b"), ("X-New", "n"), ("x-new", "m")])
        assert filled.fields == (*self.headers.fields, ("X-New", "n"), ("x-new", "m"))
        assert Headers().with_defaults([("X-New", "n"), ("x-new", "m")]).fields == (("X-New", "n"), ("x-new", "m"))


class TestTexts:
    def test_a_request_shows_its_path_without_the_query(self) -> None:
        assert Request("GET", "/api/v1/a?secret=1").path == "/api/v1/a"

    def test_an_external_body_has_no_bytes_to_show(self) -> None:
        with pytest.raises(TypeError, match=r"^this body is external"):
            _ = External(3, replayable=True).content

    def test_an_external_body_has_no_negative_length(self) -> None:
        assert (External(0, replayable=True).length, External(None, replayable=False).length) == (0, None)
        with pytest.raises(ValueError, match=r"^length must not be negative, not -1$"):
            External(-1, replayable=True)

    def test_no_body_is_shown(self) -> None:
        assert "secret" not in repr(Request("POST", "/a", body=Inline(b"secret")))
        assert repr(Inline(b"secret")) == "Inline(6 bytes)"
        assert repr(Response(200, body=b"secret")) == "Response(200, 6 bytes)"


@pytest.mark.parametrize(("status", "success"), [(199, False), (200, True), (204, True), (299, True), (300, False), (404, False)])
def test_2xx_is_success(status: int, success: bool) -> None:
    assert Response(status).is_success is success


def test_a_message_cannot_be_changed() -> None:
    for value in (Headers(), Inline(b""), Request("GET", "/a"), OutgoingRequest("GET", "u", Headers(), Inline(b"")), Response(200)):
        assert not hasattr(value, "__dict__")
        for name in field_names(type(value)) or ():
            with pytest.raises(AttributeError):
                setattr(value, name, None)


class TestIds:
    @pytest.mark.parametrize(
        ("value", "text", "encoded"),
        [
            (ID, "2b1f7a9e-0000-4000-8000-00000000abcd", "2b1f7a9e-0000-4000-8000-00000000abcd"),
            ("AZaz09-._~", "AZaz09-._~", "AZaz09-._~"),
            ("a/b", "a/b", "a%2Fb"),
            ("a?x", "a?x", "a%3Fx"),
            ("a#f", "a#f", "a%23f"),
            ("%2e%2e", "%2e%2e", "%252e%252e"),
            ("../..", "../..", "..%2F.."),
            ("...", "...", "..."),
            ("\u00e9 \u4e2d", "\u00e9 \u4e2d", "%C3%A9%20%E4%B8%AD"),
            ("!$&'()*+,;=:@", "!$&'()*+,;=:@", "%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40"),
            (Named.ECHO, "echo", "echo"),
            (Mixed.ECHO, "echo", "echo"),
        ],
    )
    def test_an_id_becomes_one_segment(self, value: UUID | str, text: str, encoded: str) -> None:
        found = checked_id(value, "agent_id")
        assert (found, type(found)) == (text, str)
        assert segment(value, "agent_id") == encoded
        assert unquote(encoded) == text

    @pytest.mark.parametrize("value", ["", ".", ".."])
    def test_an_id_that_encoding_cannot_save_is_refused(self, value: str) -> None:
        with pytest.raises(ValueError, match=r"^agent_id must not be empty, '\.' or '\.\.'$"):
            segment(value, "agent_id")

    @pytest.mark.parametrize("character", CONTROL)
    def test_a_control_character_in_an_id_is_refused(self, character: str) -> None:
        with pytest.raises(ValueError, match=r"^agent_id must not have a control character$"):
            checked_id(f"a{character}b", "agent_id")

    def test_a_lone_surrogate_in_an_id_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^agent_id must not have a lone surrogate$"):
            checked_id("a\ud800", "agent_id")

    @pytest.mark.parametrize("value", [None, 5, b"a", True, ["a"]])
    def test_an_id_of_another_type_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError, match=rf"^agent_id must be a UUID or a str, not {type(value).__name__}$"):
            checked_id(value, "agent_id")


class TestTargets:
    @pytest.mark.parametrize(
        "target", ["/api/v1/agents/a%2Fb/executions", "/api/v1/agents/..%2F../executions", "/api/v1/a-._~!$&'()*+,;=:@/", "/api/v1/..."]
    )
    def test_a_target_that_we_may_have_made_passes(self, target: str) -> None:
        assert checked_target(target, "handle.submission.target") == target

    @pytest.mark.parametrize(
        "target",
        [
            "",
            "/",
            "/api/v1",
            "/api/v1/",
            "/api/v2/a",
            "/API/v1/a",
            "api/v1/a",
            "//evil.example/api/v1/a",
            "https://evil.example/api/v1/a",
            "/api/v1/a?b=c",
            "/api/v1/a#b",
            "/api/v1/a b",
            "/api/v1/a\r\nHost: evil.example",
            "/api/v1/a\n",
            "/api/v1/a%",
            "/api/v1/a%2",
            "/api/v1/a%zz",
            "/api/v1/\u00e9",
            "/api/v1/a\\b",
            "/api/v1/{id}",
        ],
    )
    def test_a_target_that_we_cannot_have_made_is_refused(self, target: str) -> None:
        with pytest.raises(ValueError, match=r"^handle\.submission\.target must be a percent-encoded path that begins with /api/v1/"):
            checked_target(target, "handle.submission.target")

    @pytest.mark.parametrize("dots", ["..", ".", "%2e%2E", ".%2e", "%2E"])
    @pytest.mark.parametrize("form", ["/api/v1/{}", "/api/v1/{}/a", "/api/v1/a/{}"])
    def test_a_dot_segment_in_a_target_is_refused(self, form: str, dots: str) -> None:
        with pytest.raises(ValueError, match=r"^target must not have a dot segment$"):
            checked_target(form.format(dots), "target")


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "encoded"),
        [
            ("/", "/"),
            ("/api/v1/tenants/orgs", "/api/v1/tenants/orgs"),
            ("/a//b/", "/a//b/"),
            ("/a-._~!$&'()*+,;=:@", "/a-._~!$&'()*+,;=:@"),
            ("/a%2Fb%c3%a9", "/a%2Fb%c3%a9"),
            ("/a b", "/a%20b"),
            ("/caf\u00e9/\u4e2d.pdf", "/caf%C3%A9/%E4%B8%AD.pdf"),
            ('/a"<>[]\\^`|', "/a%22%3C%3E%5B%5D%5C%5E%60%7C"),
            ("/a{b", "/a%7Bb"),
            ("/a}b{", "/a%7Db%7B"),
            ("/...", "/..."),
            ("/.well-known", "/.well-known"),
            ("/a%252e", "/a%252e"),
            (Named.ECHO.join(["/", ""]), "/echo"),
        ],
    )
    def test_what_is_outside_of_pchar_is_encoded_and_the_rest_stays(self, path: str, encoded: str) -> None:
        assert encoded_path(path) == encoded

    @pytest.mark.parametrize(
        ("path", "rule"),
        [
            ("", "must begin with one /"),
            ("api/v1/a", "must begin with one /"),
            ("//evil.example/a", "must begin with one /, without scheme and host"),
            ("https://evil.example/a", "must begin with one /, without scheme and host"),
            ("/a?b=c", "must not have a query: give it as params"),
            ("/a?", "must not have a query"),
            ("/a#b", "must not have a fragment"),
            ("/a\r\nX: y", "must not have a control character"),
            ("/a\x00", "must not have a control character"),
            ("/a\x7f", "must not have a control character"),
            ("/a\ud800", "must not have a lone surrogate"),
            ("/api/v1/orgs/{org_id}/a", "has a placeholder in braces that was not filled: an f-string fills it"),
            ("/a/{}", "has a placeholder in braces"),
            ("/a/{0.name!r}", "has a placeholder in braces"),
            ("/100%", "has a % that is not followed by two hexadecimal digits"),
            ("/a%2", "has a % that is not followed"),
            ("/a%zz", "has a % that is not followed"),
            ("/a%%41", "has a % that is not followed"),
            ("/a/../b", "must not have a dot segment"),
            ("/a/..", "must not have a dot segment"),
            ("/./a", "must not have a dot segment"),
            ("/a/%2e%2E/b", "must not have a dot segment, also when decoded"),
            ("/a/.%2e", "must not have a dot segment"),
            ("/a/b%2F..%2Fc", "must not have a dot segment"),
        ],
    )
    def test_a_path_that_breaks_a_rule_is_refused_by_it(self, path: str, rule: str) -> None:
        with pytest.raises(ValueError, match=rf"^path {rule}"):
            encoded_path(path)

    @pytest.mark.parametrize("path", [None, b"/a", 5, ID])
    def test_a_path_of_another_type_is_refused(self, path: object) -> None:
        with pytest.raises(TypeError, match=rf"^path must be a str, not {type(path).__name__}$"):
            encoded_path(path)


class TestQueries:
    @pytest.mark.parametrize(
        ("params", "query"),
        [
            ({}, ""),
            ({"scope": "organization"}, "scope=organization"),
            ({"a": None, "b": 1}, "b=1"),
            ({"yes": True, "no": False}, "yes=true&no=false"),
            ({"a": [1, "x", None, True], "b": (2.5,)}, "a=1&a=x&a=true&b=2.5"),
            ({"a": []}, ""),
            ({"a": ""}, "a="),
            ({"a/b": "c/d"}, "a%2Fb=c%2Fd"),
            ({"a b&c=": "d e&f=+%\n\u00e9"}, "a%20b%26c%3D=d%20e%26f%3D%2B%25%0A%C3%A9"),
            ({"a": 1e22, "b": -0.5}, "a=1e%2B22&b=-0.5"),
            ({"id": ID}, "id=2b1f7a9e-0000-4000-8000-00000000abcd"),
            ({"a": Named.ECHO, "b": Mixed.ECHO}, "a=echo&b=echo"),
        ],
    )
    def test_values_are_written_as_the_platform_reads_them(self, params: dict[str, object], query: str) -> None:
        assert encoded_query(params) == query

    @pytest.mark.parametrize("value", [b"a", {"b": 1}, {1}, object(), [[1]], [b"a"]])
    def test_a_value_of_another_type_is_refused_by_its_key(self, value: Any) -> None:
        with pytest.raises(TypeError, match=r"^params\['a'\] must be a str, a number, ") as caught:
            encoded_query({"a": value})
        [*_, inner] = value if type(value) is list else [value]  # pyright: ignore[reportUnknownVariableType]
        assert str(caught.value).endswith(f", not {type(inner).__name__}")  # pyright: ignore[reportUnknownArgumentType]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
    def test_a_value_that_is_not_finite_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"^params\['a'\] must be finite$"):
            encoded_query({"a": value})

    def test_a_lone_surrogate_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^params\['a'\] must not have a lone surrogate$"):
            encoded_query({"a": "\udc80"})
        with pytest.raises(ValueError, match=r"^a key of params must not have a lone surrogate$"):
            encoded_query({"\udc80": "a"})

    @pytest.mark.parametrize("params", ["a=b", [("a", "b")], 5, None])
    def test_what_is_no_mapping_is_refused(self, params: object) -> None:
        with pytest.raises(TypeError, match=rf"^params must be a mapping, not {type(params).__name__}$"):
            encoded_query(params)

    def test_a_key_that_is_no_str_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^params must have str keys, not int$"):
            encoded_query({1: "a"})


class TestHeaderFields:
    @pytest.mark.parametrize("name", ["X-A", "a", "!#$%&'*+-.^_`|~09azAZ"])
    @pytest.mark.parametrize("value", ["", "a", "a b\tc", "~!", "caf\u00e9\xff", "\x80"])
    def test_a_token_with_a_visible_value_passes(self, name: str, value: str) -> None:
        assert checked_header(name, value, "headers") == (name, value)

    @pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "\u00e9", "a(b)", "a/b", "X-A\n"])
    def test_a_name_that_is_no_token_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"^headers: a header's name must be a token"):
            checked_header(name, "a", "headers")

    @pytest.mark.parametrize(
        "value",
        ["s3cret\r\nY: z", "s3cret\n", "\rs3cret", "s3cret\x00", "s3cret\x7f", " s3cret", "s3cret\t", "\u4e2d s3cret", "s3cret\udc80"],
    )
    def test_a_value_with_a_character_that_a_header_may_not_have_is_refused_without_quoting(self, value: str) -> None:
        with pytest.raises(ValueError, match=r"^headers: the value of X-A must be Latin-1") as caught:
            checked_header("X-A", value, "headers")
        assert "s3cret" not in "".join(traceback.format_exception_only(caught.value))

    @pytest.mark.parametrize(
        ("name", "value", "rule"),
        [
            (b"X-A", "a", " must have str names, not bytes"),
            (5, 5.0, " must have str names, not int"),
            ("X-A", b"a", ": the value of X-A must be a str, not bytes"),
            ("X-A", 5, ": the value of X-A must be a str, not int"),
            ("X-A", None, ": the value of X-A must be a str, not NoneType"),
        ],
    )
    def test_a_field_that_is_no_text_is_refused(self, name: Any, value: Any, rule: str) -> None:
        with pytest.raises(TypeError, match=rf"^headers{rule}$"):
            checked_header(name, value, "headers")

    def test_a_callers_headers_keep_their_order(self) -> None:
        assert checked_headers({"X-B": "1", "Accept": "a/b"}).fields == (("X-B", "1"), ("Accept", "a/b"))
        assert checked_headers({}) == Headers()
        assert checked_headers({"X-A": "X marks\xa0"}).get("X-A") == "X marks\xa0"
        with pytest.raises(ValueError, match=r"^own: the value of X-A must be Latin-1"):
            checked_headers({"X-A": "\x00"}, "own")

    @pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "Host", "Content-Length", "Transfer-Encoding", "Connection"])
    @pytest.mark.parametrize("spelling", [str, str.lower, str.upper])
    def test_a_header_that_is_the_clients_own_is_refused_without_quoting(self, name: str, spelling: Any) -> None:
        with pytest.raises(ValueError, match=rf"(?i)^headers must not have {name}: the client sets it$") as caught:
            checked_headers({spelling(name): "s3cret"})
        assert "s3cret" not in str(caught.value)
        assert name.lower() in FORBIDDEN_HEADERS

    def test_a_name_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^headers has x-a twice$"):
            checked_headers({"X-A": "1", "x-a": "2"})

    @pytest.mark.parametrize("headers", [[("X-A", "1")], "X-A: 1", 5])
    def test_headers_that_are_no_mapping_are_refused(self, headers: object) -> None:
        with pytest.raises(TypeError, match=rf"^headers must be a mapping, not {type(headers).__name__}$"):
            checked_headers(headers)
