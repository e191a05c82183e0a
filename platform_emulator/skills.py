"""The skills artifact of the hosted service `demo`: for every endpoint a manifest, in one bundle for a service version."""

from collections.abc import Mapping
from typing import Any

from .components import SERVICES

VERSIONS = (1, 2)
"""Of `demo`; the last one answers where no version is asked for."""
VERSION_MAX = 999_999_999
"""Higher ones are no versions, whatever there is."""


def skills(service_id: str, version: int) -> dict[str, Any] | None:
    """The artifact of this service in this version, else None."""
    name = next((name for name, each in SERVICES.items() if each == service_id.lower()), None)
    if name is None or version not in VERSIONS:
        return None
    return {
        "service_id": SERVICES[name],
        "name": name,
        "version": version,
        "endpoints": [
            _endpoint(name, version, "greet", "POST", "/greet", ({"name": "Ada"}, {"greeting": "Hello, Ada."})),
            _endpoint(name, version, "health", "GET", "/health", ({}, {"healthy": "yes"})),
        ][:version],
    }


def _endpoint(
    service: str, version: int, name: str, method: str, path: str, example: tuple[Mapping[str, str], Mapping[str, str]]
) -> dict[str, Any]:
    """A manifest; the schemas are those of the example's request and response, whose values are all texts."""
    request, response = example
    return {
        "id": f"{service}.{name}",
        "version": version,
        "title": name.capitalize(),
        "tags": [service],
        "http": {"method": method, "path": path},
        "request_schema": _schema(request),
        "response_schema": _schema(response),
        "auth": {"required": True},
        "execution_hints": {"idempotent": method == "GET"},
        "trigger_hints": [],
        "examples": [{"request": dict(request), "response": dict(response)}],
    }


def _schema(example: Mapping[str, str]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in example}, "required": list(example)}
