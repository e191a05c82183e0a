import base64
import json

import jwt
import pytest

from platform_emulator.components import ORG_ID, WORKSPACE_ID
from platform_emulator.tokens import ALGORITHM, DEVELOPMENT_KEY, KEY_BYTES_MIN, LEEWAY_SECONDS, TokenError, Tokens


def encoded(claims: dict[str, int], algorithm: str = ALGORITHM) -> str:
    key = "" if algorithm == "none" else DEVELOPMENT_KEY
    return jwt.encode(claims, key, algorithm=algorithm)  # pyright: ignore[reportUnknownMemberType]


def test_a_token_is_accepted_and_tells_when_it_was_minted() -> None:
    tokens = Tokens()
    before, token, after = tokens.moment(), tokens.new(), tokens.moment()
    assert before < tokens.issued_at(token) < after


def test_the_moments_of_tokens_are_all_different() -> None:
    tokens = Tokens()
    moments = [tokens.issued_at(tokens.new()) for _ in range(50)]
    assert moments == sorted(set(moments))


def test_moments_differ_also_where_the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    tokens = Tokens()
    moments = [tokens.moment() for _ in range(50)]
    assert moments == sorted(set(moments))


def test_a_token_names_the_organization_and_the_workspace() -> None:
    payload = Tokens().new().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert (claims["org_id"], claims["workspace_id"]) == (ORG_ID, WORKSPACE_ID)


def test_the_same_key_accepts_the_token_after_a_restart() -> None:
    assert Tokens("mine").issued_at(Tokens("mine").new())
    assert Tokens().issued_at(Tokens().new())


def test_the_development_key_is_as_long_as_its_hash() -> None:
    assert len(DEVELOPMENT_KEY.encode()) >= KEY_BYTES_MIN


@pytest.mark.parametrize("key", ["another", "another key, this one longer than thirty-two bytes"])
def test_a_token_of_another_key_is_refused(key: str) -> None:
    with pytest.raises(TokenError, match="not one of this platform"):
        Tokens().issued_at(Tokens(key).new())


@pytest.mark.parametrize("lifetime_seconds", [-60.0, -LEEWAY_SECONDS - 2])
def test_an_expired_token_is_refused(lifetime_seconds: float) -> None:
    tokens = Tokens()
    with pytest.raises(TokenError, match="expired"):
        tokens.issued_at(tokens.new(lifetime_seconds))


def test_clocks_may_differ_by_the_leeway() -> None:
    tokens = Tokens()
    assert tokens.issued_at(tokens.new(-LEEWAY_SECONDS / 2))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        encoded({"iat": 1, "exp": 1 << 40}, algorithm="none"),
        encoded({"exp": 1 << 40}),
        encoded({"iat": 1}),
    ],
)
def test_what_is_no_token_of_ours_is_refused_and_not_quoted(token: str) -> None:
    with pytest.raises(TokenError) as refused:
        Tokens().issued_at(token)
    assert str(refused.value) == "the token is not one of this platform"


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^key must not be empty$"):
        Tokens("")


def test_a_lifetime_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="lifetime_seconds must be finite"):
        Tokens().new(float("inf"))
