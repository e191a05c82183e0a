"""Strangers' texts, made fit for an error."""

import json
import time

import pytest

from platform_core.strange_texts import CUT, first_bytes, one_line, without_secrets

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
KEPT = 200
TOKENS = [
    ("bad token Bearer abcdefghijklmnop1234 given", "bad token <cut> given"),
    ("authorization: bearer:abcdefghijklmnop==", "authorization: <cut>"),
    ("BEARER=abcdefgh-._~+/ijklm", "<cut>"),
    ("key fl_hsl_abcdefgh, sorry", "key <cut>, sorry"),
    (f"({JWT})", "(<cut>)"),
    (f'"{JWT}" {JWT}', '"<cut>" <cut>'),
    ("the bearer token has expired", "the bearer token has expired"),
    ("a key begins with fl_ or fl_hsl_", "a key begins with fl_ or fl_hsl_"),
    ("eyJ alone and keyJ.a.b", "eyJ alone and keyJ.a.b"),
]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("a\r\nb\tc", "a b c"),
        ("  a  b  ", "a b"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\x00b\x7fc\x85d\u2028e\u2029f", "a b c d e f"),
        ("a\u202eb\u2066c\u2069\u200f\u200e\u061cd", "abcd"),
        ("\u00e9\u4e2d\U0001f600", "\u00e9\u4e2d\U0001f600"),
        ("x" * 50, "x" * 50),
        ("x" * 51, "x" * 50),
        ("\n\t", ""),
        (f"is {JWT} yours?", "is <cut> yours?"),
        ("", ""),
    ],
)
def test_a_text_becomes_one_line_that_steers_nothing(said: str, line: str) -> None:
    assert one_line(said, 50) == line


@pytest.mark.parametrize("value", [None, 5, True, b"bytes", ["a"], {"a": "b"}])
def test_what_is_no_text_is_empty(value: object) -> None:
    assert one_line(value, 50) == ""


@pytest.mark.parametrize(("said", "left"), TOKENS)
def test_what_looks_like_a_token_is_cut_out(said: str, left: str) -> None:
    assert without_secrets(said) == left
    assert one_line(said, KEPT) == left
    assert first_bytes(said.encode(), KEPT) == left.encode()


@pytest.mark.parametrize(("said", "left"), TOKENS)
def test_json_stays_json(said: str, left: str) -> None:
    assert json.loads(without_secrets(json.dumps([{"a": said}]))) == [{"a": left}]


@pytest.mark.parametrize("length", [0, 1, KEPT, KEPT + 1, 5 * KEPT])
def test_the_first_bytes_are_kept_as_they_are(length: int) -> None:
    body = b"\xff" * length
    assert first_bytes(body, KEPT) == body[:KEPT]


@pytest.mark.parametrize("before", range(KEPT - len(JWT), KEPT + 1))
def test_no_part_of_a_token_stays_where_a_body_is_cut_off(before: int) -> None:
    body = first_bytes(b" " * before + JWT.encode() + b" " * KEPT * 3, KEPT)
    assert body == (b" " * before + CUT.encode())[:KEPT]


def test_a_jwt_that_is_longer_than_what_is_looked_at_is_cut_out_too() -> None:
    assert first_bytes(b"no: " + JWT[:30].encode() + b"a" * 2 * KEPT, KEPT) == b"no: " + CUT.encode()
    assert without_secrets(f"no: {JWT[:30]}") == f"no: {CUT}"


@pytest.mark.parametrize("before", range(1, 2 * KEPT, 7))
@pytest.mark.parametrize("length", [KEPT - 20, KEPT + 100])
def test_what_a_cut_out_token_leaves_room_for_is_not_filled_with_half_of_another(length: int, before: int) -> None:
    first = b"fl_" + b"a" * (length - 3)
    body = first_bytes(first + b" " * before + b"Bearer ABCDEFGHIJKLMNOPQRSTUVWX", KEPT)
    assert body == CUT.encode() + b" " * min(before, max(KEPT - length, 0)) + CUT.encode() * (length + before < KEPT)


def test_a_body_is_looked_at_up_to_twice_what_is_kept_of_it() -> None:
    token = b"fl_" + b"a" * (2 * KEPT - 4)
    assert first_bytes(token + b" " + b"b" * KEPT, KEPT) == CUT.encode()


@pytest.mark.parametrize("token", ["Bearer abcdefghijklmnopqrstuvwx", "fl_live_abcdefgh", "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl"])
@pytest.mark.parametrize("before", ["", "\n", "X-Echo:\r\n\t", "a\b", "\f"])
def test_a_token_behind_a_line_break_is_cut_out_of_json_too(token: str, before: str) -> None:
    said = json.dumps([before + token])
    assert json.loads(without_secrets(said)) == [before + CUT]
    assert first_bytes(said.encode(), 500) == json.dumps([before + CUT]).encode()


@pytest.mark.parametrize(
    "said", ["eyJ-", "eyJ.", "\\neyJ-", "\\n", "eyJ.a", "bearer ", "bearer", "fl_-", "fl_", "\n\u202e", "bearer " + "a" * 15 + "!"]
)
def test_a_hostile_text_costs_linear_time(said: str) -> None:
    start = time.process_time()
    one_line(said * 200_000, KEPT)
    assert time.process_time() - start < 5
