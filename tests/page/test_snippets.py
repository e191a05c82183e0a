"""The platform's page, snippet by snippet, with both clients, as it stands there but for the ids."""

# The page calls `_request` by its underscore.
# pyright: reportPrivateUsage=false

import os
from typing import Any
from uuid import UUID

import pytest

from flow_sdk import PlatformClient, SyncPlatformClient
from flow_sdk.platform_client import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformPermissionError,
)
from platform_core.lifecycle import TRANSITIONS, ExecutionStatus
from platform_emulator.components import COMPONENTS, DATASETS, ORG_ID, SERVICES, WORKSPACE_ID

from .conftest import Place

IDS = {each.name: UUID(each.component_id) for each in COMPONENTS}


class TestInitialization:
    def test_from_environment_variables(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PLATFORM_API_URL", place.platform.url)
        monkeypatch.setenv("AUTH_TOKEN", place.platform.token)

        async def scenario(client: PlatformClient) -> Any:
            return await client._request("GET", "/api/v1/tenants/orgs")

        assert place.run(scenario, env=os.environ)

    def test_explicit_configuration(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client._request("GET", "/api/v1/tenants/orgs")

        assert place.run(scenario, base_url=place.platform.url, auth_token=place.platform.token, timeout=300.0, env={})

    @pytest.mark.parametrize("client", [PlatformClient, SyncPlatformClient])
    @pytest.mark.parametrize(("env", "missing"), [({"AUTH_TOKEN": "t"}, "base_url"), ({"PLATFORM_API_URL": "https://x"}, "auth_token")])
    def test_without_an_address_or_a_token_it_is_a_value_error_that_says_which(
        self, client: Any, env: dict[str, str], missing: str
    ) -> None:
        with pytest.raises(ValueError, match=missing):
            client(env=env)


class TestContextManager:
    def test_connections_are_closed_at_its_end(self, place: Place) -> None:
        clients: list[Any] = []

        async def scenario(client: PlatformClient) -> Any:
            clients.append(client)
            return await client._request("GET", "/api/v1/tenants/orgs")

        assert place.run(scenario) == [{"id": ORG_ID, "name": "Emulated organization"}]


class TestRequests:
    def test_get(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client._request("GET", "/api/v1/tenants/orgs")

        orgs = place.run(scenario)
        assert [set(org) >= {"id", "name"} for org in orgs] == [True] * len(orgs)

    def test_post_with_a_json_body(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client._request(
                "POST",
                f"/api/v1/orgs/{ORG_ID}/workspaces/{WORKSPACE_ID}/datasets/{DATASETS['people']}/query",
                json={"fields": ["name", "email"], "limit": 50},
            )

        answer = place.run(scenario)
        assert answer["items"]
        assert all(set(row) == {"name", "email"} for row in answer["items"])

    def test_a_path_with_a_placeholder_left_in_it_is_refused_before_anything_is_sent(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            path = "/api/v1/orgs/{org_id}/workspaces/{ws_id}/datasets/{dataset_id}/query"
            return await client._request("POST", path, json={"fields": ["name", "email"], "limit": 50})

        with pytest.raises(ValueError, match="placeholder"):
            place.run(scenario)

    def test_query_parameters(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client._request("GET", "/api/v1/gateway/v1/models", params={"scope": "organization"})

        assert set(place.run(scenario)) == {"items", "next_cursor"}
        assert place.platform.requests[-1].target == "/api/v1/gateway/v1/models?scope=organization"

    def test_put_of_raw_bytes_with_headers(self, place: Place) -> None:
        file_bytes = bytes(range(256)) * 100
        path = f"/api/v1/orgs/{ORG_ID}/storage/objects/my-file.pdf"

        async def scenario(client: PlatformClient) -> Any:
            await client._request("PUT", path, content=file_bytes, headers={"Content-Type": "application/pdf"})
            return await client._request("GET", path)

        assert place.run(scenario) == file_bytes


class TestComponents:
    def test_code_blocks(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client.execute_code_block(
                code_block_id=IDS["echo"],
                input_parameters={"text": "Process this."},
                context={"org_id": ORG_ID, "workspace_id": WORKSPACE_ID},
                ring_id="ring-uuid",
                timeout_seconds=120,
            )

        record = place.run(scenario)
        assert (record["status"], record["result"]) == ("completed", {"text": "Process this."})

    def test_agents(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client.execute_agent(
                agent_id=IDS["answer"],
                input_data={"question": "What are the trends?"},
                context={},
                execution_mode="isolated",
                ring_id="ring-uuid",
            )

        record = place.run(scenario)
        assert (record["status"], record["result"]) == ("completed", {"question": "What are the trends?"})

    def test_workflows(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client.execute_workflow(
                workflow_id=IDS["pipeline"],
                input_data={"document_url": "https://example.com/report.pdf"},
                ring_id="ring-uuid",
                timeout_seconds=300,
            )

        record = place.run(scenario)
        assert (record["status"], record["result"]) == ("completed", {"document_url": "https://example.com/report.pdf"})

    def test_the_durable_api(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            handle = await client.submit_code_block_execution(
                code_block_id=IDS["echo"], input_parameters={"data": "value"}, ring_id="ring-uuid", timeout_seconds=300
            )
            execution_id = handle["execution_id"]
            status = await client.get_execution_status(execution_id)
            result = await client.await_execution_result(execution_id, timeout_seconds=300, poll_interval_seconds=1.0)
            return handle, status, result, await client.cancel_execution(execution_id)

        handle, status, result, cancelled = place.run(scenario)
        assert handle["status"] in {"pending", "running", "completed"}
        assert status["status"] in {"pending", "running", "completed"}
        assert (result["status"], result["result"]) == ("completed", {"data": "value"})
        assert cancelled == result

    def test_a_cancel_ends_what_runs(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            handle = await client.submit_code_block_execution(IDS["sleep"], {"seconds": 60})
            await client.cancel_execution(handle["execution_id"])
            return await client.await_execution_result(handle["execution_id"])

        with pytest.raises(PlatformExecutionCancelledError):
            place.run(scenario)

    def test_the_lifecycle_is_the_pages(self) -> None:
        assert {str(status): {str(each) for each in following} for status, following in TRANSITIONS.items()} == {
            "pending": {"running", "cancelled"},
            "running": {"completed", "failed", "timeout", "cancelled"},
            "completed": set(),
            "failed": set(),
            "timeout": set(),
            "cancelled": set(),
        }
        assert set(TRANSITIONS) == set(ExecutionStatus)


class TestSkills:
    def test_a_version_and_the_latest(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            second = await client.get_service_skills(service_id=SERVICES["demo"], version=2)
            return second, await client.get_service_skills(service_id=SERVICES["demo"])

        second, latest = place.run(scenario)
        assert second["endpoints"]
        assert latest["endpoints"]

    def test_a_version_that_is_not_there(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client.get_service_skills(service_id=SERVICES["demo"], version=99)

        with pytest.raises(PlatformNotFoundError):
            place.run(scenario)


class TestErrorHandling:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (401, PlatformAuthenticationError),
            (403, PlatformPermissionError),
            (404, PlatformNotFoundError),
            (500, PlatformExecutionError),
            (400, PlatformClientError),
            (418, PlatformClientError),
        ],
    )
    def test_a_status_has_its_exception(self, place: Place, status: int, expected: type[PlatformClientError]) -> None:
        place.platform.inject({"kind": "status", "status": status, "path": "/some/endpoint"})

        async def scenario(client: PlatformClient) -> Any:
            return await client._request("GET", "/api/v1/some/endpoint")

        with pytest.raises(PlatformClientError) as caught:
            place.run(scenario)
        assert type(caught.value) is expected
        assert caught.value.status_code == status


class TestBillingContext:
    def test_the_headers_are_forwarded_and_recorded(self, place: Place) -> None:
        environment = {
            "PLATFORM_API_URL": place.platform.url,
            "AUTH_TOKEN": place.platform.token,
            "PARENT_BILLING_TXN_ID": "txn-1",
            "LIFECYCLE_EVENT": "workflow",
        }

        async def scenario(client: PlatformClient) -> Any:
            return await client.execute_code_block(IDS["echo"])

        execution_id = place.run(scenario, env=environment)["execution_id"]
        found = next(each for each in place.platform.executions if each.record["execution_id"] == execution_id)
        assert (found.parent_billing_txn_id, found.lifecycle_event) == ("txn-1", "workflow")

    def test_without_the_variables_there_are_no_headers(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            return await client.execute_code_block(IDS["echo"])

        execution_id = place.run(scenario)["execution_id"]
        found = next(each for each in place.platform.executions if each.record["execution_id"] == execution_id)
        assert (found.parent_billing_txn_id, found.lifecycle_event) == (None, None)


class TestCleanup:
    def test_close_may_be_called_twice_and_then_nothing_can_be_sent(self, place: Place) -> None:
        async def scenario(client: PlatformClient) -> Any:
            await client.close()
            await client.close()
            return await client._request("GET", "/api/v1/tenants/orgs")

        sent = len(place.platform.requests)
        with pytest.raises(PlatformClientError, match="closed"):
            place.run(scenario)
        assert len(place.platform.requests) == sent
