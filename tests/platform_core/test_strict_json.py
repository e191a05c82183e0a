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
from tests.support.vectors import name_of, rows_of

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
    @pytest.mark.parametrize("row", [row for row in rows_of("strict_json") if "value" in row], ids=name_of)
    def test_what_is_json_by_its_vector_is_read(self, row: dict[str, Any]) -> None:
        found = strict_json(bytes_of(row), row["depth_max"])
        assert json.dumps(found) == json.dumps(row["value"]), "so that 1, 1.0 and true differ"

    @pytest.mark.parametrize("row", [row for row in rows_of("strict_json") if "fault" in row], ids=name_of)
    def test_anything_else_is_refused_with_the_fixed_text_of_its_vector(self, row: dict[str, Any]) -> None:
        with pytest.raises(InvalidJson, match=f"^{re.escape(row['fault'])}$"):
            strict_json(bytes_of(row), row["depth_max"])

    def test_more_digits_than_an_int_may_be_read_from_are_refused(self) -> None:
        with pytest.raises(InvalidJson, match=r"^not JSON$"):
            strict_json(b"1" * 5000, DEEP)

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


def bytes_of(row: dict[str, Any]) -> bytes:
    return bytes.fromhex(row["hex"]) if "hex" in row else str(row["text"]).encode()


def depth_of(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    inner = cast(dict[str, Any] | list[Any], value)
    return 1 + max(map(depth_of, inner.values() if isinstance(inner, dict) else inner), default=0)
