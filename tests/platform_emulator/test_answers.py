import json
from uuid import UUID

from platform_core.messages import Headers, Request, Response
from platform_emulator.answers import error_answer, json_answer, not_found, unauthenticated, with_request_id
from tests.platform_emulator.support import SEED


def test_an_answer_is_json_in_ascii() -> None:
    answer = json_answer(200, {"name": "Zoë"}, ("Retry-After", "1"))
    assert answer == Response(200, Headers((("Content-Type", "application/json"), ("Retry-After", "1"))), b'{"name":"Zo\\u00eb"}')


def test_an_error_has_the_documented_body() -> None:
    answer = error_answer(422, "VALIDATION_ERROR", "no", [{"field": "name", "message": "no"}])
    assert json.loads(answer.body) == {"code": "VALIDATION_ERROR", "message": "no", "details": [{"field": "name", "message": "no"}]}


def test_not_found_says_what() -> None:
    assert json.loads(not_found("/x").body) == {"code": "NOT_FOUND", "message": "/x does not exist", "details": []}


def test_a_401_carries_a_challenge() -> None:
    assert unauthenticated("no").headers.get("WWW-Authenticate") == "Bearer"


def test_the_request_id_of_the_client_comes_back() -> None:
    request = Request("GET", "/x", Headers((("x-request-id", "mine"),)))
    assert with_request_id(request, Response(200), SEED, 0.0).headers.get("X-Request-ID") == "mine"


def test_where_the_client_sent_no_request_id_one_is_made_of_seed_request_and_time() -> None:
    request = Request("GET", "/x")
    made = [with_request_id(request, Response(200), SEED, at).headers.get("X-Request-ID") for at in (0.0, 0.0, 1.0)]
    assert made[0] == made[1] != made[2]
    assert str(UUID(made[0])) == made[0]
