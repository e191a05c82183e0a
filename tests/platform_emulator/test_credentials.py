import json
from typing import Any

import pytest

from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.callers import DEVELOPER, Caller
from platform_emulator.components import OTHER_ORG_ID
from platform_emulator.credentials import DEVELOPMENT_API_KEY, DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD, Credentials
from platform_emulator.tokens import TokenError, Tokens
from tests.platform_emulator.support import parsed

RIGHT = {"email": DEVELOPMENT_EMAIL, "password": DEVELOPMENT_PASSWORD}


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(Tokens())


def bearing(**headers: str) -> Headers:
    return Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def login(credentials: Credentials, body: Any) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return credentials.login(Request("POST", "/", Headers((("Content-Type", "application/json"),)), Inline(content)))


def test_the_development_key_is_the_ordinary_developers_and_older_than_any_token(credentials: Credentials) -> None:
    identity = credentials.identity(bearing(x_api_key=DEVELOPMENT_API_KEY))
    assert (identity.caller, identity.issued_at) == (DEVELOPER, 0.0)


def test_a_new_key_is_accepted_and_has_its_own_name_time_and_organizations(credentials: Credentials) -> None:
    before = credentials.tokens.moment()
    keys = [credentials.new_api_key(), credentials.new_api_key(org_ids=[OTHER_ORG_ID])]
    one, other = (credentials.identity(bearing(X_API_Key=key)) for key in keys)
    assert all(key.startswith("fl_") for key in keys)
    assert before < one.issued_at < other.issued_at
    assert (one.caller, other.caller) == (DEVELOPER, Caller(frozenset({OTHER_ORG_ID})))
    assert one.name != other.name


def test_where_both_stand_the_key_counts(credentials: Credentials) -> None:
    token = f"Bearer {credentials.tokens.new(org_ids=[OTHER_ORG_ID])}"
    assert credentials.identity(bearing(Authorization=token, X_API_Key=DEVELOPMENT_API_KEY)).caller == DEVELOPER
    with pytest.raises(TokenError, match="API key"):
        credentials.identity(bearing(Authorization=token, X_API_Key="fl_wrong"))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}])
def test_without_credentials_there_is_nobody(credentials: Credentials, headers: dict[str, str]) -> None:
    with pytest.raises(TokenError, match=r"^a bearer token or an API key is needed$"):
        credentials.identity(bearing(**headers))


@pytest.mark.parametrize("key", ["", "fl_wrong", "Fl_Development"])
def test_a_key_that_is_none_is_refused_and_not_quoted(credentials: Credentials, key: str) -> None:
    with pytest.raises(TokenError, match=r"^the API key is not one of this platform$"):
        credentials.identity(bearing(X_API_Key=key))


def test_a_login_gives_a_token_that_opens_and_one_that_does_not(credentials: Credentials) -> None:
    response = login(credentials, RIGHT)
    answer = parsed(response)
    assert (response.status, answer["token_type"]) == (200, "bearer")
    assert credentials.identity(bearing(Authorization=f"Bearer {answer['access_token']}")).caller == DEVELOPER
    with pytest.raises(TokenError, match="not one for access"):
        credentials.identity(bearing(Authorization=f"Bearer {answer['refresh_token']}"))


@pytest.mark.parametrize("wrong", [{**RIGHT, "password": "guess"}, {**RIGHT, "email": "nobody@example.com"}, {**RIGHT, "password": "é"}])
def test_a_wrong_login_is_401_and_does_not_say_which_was_wrong(credentials: Credentials, wrong: dict[str, str]) -> None:
    response = login(credentials, wrong)
    assert (response.status, parsed(response)["message"]) == (401, "the e-mail or the password is wrong")


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({}, 422, ["email", "password"]),
        ({"email": 1, "password": ""}, 422, ["email", "password"]),
        ({**RIGHT, "x": 1}, 422, ["x"]),
        (b"{", 400, ["body"]),
    ],
)
def test_a_login_that_makes_no_sense_is_refused_by_its_fields(credentials: Credentials, body: Any, status: int, fields: list[str]) -> None:
    response = login(credentials, body)
    assert (response.status, [each["field"] for each in parsed(response)["details"]]) == (status, fields)
