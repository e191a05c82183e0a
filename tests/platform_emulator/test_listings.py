import json
from typing import Any

import pytest

from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.callers import DEVELOPER, Caller
from platform_emulator.components import DATASETS, ORG_ID, OTHER_ORG_ID, WORKSPACE_ID
from platform_emulator.listings import MODELS, PEOPLE
from platform_emulator.model import apply, initial
from tests.platform_emulator.support import SEED, parsed

QUERY = f"/api/v1/orgs/{ORG_ID}/workspaces/{WORKSPACE_ID}/datasets/{DATASETS['people']}/query"
BOTH = Caller(frozenset({ORG_ID, OTHER_ORG_ID}))


def asked(target: str, body: Any = None, caller: Caller = DEVELOPER) -> Response:
    if body is None:
        request = Request("GET", target)
    else:
        request = Request("POST", target, Headers((("Content-Type", "application/json"),)), Inline(json.dumps(body).encode()))
    state, response = apply(initial(SEED), request, 0.0, caller)
    assert state == initial(SEED)
    return response


@pytest.mark.parametrize(
    ("caller", "names"),
    [
        (DEVELOPER, {"Emulated organization"}),
        (BOTH, {"Emulated organization", "Another organization"}),
        (Caller(frozenset()), set[str]()),
    ],
)
def test_organizations_are_a_plain_list_of_those_that_the_caller_may_see(caller: Caller, names: set[str]) -> None:
    listed = parsed(asked("/api/v1/tenants/orgs", caller=caller))
    assert {each["name"] for each in listed} == names
    assert {each["id"] for each in listed} == caller.org_ids


@pytest.mark.parametrize("query", ["", "?scope=organization"])
def test_models_come_in_pages(query: str) -> None:
    assert parsed(asked(f"/api/v1/gateway/v1/models{query}")) == {"items": list(MODELS), "next_cursor": None}
    first = parsed(asked(f"/api/v1/gateway/v1/models{query or '?'}&limit=3"))
    second = parsed(asked(f"/api/v1/gateway/v1/models{query or '?'}&limit=3&cursor={first['next_cursor']}"))
    assert first["items"] + second["items"] == list(MODELS)
    assert second["next_cursor"] is None


@pytest.mark.parametrize(("query", "field"), [("scope=all", "scope"), ("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor")])
def test_a_list_that_cannot_be_made_names_the_parameter(query: str, field: str) -> None:
    response = asked(f"/api/v1/gateway/v1/models?{query}")
    assert (response.status, parsed(response)["details"][0]["field"]) == (422, field)


def test_rows_have_the_fields_that_were_asked_for() -> None:
    found = parsed(asked(QUERY, {"fields": ["name", "email"], "limit": 2}))
    assert found["items"] == [
        {"name": "Ada Adams", "email": "ada.adams@example.com"},
        {"name": "Ada Baker", "email": "ada.baker@example.com"},
    ]
    rest = parsed(asked(QUERY, {"fields": ["id"], "limit": 100, "cursor": found["next_cursor"]}))
    assert [each["id"] for each in rest["items"]] == list(range(3, len(PEOPLE) + 1))
    assert rest["next_cursor"] is None


def test_where_nothing_is_asked_for_rows_are_whole_and_limit_and_cursor_may_stand_in_the_query() -> None:
    found = parsed(asked(f"{QUERY}?limit=1", {}))
    assert found["items"] == [PEOPLE[0]]
    assert parsed(asked(f"{QUERY}?limit=1&cursor={found['next_cursor']}", {}))["items"] == [PEOPLE[1]]


def test_the_ids_of_organization_workspace_and_data_set_compare_in_any_case() -> None:
    path = QUERY.replace(ORG_ID, ORG_ID.upper()).replace(WORKSPACE_ID, WORKSPACE_ID.upper())
    assert asked(path.replace(DATASETS["people"], DATASETS["people"].upper()), {}).status == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"fields": ["name", "salary", "shoe"]}, ["fields[1]", "fields[2]"]),
        ({"fields": []}, ["fields"]),
        ({"fields": "name"}, ["fields"]),
        ({"fields": [1]}, ["fields"]),
        ({"limit": 0}, ["limit"]),
        ({"limit": True}, ["limit"]),
        ({"limit": "5"}, ["limit"]),
        ({"limit": 101, "filter": {}}, ["filter", "limit"]),
        ({"cursor": "x"}, ["cursor"]),
        ({"cursor": 1}, ["cursor"]),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_its_fields(body: Any, fields: list[str]) -> None:
    response = asked(QUERY, body)
    assert (response.status, parsed(response)["code"]) == (422, "VALIDATION_ERROR")
    assert [each["field"] for each in parsed(response)["details"]] == fields


@pytest.mark.parametrize(
    ("path", "caller", "status"),
    [
        (QUERY.replace(ORG_ID, OTHER_ORG_ID), DEVELOPER, 403),
        (QUERY.replace(ORG_ID, OTHER_ORG_ID), BOTH, 404),
        (QUERY.replace(ORG_ID, "nothing"), DEVELOPER, 404),
        (QUERY.replace(WORKSPACE_ID, "nothing"), DEVELOPER, 404),
        (QUERY.replace(DATASETS["people"], "nothing"), DEVELOPER, 404),
    ],
)
def test_a_data_set_that_is_hidden_is_403_and_one_that_is_not_there_404(path: str, caller: Caller, status: int) -> None:
    assert asked(path, {}, caller).status == status
