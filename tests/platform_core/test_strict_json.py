"""JSON without leniency."""

import json
import re
from collections import OrderedDict
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.strict_json import InvalidJson, json_body, strict_json

ID = UUID("2b1f7a9e-0000-4000-8000-00000000abcd")
DEEP = 64
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='ab[]{}"\\:,\u00e9', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='ab[]{}"\\', max_size=4), inner, max_size=3),
    max_leaves=20,
)
derandomized = settings(derandomize=True, database=None, max_examples=150)


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class TestReading:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{}", {}),
            (' \t\r\n{"a": [1, -2.5e3, true, false, null, "\u00e9"]} ', {"a": [1, -2500.0, True, False, None, "\u00e9"]}),
            ('"\\ud83d\\ude00 \\u00e9"', "\U0001f600 \u00e9"),
            ('"\\\\ud800"', "\\ud800"),
            ('{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
            ("1e-400", 0.0),
            ("-0", 0),
            ("1.7976931348623157e308", 1.7976931348623157e308),
            (str(2**64), 2**64),
            ("5", 5),
        ],
    )
    def test_what_is_json_is_read(self, text: str, value: object) -> None:
        assert strict_json(text.encode(), DEEP) == value

    @pytest.mark.parametrize(
        ("data", "fault"),
        [
            (b"", "not JSON"),
            (b" ", "not JSON"),
            (b"{", "not JSON"),
            (b"{} {}", "not JSON"),
            (b"{'a': 1}", "not JSON"),
            (b'{"a": 1,}', "not JSON"),
            (b"<html></html>", "not JSON"),
            (b'"a\nb"', "not JSON"),
            (b"01", "not JSON"),
            (b"+1", "not JSON"),
            (b"1.", "not JSON"),
            (b'"\\x41"', "not JSON"),
            (b"\xc2\xa0{}", "not JSON"),
            ("\u0663".encode(), "not JSON"),
            pytest.param(b"1" * 5000, "not JSON", id="5,000 digits"),
            (b"\xef\xbb\xbf{}", "not JSON"),
            ("{}".encode("utf-16"), "not UTF-8"),
            ('"\u00e9"'.encode("latin-1"), "not UTF-8"),
            (b'"\xed\xa0\x80"', "not UTF-8"),
            (b"NaN", "NaN or Infinity, which JSON does not have"),
            (b'{"a": Infinity}', "NaN or Infinity, which JSON does not have"),
            (b"[-Infinity]", "NaN or Infinity, which JSON does not have"),
            (b"1e400", "a number is too large"),
            (b"[-1e400]", "a number is too large"),
            (b'{"status": "pending", "status": "completed"}', "a key stands twice in one object"),
            (b'{"a": 1, "\\u0061": 2}', "a key stands twice in one object"),
            (b'"\\ud800"', "a lone surrogate"),
            (b'{"\\uDFFF": 1}', "a lone surrogate"),
            (b'"\\ude00\\ud83d"', "a lone surrogate"),
        ],
    )
    def test_anything_else_is_refused_with_a_fixed_text(self, data: bytes, fault: str) -> None:
        with pytest.raises(InvalidJson, match=f"^{re.escape(fault)}$"):
            strict_json(data, DEEP)

    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
    def test_depth_is_counted_to_the_limit_and_no_further(self, opening: str, closing: str) -> None:
        strict_json(f"{opening * DEEP}1{closing * DEEP}".encode(), DEEP)
        with pytest.raises(InvalidJson, match=r"^arrays and objects are nested too deeply$"):
            strict_json(f"{opening * (DEEP + 1)}1{closing * (DEEP + 1)}".encode(), DEEP)

    def test_many_brackets_side_by_side_are_not_deep(self) -> None:
        assert strict_json(b"[" + b",".join([b"[]", b"{}"] * 100) + b"]", 2) == [[], {}] * 100

    @pytest.mark.parametrize("text", ['"[[[["', '"\\"[[[["', '"\\\\\\"[[[["', '["\\\\", "[[[["]', '{"[{[{": "}]"}'])
    def test_brackets_in_strings_do_not_count(self, text: str) -> None:
        assert strict_json(text.encode(), 1) == json.loads(text)

    @pytest.mark.parametrize(
        ("data", "fault"),
        [(b"]]][[[", "not JSON"), (b"[]]]][[[", "not JSON"), (b"[[[[[", "arrays and objects are nested too deeply"), (b'"[[[', "not JSON")],
    )
    def test_brackets_that_do_not_match_are_refused(self, data: bytes, fault: str) -> None:
        with pytest.raises(InvalidJson, match=f"^{fault}$"):
            strict_json(data, 3)

    def test_a_limit_beyond_the_stack_ends_in_the_same_error(self) -> None:
        with pytest.raises(InvalidJson, match=r"^arrays and objects are nested too deeply$"):
            strict_json(b"[" * 200_000 + b"]" * 200_000, 1_000_000)

    @derandomized
    @given(PLAIN)
    def test_the_depth_that_is_refused_is_the_depth_of_the_value(self, value: Any) -> None:
        depth, data = depth_of(value), json.dumps(value).encode()
        assert strict_json(data, max(depth, 1)) == value
        if depth > 1:
            with pytest.raises(InvalidJson, match="deeply"):
                strict_json(data, depth - 1)

    @derandomized
    @given(st.binary(max_size=40) | st.text(alphabet='[]{}":,\\ud80eNa1.-+ \n', max_size=30).map(str.encode))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        try:
            value = strict_json(data, 3)
        except InvalidJson:
            return
        assert json.loads(data) == value


