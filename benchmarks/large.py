"""What a body of one gibibyte costs, up and down, in each world: how fast, and with how much memory and CPU time.

make large                          into docs/benchmarks.md; fails where a byte or an aim is missed

It goes through driver, token store and native transport, piece by piece; the server is a process of its own.
"""

import argparse
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import anyio

from benchmarks.bytes_server import PIECE, bytes_server
from benchmarks.machine import machine_name
from benchmarks.report import HISTORY, PAGE, remember, revision
from benchmarks.used import Used, apart
from platform_core import operations
from platform_core.config import ClientConfig, Settings
from platform_core.machine import Operation
from platform_core.messages import External, Response
from platform_core.tokens import Token
from platform_transports.asyncio import AsyncioTransport
from platform_transports.contract import AsyncFlow, SyncFlow
from platform_transports.drive import run_async, run_sync
from platform_transports.sync import BlockingTransport
from platform_transports.tokens import AsyncTokens, SyncTokens
from platform_transports.trio import TrioTransport
from tools.pages import write_between

WORLDS = ("asyncio", "trio", "threads")
WAYS = ("up, by length", "up, in chunks", "down")
MIB = 1024 * 1024
GIB = 1024 * MIB
MIB_MAX = 32.0
"""Of memory beyond the idle client."""
_SECONDS_MAX = 3600.0
_SEED = UUID("5eed0000-0000-4000-8000-0000000000b1")
_TOKEN = Token.checked("any", "token")


class Found(NamedTuple):
    """What it cost. `memory_bytes` is the peak of the process's memory (VmHWM) beyond that of the idle client (VmRSS)."""

    world: str
    way: str
    size: int
    passed: int
    memory_bytes: int
    cpu_seconds: float
    seconds: float

    @property
    def mib(self) -> float:
        """Memory."""
        return self.memory_bytes / MIB

    @property
    def mb_per_second(self) -> float:
        """How fast: millions of bytes."""
        return self.size / 1e6 / self.seconds

    @property
    def cpu_seconds_per_gib(self) -> float:
        """The client's."""
        return self.cpu_seconds * GIB / self.size

    @property
    def is_reached(self) -> bool:
        """Whether all of it came through, within the bound."""
        return self.passed == self.size and self.mib <= MIB_MAX


class Counted:
    """A sink that counts."""

    def __init__(self) -> None:
        self.passed = 0

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        self.passed += len(piece)


class AsyncCounted:
    """The same for tasks."""

    def __init__(self) -> None:
        self.passed = 0

    async def begin(self, head: Response) -> None:
        """See `AsyncSink`."""

    async def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        self.passed += len(piece)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each world and way, and write a table; 1 where a byte or an aim is missed."""
    parser = argparse.ArgumentParser(description="Send and receive a large body.")
    parser.add_argument("--mib", type=int, default=GIB // MIB)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=WORLDS)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--history", type=Path, default=HISTORY)
    given = parser.parse_args(arguments)
    found: list[Found] = []
    with bytes_server() as url:
        for world in given.worlds:
            for way in WAYS:
                found.append(in_own_process(world, way, url, given.mib * MIB))
                print(_line(found[-1]), flush=True)
    write_between(given.page, "large", "large", _text(found, given.mib))
    remember(given.history, "large", {f"{each.world}, {each.way}": each._asdict() for each in found})
    return 0 if all(each.is_reached for each in found) else 1


def in_own_process(world: str, way: str, url: str, size: int) -> Found:
    """One body, in a process that does nothing else."""
    return apart(_measured, world, way, url, size, seconds_max=_SECONDS_MAX)


def _measured(world: str, way: str, url: str, size: int) -> Found:
    config = ClientConfig.from_env({}, base_url=url)
    if world == "threads":
        used, passed = _in_threads(config, way, size)
    else:
        used, passed = anyio.run(_in_tasks, config, way, size, world, backend=world)
    return Found(world, way, size, passed, *used)


def _in_threads(config: ClientConfig, way: str, size: int) -> tuple[Used, int]:
    transport, tokens = BlockingTransport(), SyncTokens(_TOKEN)

    def call(bytes_now: int) -> int:
        sink = Counted()
        flow = SyncFlow(lambda: _pieces(bytes_now), sink if way == "down" else None)
        came = run_sync(_operation(way, bytes_now), transport=transport, config=config, tokens=tokens, flow=flow)
        return sink.passed if way == "down" else int(came)

    with transport:
        call(len(PIECE))
        idle = Used.idle()
        passed = call(size)
        return idle.until_now(), passed


async def _in_tasks(config: ClientConfig, way: str, size: int, world: str) -> tuple[Used, int]:
    transport, tokens = AsyncioTransport() if world == "asyncio" else TrioTransport(), AsyncTokens(_TOKEN)

    async def call(bytes_now: int) -> int:
        sink = AsyncCounted()

        async def pieces() -> AsyncIterator[bytes]:
            for piece in _pieces(bytes_now):
                yield piece

        flow = AsyncFlow(pieces, sink if way == "down" else None)
        came = await run_async(_operation(way, bytes_now), transport=transport, config=config, tokens=tokens, flow=flow)
        return sink.passed if way == "down" else int(came)

    async with transport:
        await call(len(PIECE))
        idle = Used.idle()
        passed = await call(size)
        return idle.until_now(), passed


def _operation(way: str, size: int) -> Operation[Any]:
    settings = Settings(timeout_seconds=_SECONDS_MAX)
    if way == "down":
        return operations.request("GET", f"/api/v1/bytes/{size}", seed=_SEED, settings=settings)
    body = External(None if way == "up, in chunks" else size, replayable=True)
    return operations.request("PUT", "/api/v1/bytes", content=body, seed=_SEED, settings=settings)


def _pieces(size: int) -> Iterator[bytes]:
    for start in range(0, size, len(PIECE)):
        yield PIECE[: size - start]


def _line(found: Found) -> str:
    return (
        f"{found.world}, {found.way}: {found.passed} of {found.size} bytes, {found.mb_per_second:.0f} MB/s, {found.mib:.1f} MiB of memory, "
        f"{found.cpu_seconds_per_gib:.2f} s of CPU time a GiB"
    )


def _text(found: Sequence[Found], mib: int) -> str:
    head = "| in | way | MB/s | MiB of memory | at most | s of CPU time, a GiB | reached |"
    rule = "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    rows = [
        f"| {each.world} | {each.way} | {each.mb_per_second:.0f} | {each.mib:.1f} | {MIB_MAX:g} | {each.cpu_seconds_per_gib:.2f} "
        f"| {'yes' if each.is_reached else 'no'} |"
        for each in found
    ]
    how = f"{mib:,} MiB in pieces of {len(PIECE) // 1024} KiB, revision {revision()}"
    return "\n".join([f"{machine_name()}.\n{how}.\n", head, rule, *rows])


if __name__ == "__main__":
    sys.exit(main())
