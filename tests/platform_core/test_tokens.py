"""The secret wrapper."""

import copy
import pickle
import traceback
from enum import StrEnum
from typing import Any, cast

import pytest

from platform_core.tokens import Token

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_~+/=="


class Named(StrEnum):
    TOKEN = "abc.def"


@pytest.mark.parametrize(
    ("value", "header"),
    [
        (JWT, ("Authorization", f"Bearer {JWT}")),
        ("fl_abc123", ("X-API-Key", "fl_abc123")),
        ("fl_hsl_abc", ("X-API-Key", "fl_hsl_abc")),
        ("fl_deploy_abc", ("X-API-Key", "fl_deploy_abc")),
        ("FL_abc", ("Authorization", "Bearer FL_abc")),
        ("xfl_abc", ("Authorization", "Bearer xfl_abc")),
        (Named.TOKEN, ("Authorization", "Bearer abc.def")),
    ],
)
def test_a_key_goes_out_as_a_key_and_all_else_as_a_bearer_token(value: str, header: tuple[str, str]) -> None:
    assert Token.checked(value, "auth_token").header == header


@pytest.mark.parametrize(
    "value",
    [
        "s3cret with space",
        "s3cret\n",
        "s3cret\r\nX: y",
        "s3cret\x00",
        "\u201cs3cret\u201d",
        "'s3cret'",
        "s3cret=middle",
        "Bearer s3cret",
        "=",
        " s3cret",
        "s3cr\u0663t",
        "s3cret\udc80",
    ],
)
def test_a_character_that_a_bearer_token_may_not_have_is_refused_without_quoting(value: str) -> None:
    with pytest.raises(ValueError, match=r"^AUTH_TOKEN has a character that a bearer token may not have") as caught:
        Token.checked(value, "AUTH_TOKEN")
    assert "s3cr" not in "".join(traceback.format_exception_only(caught.value))


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^auth_token is empty$"):
        Token.checked("", "auth_token")


@pytest.mark.parametrize("value", [None, b"s3cret", 5, ["s3cret"]])
def test_a_token_that_is_no_text_is_refused_without_quoting(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^auth_token must be a str, not {type(value).__name__}$"):
        Token.checked(value, "auth_token")


def test_no_text_of_a_token_shows_it() -> None:
    token = Token.checked("s3cret", "auth_token")
    texts = [repr(token), str(token), f"{token}", f"{token!r:>40}", "%s" % token, ascii(token), repr([token]), repr({"token": token})]  # noqa: UP031 -- one of the ways
    assert "s3cret" not in "".join(texts)
    assert repr(token) == "Token(<secret>)"


def test_a_token_is_not_pickled() -> None:
    with pytest.raises(TypeError, match=r"^a token is not pickled or copied: it would then stand where nobody guards it$"):
        pickle.dumps(Token.checked("s3cret", "auth_token"))


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_a_token_is_not_copied(copying: Any) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        copying(Token.checked("s3cret", "auth_token"))


def test_a_token_can_be_neither_changed_nor_listed() -> None:
    token = Token.checked("s3cret", "auth_token")
    assert not hasattr(token, "__dict__")
    with pytest.raises(AttributeError):
        setattr(token, "_value", "other")  # noqa: B010 -- the type checkers forbid it in other words


def test_tokens_compare_by_value() -> None:
    one, same, other = (Token.checked(value, "auth_token") for value in ("one", "one", "other"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != cast(object, "one")