class TestWriting:
    @pytest.mark.parametrize(
        ("value", "body"),
        [
            ({"a": [1, 2.5, True, None]}, b'{"a":[1,2.5,true,null]}'),
            ("\u00e9\u2028", b'"\xc3\xa9\xe2\x80\xa8"'),
            ({"id": ID}, b'{"id":"2b1f7a9e-0000-4000-8000-00000000abcd"}'),
            ((1, [2, (3,)]), b"[1,[2,[3]]]"),
            (OrderedDict[str, int](b=1, a=2), b'{"b":1,"a":2}'),
            ([Colour.RED, Number.ONE], b'["red",1]'),
            ({Colour.RED: 1}, b'{"red":1}'),
            (False, b"false"),
            (0, b"0"),
        ],
    )
    def test_the_text_is_compact_utf_8(self, value: object, body: bytes) -> None:
        assert json_body(value) == body

    @pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": float("-inf")}])
    def test_a_number_that_json_does_not_have_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"^context cannot be sent as JSON: Out of range"):
            json_body(value, "context")

    @pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a", "\udc80"]])
    def test_a_lone_surrogate_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"^json holds a lone surrogate"):
            json_body(value)

    @pytest.mark.parametrize(
        ("value", "kind"), [({1, 2}, "set"), (b"a", "bytes"), ({"a": object()}, "object"), (MappingProxyType[str, int]({}), "mappingproxy")]
    )
    def test_what_json_has_no_form_for_is_refused(self, value: object, kind: str) -> None:
        with pytest.raises(TypeError, match=rf"^json cannot be sent as JSON: there is no form for {kind}$"):
            json_body(value)

    @pytest.mark.parametrize("key", [1, 1.5, True, None])
    def test_a_key_that_would_silently_become_a_string_is_refused(self, key: object) -> None:
        found = {"1": 0, key: 1}
        for value in (found, [("a", found)], {"a": [found]}):
            with pytest.raises(TypeError, match=rf"^json has a key that is not a str but {type(key).__name__}$"):
                json_body(value)

    def test_a_key_that_cannot_become_a_string_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"^json cannot be sent as JSON: keys must be str"):
            json_body({(1, 2): 3})

    def test_a_circular_value_is_refused(self) -> None:
        value: list[object] = []
        value.append(value)
        with pytest.raises(ValueError, match=r"^json cannot be sent as JSON: Circular"):
            json_body(value)

    def test_a_value_deeper_than_the_stack_is_refused(self) -> None:
        value: list[object] = []
        for _ in range(200_000):
            value = [value]
        with pytest.raises(ValueError, match=r"^json is nested too deeply$"):
            json_body(value)

    @derandomized
    @given(PLAIN)
    def test_what_is_written_reads_as_the_same(self, value: Any) -> None:
        assert strict_json(json_body(value), DEEP) == value


def depth_of(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    inner = cast(dict[str, Any] | list[Any], value)
    return 1 + max(map(depth_of, inner.values() if isinstance(inner, dict) else inner), default=0)
