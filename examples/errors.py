"""What can go wrong, as typed exceptions: what happened, to which call, with which request id, and what to do next.

    python examples/errors.py

Needs `platform-client[emulator]`.
"""

import asyncio

from flow_sdk import PlatformClient
from flow_sdk.platform_client import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformTimeoutError,
)
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

IDS = {each.name: each.component_id for each in COMPONENTS}


async def main(platform: Emulator) -> None:
    """Meet one of each."""
    async with PlatformClient(platform.url, platform.token) as client:
        try:
            await client.request("GET", "/api/v1/some/endpoint")
        except PlatformNotFoundError as error:
            print(f"{type(error).__name__} {error.status_code} {error.code}: {error.message}")

        try:
            await client.execute_code_block(IDS["fail"], {"message": "no such file"})
        except PlatformExecutionError as error:
            print(f"{type(error).__name__}: {error.message}")  # error.execution is the record

        try:
            await client.execute_code_block(IDS["sleep"], {"seconds": 3600}, timeout_seconds=0.1)
        except PlatformExecutionError as error:  # the platform's own deadline: a PlatformExecutionTimeoutError
            print(f"{type(error).__name__}: {error.message}")

        submitted = await client.submit_code_block_execution(IDS["sleep"], {"seconds": 3600})
        try:
            await client.await_execution_result(submitted["execution_id"], timeout_seconds=0.2)
        except PlatformTimeoutError as error:  # our own deadline: the execution goes on, and the handle names it
            named = error.handle is not None and error.handle.execution_id == submitted["execution_id"]
            print(f"{type(error).__name__}, the handle names the execution: {named}")

        platform.inject({"kind": "status", "status": 403})
        try:
            await client.request("GET", "/api/v1/tenants/orgs")
        except PlatformPermissionError as error:
            print(f"{type(error).__name__} {error.status_code}: {error.advice}")

        platform.inject({"kind": "status", "status": 429, "retry_after": "3600"})
        try:
            await client.request("GET", "/api/v1/tenants/orgs")
        except PlatformClientError as error:  # the base class of all: a pause of an hour is not begun
            print(f"{type(error).__name__} {error.status_code}, retry after {error.retry_after} s")

    async with PlatformClient(platform.url, "not.a.token") as client:
        try:
            await client.request("GET", "/api/v1/tenants/orgs")
        except PlatformAuthenticationError as error:
            known = error.request_id is not None
            print(f"{type(error).__name__} {error.status_code}: the platform's logs know the request: {known}")


if __name__ == "__main__":
    with Emulator() as platform_here:
        asyncio.run(main(platform_here))
