"""A trio application: executions in a nursery, and a cancel scope that cancels one on the platform as well.

    python examples/trio_app.py

Needs `platform-client[emulator,trio]`.
"""

import trio

from flow_sdk import PlatformClient
from platform_core import Decision, Gone
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

IDS = {each.name: each.component_id for each in COMPONENTS}


def tell_what_became_of_it(decision: Decision) -> None:
    """An observer: hears each decision before it is acted upon."""
    if isinstance(decision.action, Gone):
        print(f"left: {decision.action.report.fate}")


async def main(platform: Emulator) -> None:
    """Ten at once, then one that takes too long."""
    async with PlatformClient(platform.url, platform.token, observers=[tell_what_became_of_it]) as client:
        results: dict[int, object] = {}

        async def echo(number: int) -> None:
            record = await client.execute_code_block(IDS["echo"], {"number": number})
            results[number] = record.get("result")

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(echo, number)
        print(f"results: {[results[number] for number in sorted(results)] == [{'number': number} for number in range(10)]}")

        with trio.move_on_after(0.3) as scope:
            await client.execute_code_block(IDS["sleep"], {"seconds": 3600})
        print(f"moved on: {scope.cancelled_caught}, and on the platform it is {platform.executions[-1].status}")


if __name__ == "__main__":
    with Emulator() as platform_here:
        trio.run(main, platform_here)
