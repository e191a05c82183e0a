"""The one table of paths: what the platform documents, and what it leaves open and we assume.

Whoever learns the real path of an assumed route changes its line here; builders, emulator and tests follow.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

API_PREFIX = "/api/v1"


class Route(NamedTuple):
    """A method and a path with named segments; `documented` where the platform's own page says so."""

    method: str
    template: str
    documented: bool = False

    def path(self, **segments: str) -> str:
        """The path for these segments, which are percent-encoded already."""
        return API_PREFIX + self.template.format_map(segments)

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The decoded segments of a path that this route serves, else None."""
        if method != self.method:
            return None
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", API_PREFIX + self.template)
        found = re.fullmatch(pattern, path)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


SUBMIT_CODE_BLOCK = Route("POST", "/code-blocks/{component_id}/executions")
SUBMIT_AGENT = Route("POST", "/agents/{component_id}/executions")
SUBMIT_WORKFLOW = Route("POST", "/workflows/{component_id}/executions")
EXECUTION_STATUS = Route("GET", "/executions/{execution_id}")
CANCEL_EXECUTION = Route("POST", "/executions/{execution_id}/cancel")
SERVICE_SKILLS = Route("GET", "/hosted-services/{service_id}/skills")
READ_OBJECT = Route("GET", "/orgs/{org_id}/storage/objects/{name}")

EXECUTE_AGENT = Route("POST", "/agents/{component_id}/execute", documented=True)
STREAM_AGENT = Route("POST", "/agents/{component_id}/execute/stream", documented=True)
LOGIN = Route("POST", "/auth/login", documented=True)
ORGANIZATIONS = Route("GET", "/tenants/orgs", documented=True)
MODELS = Route("GET", "/gateway/v1/models", documented=True)
QUERY_DATASET = Route("POST", "/orgs/{org_id}/workspaces/{workspace_id}/datasets/{dataset_id}/query", documented=True)
WRITE_OBJECT = Route("PUT", "/orgs/{org_id}/storage/objects/{name}", documented=True)
