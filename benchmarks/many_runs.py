"""What it costs to wait for ten thousand executions at once, with `await_all` and in one process, in each world.

make many                           10,000 in each world, into docs/benchmarks.md; fails where a result or an aim is missed

The platform is the emulator, in a process of its own. Executions are submitted first, to end once all of them are watched.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import anyio

from benchmarks.machine import machine_name, versions
from benchmarks.report import HISTORY, PAGE, remember, revision
from benchmarks.used import Used, apart
from flow_sdk import PlatformClient, SyncPlatformClient
from flow_sdk.many import Awaited
from platform_core.schedule import CONCURRENCY, POLLS_PER_SECOND_MAX
from platform_emulator.components import COMPONENTS
from tools.pages import write_between

SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")
WORLDS = ("asyncio", "trio", "threads")
KIB_MAX = {"asyncio": 8.0, "trio": 10.0}
"""Of memory for each execution, beyond the idle client."""
CORES_MAX = 1.0
SPREAD_SECONDS = 20.0
"""Executions end evenly in so long a time."""
_STRIDE = 7919
"""A prime, so that they end in another order than that in which they are polled."""
HANG_SECONDS = 600.0
"""An execution is awaited for an hour: a run that takes longer than this is given up."""


class Server(NamedTuple):
    """Where the platform is, and what it lets in."""

    url: str
    token: str


class Found(NamedTuple):
    """What it cost. `memory_bytes` is the peak of the process's memory (VmHWM) beyond that of the idle client (VmRSS)."""

    world: str
    runs: int
    results: int
    memory_bytes: int
    cpu_seconds: float
    seconds: float
    delay_seconds_mean: float
    """From an execution's end to being told of it."""
    delay_seconds_max: float

    @property
    def kib_each(self) -> float:
        """Memory for one execution."""
        return self.memory_bytes / self.runs / 1024

    @property
    def cores(self) -> float:
        """How much of a core it took, over the whole time."""
        return self.cpu_seconds / self.seconds

    @property
    def is_reached(self) -> bool:
        """Whether all came, within the bounds."""
        return self.results == self.runs and self.kib_each <= KIB_MAX.get(self.world, float("inf")) and self.cores <= CORES_MAX


class Ends:
    """What is told: each execution once, with its own result."""

    def __init__(self, seconds_of: dict[str, float]) -> None:
        self._left = dict(seconds_of)
        self._delays = 0.0
        self.results = 0
        self.delay_seconds_max = 0.0

    def add(self, awaited: Awaited) -> None:
        """One more."""
        handle, end = awaited
        expected = self._left.pop(handle.execution_id or "")
        if isinstance(end, Exception) or end["result"] != {"seconds": expected} or end["finished_at"] is None:
            return
        delay = (datetime.now(UTC) - datetime.fromisoformat(end["finished_at"])).total_seconds()
        self.results += 1
        self._delays += delay
        self.delay_seconds_max = max(self.delay_seconds_max, delay)

    @property
    def delay_seconds_mean(self) -> float:
        """Of all that have come."""
        return self._delays / max(self.results, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each world, and write a table; 1 where a result or an aim is missed."""
    parser = argparse.ArgumentParser(description="Wait for many executions at once.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    parser.add_argument(
        "--lead-seconds", type=float, default=90.0, help="from the first submission to the first end; all are watched by then"
    )
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--history", type=Path, default=HISTORY)
    given = parser.parse_args(arguments)
    found: list[Found] = []
    for world in given.worlds:
        with emulator() as server:
            seconds_of = anyio.run(submitted, server, given.runs, given.lead_seconds)
            found.append(in_own_process(world, server, seconds_of))
        print(_line(found[-1]), flush=True)
    write_between(given.page, "many", "many", _text(found, given.runs))
    remember(given.history, "many", {each.world: each._asdict() for each in found})
    return 0 if all(each.is_reached for each in found) else 1


@contextmanager
def emulator() -> Generator[Server]:
    """The platform in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "platform_emulator"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it is a pipe"
        url, token = (process.stdout.readline().strip().partition("=")[2].strip("'\"") for _ in range(2))
        yield Server(url, token)
    finally:
        process.terminate()
        process.communicate()


async def submitted(server: Server, runs: int, lead_seconds: float) -> dict[str, float]:
    """So many executions, by their ids how long each of them lasts: none ends before the lead is over."""
    began, found = time.monotonic(), dict[str, float]()
    numbers = iter(range(runs))

    async def submit(client: PlatformClient) -> None:
        for number in numbers:
            order = number * _STRIDE % runs / runs
            seconds = round(began + lead_seconds + SPREAD_SECONDS * order - time.monotonic(), 3)
            if seconds <= 0:
                raise TimeoutError(f"{number} executions were submitted in {lead_seconds:g} s: give this machine a longer lead")
            record = await client.submit_code_block_execution(SLEEP, {"seconds": seconds})
            found[record["execution_id"]] = seconds

    async with PlatformClient(*server, env={}) as client, anyio.create_task_group() as tasks:
        for _ in range(CONCURRENCY):
            tasks.start_soon(submit, client)
    return found


def in_own_process(world: str, server: Server, seconds_of: dict[str, float]) -> Found:
    """Await them in this world, in a process that does nothing else. Raises `TimeoutError` where it hangs."""
    return apart(_awaited, world, server, seconds_of, seconds_max=HANG_SECONDS)


def _awaited(world: str, server: Server, seconds_of: dict[str, float]) -> Found:
    ends = Ends(seconds_of)
    if world == "threads":
        used = _await_in_threads(server, seconds_of, ends)
    else:
        used = anyio.run(_await_in_tasks, server, seconds_of, ends, backend=world)
    return Found(world, len(seconds_of), ends.results, *used, ends.delay_seconds_mean, ends.delay_seconds_max)


def _await_in_threads(server: Server, ids: Iterable[str], ends: Ends) -> Used:
    with SyncPlatformClient(*server, env={}) as client:
        client.request("GET", "/api/v1/tenants/orgs")
        idle = Used.idle()
        for each in client.await_all(ids):
            ends.add(each)
        return idle.until_now()


async def _await_in_tasks(server: Server, ids: Iterable[str], ends: Ends) -> Used:
    async with PlatformClient(*server, env={}) as client:
        await client.request("GET", "/api/v1/tenants/orgs")
        idle = Used.idle()
        async for each in client.await_all(ids):
            ends.add(each)
        return idle.until_now()


def _line(found: Found) -> str:
    return (
        f"{found.world}: {found.results} of {found.runs} results, {found.kib_each:.1f} KiB each, {found.cores:.2f} of a core "
        f"in {found.seconds:.0f} s, told {found.delay_seconds_mean:.1f} s after the end, at most {found.delay_seconds_max:.1f} s"
    )


def _text(found: Sequence[Found], runs: int) -> str:
    head = "| in | results | KiB each | at most | of a core | at most | told after the end, mean | worst |"
    rule = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    rows = [
        f"| {each.world} | {each.results:,} | {each.kib_each:.1f} | {KIB_MAX.get(each.world, '')} | {each.cores:.2f} | {CORES_MAX:g} "
        f"| {each.delay_seconds_mean:.1f} s | {each.delay_seconds_max:.1f} s |"
        for each in found
    ]
    releases = ", ".join(f"{name} {release}" for name, release in versions().items())
    how = f"{runs:,} executions, {CONCURRENCY} requests at a time, {POLLS_PER_SECOND_MAX:g} polls a second, revision {revision()}"
    return "\n".join([f"{machine_name()}.\n{how}.\n{releases}.\n", head, rule, *rows])


if __name__ == "__main__":
    sys.exit(main())
