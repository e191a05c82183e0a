"""Ctrl-C during a long execution, in a process of its own: what runs on the platform is cancelled, and the process says so."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from tests.support.patience import HANG_SECONDS

SLEEP = next(component.component_id for component in COMPONENTS if component.name == "sleep")
ROOT = Path(__file__).resolve().parents[2]
CLEANUP_SECONDS = 5.0

PROGRAMS = {
    "asyncio": f"""
import asyncio
from flow_sdk import PlatformClient

async def main():
    async with PlatformClient() as client:
        await client.execute_code_block("{SLEEP}", {{"seconds": 60}})

asyncio.run(main())
""",
    "trio": f"""
import trio
from flow_sdk import PlatformClient

async def main():
    async with PlatformClient() as client:
        await client.execute_code_block("{SLEEP}", {{"seconds": 60}})

trio.run(main)
""",
    "sync": f"""
from flow_sdk import SyncPlatformClient

with SyncPlatformClient() as client:
    client.execute_code_block("{SLEEP}", {{"seconds": 60}})
""",
}


@pytest.mark.parametrize("world", PROGRAMS)
def test_an_interrupt_cancels_the_execution_within_five_seconds_and_ends_the_process(world: str) -> None:
    with Emulator() as platform:
        environment = {**os.environ, "PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token}
        command = [sys.executable, "-c", PROGRAMS[world]]
        with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: [each.status for each in platform.executions] == [ExecutionStatus.RUNNING], HANG_SECONDS)
            interrupted_at = time.monotonic()
            process.send_signal(signal.SIGINT)
            wait_until(lambda: [each.status for each in platform.executions] == [ExecutionStatus.CANCELLED], CLEANUP_SECONDS)
            cancelled_after = time.monotonic() - interrupted_at
            _, stderr = process.communicate(timeout=HANG_SECONDS)
    print(f"{world}: cancelled after {cancelled_after:.3f} s")
    # Python ends a process that KeyboardInterrupt ends by the signal itself.
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in stderr


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Look again and again at what another process does: nobody here could wake us. No fact depends on how often."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"it did not come to pass within {seconds} s"
        threading.Event().wait(0.005)
