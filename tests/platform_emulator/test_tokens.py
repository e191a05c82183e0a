import base64
import json
from typing import Any, cast

import jwt
import pytest

from platform_emulator.callers import DEVELOPER
from platform_emulator.components import ORG_ID, OTHER_ORG_ID, WORKSPACE_ID
from platform_emulator.tokens import ALGORITHM, DEVELOPMENT_KEY, KEY_BYTES_MIN, LEEWAY_SECONDS, TokenError, Tokens

CLAIMS: dict[str, Any] = {"iat": 1, "exp": 1 << 33, "jti": "j", "use": "access", "org_ids": [ORG_ID]}


def encoded(claims: dict[str, Any], algorithm: str = ALGORITHM) -> str:
    key = "" if algorithm == "none" else DEVELOPMENT_KEY
    token: str = cast(Any, jwt).encode(claims, key, algorithm=algorithm)
    return token


def test_a_token_is_accepted_and_tells_when_it_was_minted() -> None:
    tokens = Tokens()
    before, token, after = tokens.moment(), tokens.new(), tokens.moment()
    assert before < tokens.identity(token).issued_at < after


def test_the_moments_of_tokens_are_all_different() -> None:
    tokens = Tokens()
    moments = [tokens.identity(tokens.new()).issued_at for _ in range(50)]
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
    assert Tokens("mine").identity(Tokens("mine").new()).caller == DEVELOPER
    assert Tokens().identity(Tokens().new()).caller == DEVELOPER


def test_the_development_key_is_as_long_as_its_hash() -> None:
    assert len(DEVELOPMENT_KEY.encode()) >= KEY_BYTES_MIN


@pytest.mark.parametrize("key", ["another", "another key, this one longer than thirty-two bytes"])
def test_a_token_of_another_key_is_refused(key: str) -> None:
    with pytest.raises(TokenError, match="not one of this platform"):
        Tokens().identity(Tokens(key).new())


@pytest.mark.parametrize("lifetime_seconds", [-60.0, -LEEWAY_SECONDS - 2])
def test_an_expired_token_is_refused(lifetime_seconds: float) -> None:
    tokens = Tokens()
    with pytest.raises(TokenError, match="expired"):
        tokens.identity(tokens.new(lifetime_seconds))


def test_clocks_may_differ_by_the_leeway() -> None:
    tokens = Tokens()
    assert tokens.identity(tokens.new(-LEEWAY_SECONDS / 2)).caller == DEVELOPER


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        encoded(CLAIMS, algorithm="none"),
        *(encoded({name: value for name, value in CLAIMS.items() if name != missing}) for missing in CLAIMS),
    ],
)
def test_what_is_no_token_of_ours_is_refused_and_not_quoted(token: str) -> None:
    with pytest.raises(TokenError) as refused:
        Tokens().identity(token)
    assert str(refused.value) == "the token is not one of this platform"


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^key must not be empty$"):
        Tokens("")


def test_a_lifetime_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="lifetime_seconds must be finite"):
        Tokens().new(float("inf"))


def test_whose_a_token_is_has_a_name_of_its_own_and_sees_what_it_was_made_for() -> None:
    tokens = Tokens()
    ordinary, both = tokens.identity(tokens.new()), tokens.identity(tokens.new(org_ids=[ORG_ID, OTHER_ORG_ID.upper()]))
    assert ordinary.caller == DEVELOPER
    assert both.caller.org_ids == {ORG_ID, OTHER_ORG_ID}
    assert ordinary.name != both.name


def test_claims_that_are_all_there_are_accepted() -> None:
    assert Tokens().identity(encoded(CLAIMS)).issued_at == 1


def test_a_token_that_is_not_for_access_opens_nothing() -> None:
    tokens = Tokens()
    with pytest.raises(TokenError, match="not one for access"):
        tokens.identity(tokens.new(use="refresh"))
