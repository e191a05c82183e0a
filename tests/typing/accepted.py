"""What users write, and the types that they get. Never run: mypy and pyright hold it against the packages (`make types`)."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type
from uuid import UUID

from flow_sdk import (
    ByCursor,
    ByNumber,
    ByOffset,
    ExecutionHandle,
    Page,
    PlatformClient,
    PlatformClientError,
    PlatformExecutionError,
    RawResponse,
    RetryPolicy,
    SyncPlatformClient,
)
from platform_core import Done, Gone, Operation, Raise, Started, execute_code_block, request_raw
from platform_core.records import ExecutionRecord, SkillsArtifact
from platform_transports.fake import FakePlatform, Lose, json_response

ID = UUID(int=1)


async def a_client_for_event_loops() -> None:
    async with PlatformClient("https://platform.test", "a-token", timeout=30) as client:
        assert_type(client, PlatformClient)
        assert_type(await client.request("GET", "/api/v1/tenants/orgs", params={"limit": 1}), Any)
        record = await client.execute_code_block(ID, {"a": 1}, timeout_seconds=60, on_abandon="detach")
        assert_type(record, ExecutionRecord)
        assert_type(record["status"], str)
        assert_type(record["execution_id"], str)
        assert_type(await client.execute_agent("id", {"q": "?"}, execution_mode="shared"), ExecutionRecord)
        assert_type(await client.submit_workflow_execution(ID), ExecutionRecord)
        assert_type(await client.get_service_skills("id", 2), SkillsArtifact)
        assert_type(client.handle(record), ExecutionHandle)
        assert_type(await client.resume(client.handle(record)), ExecutionRecord)


async def options_answers_and_lists(client: PlatformClient) -> None:
    other = client.with_options(timeout=5, retry=RetryPolicy(attempts_max=1), headers={"X-Tenant": "a"})
    assert_type(other, PlatformClient)
    raw = await other.request_raw("GET", "/api/v1/tenants/orgs")
    assert_type(raw, RawResponse)
    assert_type((raw.status, raw.body, raw.attempts, raw.elapsed, raw.request_id), tuple[int, bytes, int, float, str])
    assert_type(raw.headers.get("ETag"), str | None)
    pages = client.pages("/api/v1/x", items=None, next=ByOffset("skip", more="more"))
    assert_type(pages, AsyncIterator[Page])
    async for page in client.pages("/api/v1/x", next=ByCursor(first="b")):
        assert_type(page.items, list[Any])
        assert_type(page.next, str | int | None)
    async for handle, end in client.await_all([ID, "id"]):
        assert_type(handle, ExecutionHandle)
        if isinstance(end, PlatformClientError):
            assert_type(end, PlatformClientError)
        else:
            assert_type(end, ExecutionRecord)


def a_client_for_threads() -> None:
    with SyncPlatformClient(token_provider=lambda: "a-token") as client:
        assert_type(client.execute_code_block(ID), ExecutionRecord)
        assert_type(client.with_options(timeout=1), SyncPlatformClient)
        assert_type(client.pages("/api/v1/x", next=ByNumber()), Iterator[Page])


def errors() -> None:
    try:
        SyncPlatformClient().execute_workflow(ID)
    except PlatformExecutionError as error:
        assert_type(error.execution, ExecutionRecord | None)
        assert_type(error.handle, ExecutionHandle | None)
        assert_type((error.message, error.status_code, error.attempts), tuple[str, int | None, int])
        assert_type(error.to_dict(), dict[str, Any])


def operations() -> None:
    operation = execute_code_block(ID, seed=ID)
    assert_type(operation, Operation[ExecutionRecord])
    _, action = operation.step(Started(at=0.0))
    if isinstance(action, Done):
        assert_type(action.value, ExecutionRecord)
    elif isinstance(action, (Raise, Gone)):
        assert_type(str(action.reason), str)
    assert_type(SyncPlatformClient().run(request_raw("GET", "/api/v1/x", seed=ID)), RawResponse)


def tests_of_ones_own() -> None:
    platform = FakePlatform([Lose(effect=True), json_response(200, {})])
    PlatformClient("https://platform.test", "a-token", transport=platform)
    SyncPlatformClient("https://platform.test", "a-token", transport=platform)
    assert_type(platform.now, float)
