"""The skills artifact of the hosted service `demo`: for every endpoint a manifest, in one bundle for a service version."""

from typing import Any

from .components import SERVICES

VERSIONS = (1, 2)
"""Of `demo`; the last one answers where no version is asked for."""


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
            _endpoint(name, version, "greet", "POST", "/greet", {"name": {"type": "string"}}),
            _endpoint(name, version, "health", "GET", "/health", {}),
        ][:version],
    }


def _endpoint(service: str, version: int, name: str, method: str, path: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{service}.{name}",
        "version": version,
        "title": name.capitalize(),
        "tags": [service],
        "http": {"method": method, "path": path},
        "request_schema": {"type": "object", "properties": properties},
        "response_schema": {"type": "object"},
        "auth": {"required": True},
        "execution_hints": {"idempotent": method == "GET"},
        "trigger_hints": [],
        "examples": [],
    }
