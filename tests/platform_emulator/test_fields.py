import pytest

from platform_core.messages import Headers, Inline, Request
from platform_emulator.fields import OBJECT, TEXT, Invalid, check_fields, json_fields, query_value, whole_number
from tests.platform_emulator.support import parsed

JSON = Headers((("Content-Type", "application/json"),))


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [(Headers(), b"{}", 415), (JSON, b"{", 400), (JSON, b"[]", 400), (JSON, b"{}", None)],
)
def test_a_body_is_a_json_object_and_says_so(headers: Headers, body: bytes, status: int | None) -> None:
    request = Request("POST", "/", headers, Inline(body))
    if status is None:
        assert json_fields(request) == {}
        return
    with pytest.raises(Invalid) as refused:
        json_fields(request)
    assert refused.value.answer.status == status


def test_wrong_missing_and_unknown_fields_are_all_named() -> None:
    with pytest.raises(Invalid) as refused:
        check_fields({"a": 1, "x": 1}, {"a": TEXT, "b": OBJECT, "c": TEXT}, frozenset({"b"}))
    assert refused.value.answer.status == 422
    assert parsed(refused.value.answer)["details"] == [
        {"field": "x", "message": "is not a field of this request"},
        {"field": "a", "message": "must be a text that is not empty"},
        {"field": "b", "message": "is missing"},
    ]


@pytest.mark.parametrize(("target", "value"), [("/", None), ("/?a=", ""), ("/?a=1&b=2&a=%C3%A9", "é")])
def test_the_last_value_of_a_name_in_the_query_counts(target: str, value: str | None) -> None:
    assert query_value(Request("GET", target), "a") == value


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "+1", "1.0", "٣", "²", "1" * 5000])
def test_a_number_outside_of_its_bounds_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        whole_number("limit", text, 1, 100)
    assert parsed(refused.value.answer)["message"] == "limit must be a whole number from 1 to 100"


def test_a_number_is_read() -> None:
    assert [whole_number("limit", text, 1, 100) for text in ("1", "007", "100")] == [1, 7, 100]
