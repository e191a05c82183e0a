"""Your own Python functions as code block, agent and workflow: the emulator runs each call in a worker process of its own.

    python examples/custom_runner.py

To serve them to other programs, until an interrupt (with `--list` it prints their ids instead):

    python -m platform_emulator --components examples.custom_runner

Needs `platform-client[emulator]`.
"""

import asyncio
import os
import time
from typing import Any

from flow_sdk import PlatformClient
from flow_sdk.platform_client import PlatformExecutionError, PlatformExecutionTimeoutError
from platform_emulator import Emulator, agent, code_block, component_id_of, workflow


@code_block
def count_words(inputs: dict[str, Any]) -> dict[str, Any]:
    """A dict goes in, and what JSON has a form for comes out."""
    return {"words": len(inputs["text"].split()), "process": os.getpid()}


@agent
async def helper(inputs: dict[str, Any]) -> dict[str, Any]:
    """May be `async`. What it raises ends the execution `failed`."""
    if "question" not in inputs:
        raise LookupError("the inputs have no question")
    return {"answer": f"You asked: {inputs['question']}"}


@workflow
def stubborn(_inputs: dict[str, Any]) -> None:
    """Ends by itself in no way at all. A cancel and a deadline end its process."""
    while True:
        time.sleep(3600)


async def main(platform: Emulator) -> None:
    """A success, a failure, a cancellation, a deadline."""
    async with PlatformClient(platform.url, platform.token) as client:
        record = await client.execute_code_block(component_id_of(count_words), {"text": "Process this."})
        result = record["result"]
        print(f"{record['status']}: {result['words']} words, counted in another process: {result['process'] != os.getpid()}")

        record = await client.execute_agent(component_id_of(helper), {"question": "What are the trends?"})
        print(f"{record['status']}: {record['result']['answer']}")

        try:
            await client.execute_agent(component_id_of(helper), {})
        except PlatformExecutionError as error:
            print(f"failed: {error.code}, {error.message}")

        # Whoever cancels the task cancels the execution with it, and the execution's process is killed.
        task = asyncio.create_task(client.execute_workflow(component_id_of(stubborn)))
        while platform.executions[-1].status != "running":  # noqa: ASYNC110 -- the platform sends no events
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        print(f"cancelled: {task.cancelled()}, and on the platform it is {platform.executions[-1].status}")

        try:
            await client.execute_workflow(component_id_of(stubborn), timeout_seconds=0.5)
        except PlatformExecutionTimeoutError as error:
            print(f"timeout: {error.message}")


if __name__ == "__main__":  # worker processes import this file too
    with Emulator(components=[count_words, helper, stubborn]) as here:
        asyncio.run(main(here))
