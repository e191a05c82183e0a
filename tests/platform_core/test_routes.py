"""The table of paths, as the platform's page and our assumptions have it."""

import pytest

from platform_core import routes
from platform_core.routes import Route

TABLE = [
    ("SUBMIT_CODE_BLOCK", "POST", "/api/v1/code-blocks/{component_id}/executions", False),
    ("SUBMIT_AGENT", "POST", "/api/v1/agents/{component_id}/executions", False),
    ("SUBMIT_WORKFLOW", "POST", "/api/v1/workflows/{component_id}/executions", False),
    ("EXECUTION_STATUS", "GET", "/api/v1/executions/{execution_id}", False),
    ("CANCEL_EXECUTION", "POST", "/api/v1/executions/{execution_id}/cancel", False),
    ("SERVICE_SKILLS", "GET", "/api/v1/hosted-services/{service_id}/skills", False),
    ("READ_OBJECT", "GET", "/api/v1/orgs/{org_id}/storage/objects/{name}", False),
    ("EXECUTE_AGENT", "POST", "/api/v1/agents/{component_id}/execute", True),
    ("STREAM_AGENT", "POST", "/api/v1/agents/{component_id}/execute/stream", True),
    ("LOGIN", "POST", "/api/v1/auth/login", True),
    ("ORGANIZATIONS", "GET", "/api/v1/tenants/orgs", True),
    ("MODELS", "GET", "/api/v1/gateway/v1/models", True),
    ("QUERY_DATASET", "POST", "/api/v1/orgs/{org_id}/workspaces/{workspace_id}/datasets/{dataset_id}/query", True),
    ("WRITE_OBJECT", "PUT", "/api/v1/orgs/{org_id}/storage/objects/{name}", True),
]
ALL = {name: route for name, route in vars(routes).items() if isinstance(route, Route)}


def test_every_route_stands_in_this_table() -> None:
    assert set(ALL) == {name for name, *_ in TABLE}


@pytest.mark.parametrize(("name", "method", "path", "documented"), TABLE)
def test_a_route_has_its_method_and_its_path(name: str, method: str, path: str, documented: bool) -> None:
    route = ALL[name]
    assert (route.method, routes.API_PREFIX + route.template, route.documented) == (method, path, documented)


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
def test_a_path_that_was_built_is_matched_by_its_route_alone(route: Route) -> None:
    segments = {
        name: f"{name}%2F\u00e9" for name in ("component_id", "execution_id", "service_id", "org_id", "workspace_id", "dataset_id", "name")
    }
    path = route.path(**segments)
    found = route.match(route.method, path)
    assert found is not None
    assert all(value == f"{name}/\u00e9" for name, value in found.items())
    assert [each for each in ALL.values() if each.match(route.method, path) is not None] == [route]


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
def test_a_route_cannot_be_changed(route: Route) -> None:
    assert not hasattr(route, "__dict__")
    with pytest.raises(AttributeError):
        setattr(route, "method", "DELETE")  # noqa: B010 -- the type checkers forbid it in other words


def test_segments_are_decoded_one_by_one() -> None:
    assert routes.CANCEL_EXECUTION.match("POST", "/api/v1/executions/a%2Fb%20c/cancel") == {"execution_id": "a/b c"}
    assert routes.LOGIN.match("POST", "/api/v1/auth/login") == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/executions/a/cancel"),
        ("post", "/api/v1/executions/a/cancel"),
        ("POST", "/api/v1/executions/a/b/cancel"),
        ("POST", "/api/v1/executions//cancel"),
        ("POST", "/api/v1/executions/a/cancel/"),
        ("POST", "/api/v1/executions/a/cancel\n"),
        ("POST", "/x/api/v1/executions/a/cancel"),
    ],
)
def test_a_path_of_another_route_is_none(method: str, path: str) -> None:
    assert routes.CANCEL_EXECUTION.match(method, path) is None
