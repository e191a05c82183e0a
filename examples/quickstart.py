"""The client against a platform on this machine, over real HTTP: on asyncio, on trio, and blocking.

In each world one execution runs to its end, and another, that would last for an hour, is cancelled. What is heard of them is
shown as it is heard: as a live table on a terminal where `rich` is installed, else line by line.

    python examples/quickstart.py

Needs `platform-client[emulator,trio]`. Ends with 0 if all went as it should, else with 1.
"""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio

from flow_sdk import PlatformClient, SyncPlatformClient
from flow_sdk.platform_client import PlatformExecutionCancelledError, PlatformTimeoutError
from platform_core.actions import Done, Raise
from platform_core.execution import Polling, Waiting
from platform_core.machine import Decision
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")
SHORT, LONG = "sleep 1 s", "sleep 1 h"
EXPECTED = {SHORT: ("pending", "completed"), LONG: ("pending", "cancelled")}
"""What is heard first and last; whether `running` is heard in between depends on how fast this machine is."""


async def on_an_event_loop(platform: Emulator, watch: "Watch") -> None:
    """The same code on asyncio and on trio."""
    async with PlatformClient(platform.url, platform.token, observers=[watch.observer], env={}) as client:
        watch.begin(SHORT)
        record = await client.execute_code_block(SLEEP, {"seconds": 1})
        watch.end(record.get("result") == {"seconds": 1})

        watch.begin(LONG)
        submitted = await client.submit_code_block_execution(SLEEP, {"seconds": 3600})
        try:
            await client.await_execution_result(submitted["execution_id"], timeout_seconds=1)
        except PlatformTimeoutError:  # our patience is over, the execution goes on
            await client.cancel_execution(submitted["execution_id"])
        try:
            await client.await_execution_result(submitted["execution_id"])
        except PlatformExecutionCancelledError as error:
            watch.end(error.code == "EXECUTION_CANCELLED")


def blocking(platform: Emulator, watch: "Watch") -> None:
    """The same without `await`."""
    with SyncPlatformClient(platform.url, platform.token, observers=[watch.observer], env={}) as client:
        watch.begin(SHORT)
        record = client.execute_code_block(SLEEP, {"seconds": 1})
        watch.end(record.get("result") == {"seconds": 1})

        watch.begin(LONG)
        submitted = client.submit_code_block_execution(SLEEP, {"seconds": 3600})
        try:
            client.await_execution_result(submitted["execution_id"], timeout_seconds=1)
        except PlatformTimeoutError:
            client.cancel_execution(submitted["execution_id"])
        try:
            client.await_execution_result(submitted["execution_id"])
        except PlatformExecutionCancelledError as error:
            watch.end(error.code == "EXECUTION_CANCELLED")


@dataclass
class Row:
    """What was heard of one execution: each status once, with the seconds since we began."""

    world: str
    name: str
    began: float = field(default_factory=time.monotonic)
    heard: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    is_as_expected: bool = False

    @property
    def statuses(self) -> list[str]:
        """Without their times."""
        return [status for status, _ in self.heard]


Show: TypeAlias = Callable[[list[Row]], None]
"""Shows the rows; the last one has changed."""


class Watch:
    """Listens to a client's decisions, and has what they tell shown."""

    def __init__(self, show: Show) -> None:
        self.world = ""
        self.rows: list[Row] = []
        self._show = show

    def begin(self, name: str) -> None:
        """What is heard from now on is about this execution."""
        self.rows.append(Row(self.world, name))

    def end(self, is_as_expected: bool) -> None:  # noqa: FBT001 -- what it is called
        """The execution has ended, and this is whether its end was the right one."""
        row = self.rows[-1]
        row.is_as_expected = is_as_expected and (row.statuses[0], row.statuses[-1]) == EXPECTED[row.name]

    def observer(self, decision: Decision) -> None:
        """Called by the client with each decision, before it acts on it."""
        row, status = self.rows[-1], status_heard(decision)
        if status is not None and row.statuses[-1:] != [status]:
            row.heard.append((status, time.monotonic() - row.began))
            self._show(self.rows)


def status_heard(decision: Decision) -> str | None:
    """The status of the execution that a decision tells of."""
    match decision.after:
        case Waiting(known=known) | Polling(known=known):
            return known.status
        case _:
            pass
    match decision.action:
        case Done(value={"status": str(status)}):
            return status
        case Raise(failure):
            execution = failure.exception().execution
            return None if execution is None else execution["status"]
        case _:
            return None


def show_line(rows: list[Row]) -> None:
    """One line for what is new."""
    status, seconds = rows[-1].heard[-1]
    print(f"{rows[-1].world:<9} {rows[-1].name:<10} {status:<10} {seconds:5.2f} s", flush=True)


@contextmanager
def shown() -> Generator[Show, None, None]:
    """How rows are shown here."""
    try:
        from rich.live import Live  # noqa: PLC0415 -- may be missing
        from rich.table import Table  # noqa: PLC0415
    except ImportError:
        yield show_line
        return
    if not sys.stdout.isatty():
        yield show_line
        return
    colours = {"completed": "green", "cancelled": "yellow", "running": "blue"}
    with Live(auto_refresh=False) as live:

        def show(rows: list[Row]) -> None:
            table = Table("world", "execution", "heard of it", title="What the observers hear")
            for row in rows:
                story = [f"[{colours.get(status, 'default')}]{status}[/] {seconds:.2f} s" for status, seconds in row.heard]
                table.add_row(row.world, row.name, " → ".join(story))
            live.update(table, refresh=True)

        yield show


def main() -> int:
    """Run it in each world; 1 if anything was not as expected."""
    with Emulator() as platform, shown() as show:
        watch = Watch(show)
        for watch.world in ("asyncio", "trio"):
            anyio.run(on_an_event_loop, platform, watch, backend=watch.world)
        watch.world = "blocking"
        blocking(platform, watch)
    wrong = [f"{row.world}, {row.name}: {row.statuses}" for row in watch.rows if not row.is_as_expected]
    print(*(wrong or [f"{len(watch.rows)} executions in {len({row.world for row in watch.rows})} worlds, all as expected"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
