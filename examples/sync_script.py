"""A script without an event loop: one client, many threads.

    python examples/sync_script.py

Needs `platform-client[emulator]`.
"""

from concurrent.futures import ThreadPoolExecutor

from flow_sdk import SyncPlatformClient
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

IDS = {each.name: each.component_id for each in COMPONENTS}


def main(url: str, token: str) -> None:
    """One call, then twenty at a time."""
    with SyncPlatformClient(url, token) as client, ThreadPoolExecutor(20) as threads:
        orgs = client.request("GET", "/api/v1/tenants/orgs")
        print(f"organizations: {[org['name'] for org in orgs]}")

        def square(number: int) -> object:
            return client.execute_workflow(IDS["pipeline"], {"number": number}, timeout_seconds=60).get("result")

        print(f"results: {list(threads.map(square, range(20))) == [{'number': number} for number in range(20)]}")


if __name__ == "__main__":
    with Emulator() as platform:
        main(platform.url, platform.token)
