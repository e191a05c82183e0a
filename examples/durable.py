"""The durable API: submit, look, wait and cancel as calls of their own, so that another program may go on in between.

    python examples/durable.py

Needs `platform-client[emulator]`.
"""

import asyncio

from flow_sdk import PlatformClient
from flow_sdk.platform_client import PlatformExecutionCancelledError
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")


async def main(url: str, token: str) -> None:
    """What the platform's page shows, from submission to cancel."""
    async with PlatformClient(url, token) as client:
        submitted = await client.submit_code_block_execution(SLEEP, {"seconds": 0.2}, timeout_seconds=300)
        execution_id = submitted["execution_id"]
        print(f"submitted: {submitted['status']}")

        status = await client.get_execution_status(execution_id)
        print(f"a look: {status['status'] in ('pending', 'running')}")

        record = await client.await_execution_result(execution_id, timeout_seconds=300, poll_interval_seconds=1.0)
        print(f"awaited: {record['status']}, {record.get('result')}")

        # A cancel that comes too late is no error: the record tells what happened.
        print(f"cancelled too late: {(await client.cancel_execution(execution_id))['status']}")

        submitted = await client.submit_code_block_execution(SLEEP, {"seconds": 3600})
        await client.cancel_execution(submitted["execution_id"])
        try:
            await client.await_execution_result(submitted["execution_id"])
        except PlatformExecutionCancelledError as error:
            print(f"cancelled in time: {error.code}")


if __name__ == "__main__":
    with Emulator() as platform:
        asyncio.run(main(platform.url, platform.token))
