"""What the platform lists: organizations as a plain list, models in pages, and the rows of data sets."""

from itertools import product
from typing import Any, cast

from platform_core.messages import Request, Response

from .answers import json_answer, not_found
from .callers import Call, refused_org
from .components import DATASETS, ORG_ID, ORGANIZATIONS, WORKSPACE_ID
from .fields import TEXT, Invalid, Rule, check_fields, json_fields, query_value
from .pages import LIMIT_RULE, asked_limit, page
from .state import State

MODELS: tuple[dict[str, Any], ...] = tuple(
    {"id": f"emulated-{size}", "name": f"Emulated {size}", "provider": "emulator", "capabilities": list(capabilities)}
    for size, capabilities in (
        ("small", ("chat",)),
        ("medium", ("chat", "tools")),
        ("large", ("chat", "tools", "vision")),
        ("embedding", ("embeddings",)),
    )
)

_NAMES = product(("Ada", "Alan", "Barbara", "Edsger", "Grace", "Ken", "Leslie", "Radia"), ("Adams", "Baker", "Clarke", "Diaz", "Evans"))
_CITIES = ("Aarhus", "Bergen", "Córdoba", "Delft")

PEOPLE: tuple[dict[str, Any], ...] = tuple(
    {
        "id": number,
        "name": f"{first} {last}",
        "email": f"{first}.{last}@example.com".lower(),
        "age": 20 + number % 50,
        "city": _CITIES[number % len(_CITIES)],
    }
    for number, (first, last) in enumerate(_NAMES, 1)
)
"""The data set `people`: forty of them, all with the same fields."""

_NAMES_RULE: Rule = (
    lambda value: isinstance(value, list) and value != [] and all(isinstance(each, str) for each in cast(list[object], value)),
    "must be a list of at least one name of a field",
)


def organizations(state: State, call: Call) -> tuple[State, Response]:
    """Those that the caller may see."""
    return state, json_answer(200, [{"id": each, "name": name} for each, name in ORGANIZATIONS.items() if each in call.caller.org_ids])


def models(state: State, call: Call) -> tuple[State, Response]:
    """The same for every scope, since there is no other organization's to leave out."""
    scope = query_value(call.request, "scope")
    if scope not in (None, "organization"):
        raise Invalid(422, ("scope", "must be organization"))
    return state, json_answer(200, page(MODELS, asked_limit(call.request), query_value(call.request, "cursor")))


def checked_query(request: Request) -> dict[str, Any]:
    """The fields of a query, whatever the platform knows. Raises `Invalid`."""
    fields = json_fields(request)
    check_fields(fields, {"fields": _NAMES_RULE, "limit": LIMIT_RULE, "cursor": TEXT})
    return fields


def query_dataset(state: State, call: Call) -> tuple[State, Response]:
    """Rows with the fields that are asked for; a `limit` and `cursor` of the body come before those of the query."""
    segments = call.segments
    refusal = refused_org(call.caller, segments["org_id"])
    if refusal is not None:
        return state, refusal
    if segments["workspace_id"].lower() != WORKSPACE_ID or segments["org_id"].lower() != ORG_ID:
        return state, not_found(f"workspace {segments['workspace_id']}")
    if segments["dataset_id"].lower() != DATASETS["people"]:
        return state, not_found(f"dataset {segments['dataset_id']}")
    fields = checked_query(call.request)
    names: list[str] = fields.get("fields", list(PEOPLE[0]))
    unknown = [(f"fields[{index}]", f"is not a field of this dataset: {name}") for index, name in enumerate(names) if name not in PEOPLE[0]]
    if unknown:
        raise Invalid(422, *unknown)
    found: dict[str, Any] = page(
        PEOPLE, fields.get("limit", asked_limit(call.request)), fields.get("cursor", query_value(call.request, "cursor"))
    )
    return state, json_answer(200, {**found, "items": [{name: row[name] for name in names} for row in found["items"]]})
