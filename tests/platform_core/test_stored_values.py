"""Plain values in a snapshot: each goes out and comes back, and what breaks a rule is refused by the name of its field."""

import json
import sys
from typing import Any
from uuid import UUID

import pytest

from platform_core.handles import ExecutionHandle
from platform_core.messages import Headers
from platform_core.stored_values import (
    BYTES,
    COUNT,
    FLAG,
    HANDLE,
    ID,
    JSON_TEXT,
    KEY,
    METHOD,
    NUMBER,
    POSITIVE,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    STATUS,
    SUBMISSION_TARGET,
    TARGET,
    TEXT,
    Codec,
    InvalidSnapshot,
    choice,
    json_object,
    optional,
)

COLOURS = choice({"red": 1, "blue": 2})
HANDLE_OF_E = ExecutionHandle("execution", "e", None, 1.5, 2, "detach")
NOT_NUMBERS: tuple[Any, ...] = (None, True, "5", -1, -0.5, float("nan"), float("inf"), 10**400, [])

GOOD: list[tuple[Codec[Any], Any]] = [
    (TEXT, "ü\u2028"),
    (ID, "a/b c"),
    (TARGET, "/a/%2F?b=%20&c"),
    (TARGET, "/"),
    (SUBMISSION_TARGET, "/api/v1/agents/a/executions"),
    (METHOD, "PATCH"),
    (JSON_TEXT, '{"a": [1]}'),
    (NUMBER, 0),
    (NUMBER, 0.1),
    (POSITIVE, 5),
    (NUMBER, sys.float_info.max),
    (COUNT, 0),
    (STATUS, 999),
    (FLAG, False),
    (KEY, UUID(int=5)),
    (BYTES, b""),
    (BYTES, '{"ü": 1}'.encode()),
    (BYTES, b"\xff\x00"),
    (REQUEST_HEADERS, Headers((("X-A", "ÿ"), ("B", "")))),
    (RESPONSE_HEADERS, Headers((("Set-Cookie", "a"), ("set-cookie", "b")))),
    (HANDLE, HANDLE_OF_E),
    (COLOURS, 2),
    (optional(COUNT), None),
    (optional(COUNT), 3),
]

BAD: list[tuple[Codec[Any], tuple[Any, ...], str]] = [
    (TEXT, (None, 5, b"a", ["a"]), "must be a string"),
    (TEXT, ("\ud800",), "must not have a lone surrogate"),
    (ID, (5,), "must be a string"),
    (ID, ("", ".", ".."), "must not be empty, '.' or '..'"),
    (ID, ("a\nb",), "must not have a control character"),
    (TARGET, ("@evil.test/", "https://evil.test/", "", "x"), "must begin with one /"),
    (TARGET, ("//evil.test/",), "must begin with one /"),
    (TARGET, ("/a/%2e%2e/b",), "must not have a dot segment"),
    (TARGET, ("/a b", "/ü", "/a?ü", "/a?b c", "/a?%zz", "/a?#"), "must be percent-encoded"),
    (SUBMISSION_TARGET, ("/a", "/api/v1/a?b"), "must be a percent-encoded path that begins with /api/v1/"),
    (METHOD, ("get", "TRACE", None, []), "must be one of DELETE, GET, HEAD"),
    (JSON_TEXT, (None, 5), "must be a string"),
    (JSON_TEXT, ("", "{", "[" * 100_000), "must be JSON in a string"),
    (NUMBER, NOT_NUMBERS, "must be a number, finite and not negative"),
    (POSITIVE, NOT_NUMBERS, "must be a number, finite and not negative"),
    (POSITIVE, (0, 0.0), "must be positive"),
    (COUNT, (None, True, "5", -1, 1.0, []), "must be a whole number, not negative"),
    (STATUS, (1000,), "must be at most 999"),
    (STATUS, (None, -1), "must be a whole number, not negative"),
    (FLAG, (None, 0, 1, "true"), "must be true or false"),
    (KEY, ("", "x", "5"), "must be a UUID"),
    (KEY, (None, 5), "must be a string"),
    (BYTES, (None, 5, []), "must be a JSON object"),
    (BYTES, ("\ud800",), "must not have a lone surrogate"),
    (REQUEST_HEADERS, (None, {}, "a"), "must be a list"),
    (REQUEST_HEADERS, ([["a", "b"], ["a", "c"]],), "has a name twice"),
    (REQUEST_HEADERS, ([["a", "b"], ["A", "c"]],), "has A twice"),
    (REQUEST_HEADERS, ([["Authorization", "x"]], [["host", "x"]]), "must not have "),
    (REQUEST_HEADERS, ([["a", "x\r\nb: y"]], [["a b", "c"]], [["", "c"]]), ": "),
    (HANDLE, (None, 5, {}, {"version": 2}), ": handle"),
    (HANDLE, (object(),), ": not JSON"),
    (COLOURS, ("green", None, 1, ["red"]), "must be one of red, blue"),
    (optional(COUNT), ("a",), "must be a whole number"),
]


@pytest.mark.parametrize(("codec", "value"), GOOD)
def test_what_goes_out_comes_back(codec: Codec[Any], value: Any) -> None:
    assert codec.read(json.loads(json.dumps(codec.write(value), allow_nan=False)), "x") == value


@pytest.mark.parametrize(("codec", "found", "rule"), [(codec, found, rule) for codec, all_found, rule in BAD for found in all_found])
def test_what_breaks_a_rule_is_refused_by_the_name_of_its_field(codec: Codec[Any], found: Any, rule: str) -> None:
    with pytest.raises(InvalidSnapshot) as caught:
        codec.read(found, "snapshot.x")
    assert str(caught.value).startswith("snapshot.x")
    assert (rule if rule.startswith(":") else f" {rule}") in str(caught.value)
    assert caught.value.__cause__ is None
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"base64": "!"}, "x.base64 must be base64"),
        ({"base64": "YQ"}, "x.base64 must be base64"),
        ({"base64": 5}, "x.base64 must be a string"),
        ({}, "x.base64 must be a string"),
    ],
)
def test_bytes_that_are_no_text_are_base64(found: Any, text: str) -> None:
    assert BYTES.write(b"\xff") == {"base64": "/w=="}
    with pytest.raises(InvalidSnapshot, match=f"^{text}$"):
        BYTES.read(found, "x")


@pytest.mark.parametrize("pair", [None, "ab", ["a"], ["a", "b", "c"], ["a", 5], [5, "a"]])
def test_a_header_is_a_name_and_a_value(pair: Any) -> None:
    for codec in (REQUEST_HEADERS, RESPONSE_HEADERS):
        with pytest.raises(InvalidSnapshot, match=r"^x\[1\] must be a name and a value$"):
            codec.read([["c", "d"], pair], "x")


@pytest.mark.parametrize("found", [None, [], "a", {1: "a"}])
def test_a_json_object_has_texts_as_keys(found: Any) -> None:
    assert json_object({"a": 1}, "x") == {"a": 1}
    with pytest.raises(InvalidSnapshot, match=r"^x must be a JSON object$"):
        json_object(found, "x")


def test_a_handle_that_is_nested_without_end_is_refused() -> None:
    found: list[Any] = []
    found.append(found)
    with pytest.raises(InvalidSnapshot, match=r"^x: "):
        HANDLE.read(found, "x")


def test_no_value_is_quoted() -> None:
    for codec, all_found, _ in BAD:
        for found in all_found:
            if isinstance(found, str) and len(found) > 4 and codec is not METHOD:
                with pytest.raises(InvalidSnapshot) as caught:
                    codec.read(found, "x")
                assert found not in str(caught.value)
