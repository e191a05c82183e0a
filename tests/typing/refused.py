"""What users must not write, and what each checker says of it. Never run.

Each line names the error of mypy and that of pyright. An ignore that is no longer needed is an error of both: so this file tells where
something that should be refused is not refused any more (`make types`).
"""
# ruff: noqa: B018 -- no line of this file does anything

from flow_sdk import ByCursor, ExecutionHandle, PlatformClient, PlatformClientError, RawResponse, RetryPolicy, SyncPlatformClient
from platform_core import execute_code_block


async def provide() -> str:
    return "a-token"


async def calls(client: PlatformClient, raw: RawResponse) -> None:
    client.execute_code_block()  # type: ignore[call-arg, unused-coroutine]  # pyright: ignore[reportCallIssue]
    client.execute_code_block("id")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    await client.execute_code_block(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.execute_code_block("id", on_abandon="leave")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.execute_code_block("id", {}, {}, None, 60, "scope")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.execute_workflow("id", timeout=60)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.request("GET", "/api/v1/x", {"limit": 1})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.request("GET", "/api/v1/x", headers={"X-A": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await client.with_options(timeout=5)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    client.with_options(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.with_options(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.pages("/api/v1/x", next="cursor")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.status = 200  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    record = await client.get_execution_status("id")
    record["state"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    record.status  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def worlds(sync_client: SyncPlatformClient) -> None:
    with PlatformClient():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    SyncPlatformClient(token_provider=provide)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PlatformClient(token_provider=lambda: "a-token")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    SyncPlatformClient("https://platform.test", "a-token", None, None, 30, None, None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    for _ in sync_client.await_all(["id"]):
        pass
    sync_client.await_all(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def values(handle: ExecutionHandle, error: PlatformClientError) -> None:
    handle.execution_id = "id"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    RetryPolicy(attempts="4")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ByCursor(first=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    error.response  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    execute_code_block("id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
