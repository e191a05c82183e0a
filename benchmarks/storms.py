"""A storm over each transport, in a process of its own that is ended if it hangs.

make storm                          the native transports; fails where anything was lost
make storm TRANSPORT=httpx          the adapter over httpx, or httpx2
make storms                         three over each, into docs/storm.md
"""

import argparse
import multiprocessing
import platform
import random
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import anyio

from benchmarks.echo_server import echo_server
from benchmarks.storm import Plan, Result, storm_async, storm_in_threads
from platform_core.limits import Limits
from platform_transports.asyncio import AsyncioTransport
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport

PAGE = Path(__file__).resolve().parent.parent / "docs" / "storm.md"
SECONDS_MAX = 300.0
"""A storm takes seconds, over some libraries ten times that, on a machine that has other work to do ten times that again."""
HANG_SECONDS = 30.0
"""How long after a storm should have been given up its process is ended."""
STORMS = 3
"""Over each transport, for the page: one alone may be lucky."""
LIBRARIES = ("h11", "httpx", "httpcore", "httpx2", "httpcore2", "trio", "uvloop")
_TABLE = re.compile("(<!-- storms -->\n).*(<!-- end of storms -->)", re.DOTALL)


class Kind(NamedTuple):
    """A transport, and the event loop in which it is used, or none."""

    make: Callable[[Limits], Any]
    backend: str | None
    options: Mapping[str, object] = MappingProxyType({})

    def storm(self, plan: Plan) -> Result:
        """Let a storm loose on such a transport, with a server of its own."""
        with echo_server() as url:
            if self.backend is None:
                return storm_in_threads(self.make(plan.limits), url, plan)

            async def main() -> Result:
                return await storm_async(self.make(plan.limits), url, plan)

            return anyio.run(main, backend=self.backend, backend_options=dict(self.options))


def _over(library: str) -> dict[str, Kind]:
    def make(limits: Limits) -> HttpxTransport:
        return HttpxTransport(library=library, limits=limits)

    def make_blocking(limits: Limits) -> HttpxSyncTransport:
        return HttpxSyncTransport(library=library, limits=limits)

    return {
        f"{library} on asyncio": Kind(make, "asyncio"),
        f"{library} on trio": Kind(make, "trio"),
        f"{library} in threads": Kind(make_blocking, None),
    }


TRANSPORTS: dict[str, dict[str, Kind]] = {
    "native": {
        "native on asyncio": Kind(AsyncioTransport, "asyncio"),
        "native on uvloop": Kind(AsyncioTransport, "asyncio", {"use_uvloop": True}),
        "native on trio": Kind(TrioTransport, "trio"),
        "native in threads": Kind(BlockingTransport, None),
    },
    "httpx": _over("httpx"),
    "httpx2": _over("httpx2"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each storm; 1 where anything was lost, but for what an adapter loses for the page: there it is a figure."""
    parser = argparse.ArgumentParser(description="Let a storm of calls loose on each transport.")
    parser.add_argument("--transport", choices=[*TRANSPORTS, "all"], default="native")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="which calls are cut off; made up and printed where it is left out")
    parser.add_argument("--seconds", type=float, default=SECONDS_MAX, help="when a storm is given up")
    parser.add_argument("--page", type=Path, default=None, help=f"write a table into this page, of {STORMS} storms over each")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    plans = [Plan(seed + number, calls=given.calls, seconds_max=given.seconds) for number in range(STORMS if given.page else 1)]
    if given.page:
        _write(given.page, "")  # a page that cannot take the table is known before the storms
    print(_title(plans))
    lost, rows = False, list[str]()
    for family in TRANSPORTS if given.transport == "all" else [given.transport]:
        for name in TRANSPORTS[family]:
            results = [_told(family, name, plan) for plan in plans]
            is_clean = all(result and result.is_clean(plan) for result, plan in zip(results, plans, strict=True))
            lost = lost or not (is_clean or (given.page and family != "native"))
            rows.append(_row(name, results, plans))
    if given.page:
        _write(given.page, f"{_title(plans)}.\n{_versions()}.\n\n{_HEAD}" + "".join(rows))
    return 1 if lost else 0


def _told(family: str, name: str, plan: Plan) -> Result | None:
    result = in_own_process(family, name, plan, HANG_SECONDS)
    print(f"{name}: {result or 'hung, and was ended'}", flush=True)
    return result


def in_own_process(family: str, name: str, plan: Plan, hang_seconds: float) -> Result | None:
    """The storm over this transport; None where its process did not end by itself."""
    world = multiprocessing.get_context("spawn")
    receiving, sending = world.Pipe(duplex=False)
    process = world.Process(target=_storm_and_tell, args=(family, name, plan, sending))
    process.start()
    sending.close()
    try:
        found: Result | None = receiving.recv() if receiving.poll(plan.seconds_max + hang_seconds) else None
    finally:
        process.kill()
        process.join()
        receiving.close()
    return found


def _storm_and_tell(family: str, name: str, plan: Plan, sending: Connection) -> None:
    sending.send(TRANSPORTS[family][name].storm(plan))


_HEAD = """\
| transport | answered | cut off before sending | and after | failed | mixed up | slots after each, of 8 | left open | CPU seconds |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def _row(name: str, results: Sequence[Result | None], plans: Sequence[Plan]) -> str:
    """Sums over the storms, but for what each of them left behind."""
    ended = [each for each in results if each]
    failed = sum(sum(each.failed.values()) for each in ended)
    cells = [
        name,
        f"{sum(each.answered for each in ended):,}",
        f"{sum(each.cut_unsent for each in ended):,}",
        f"{sum(each.cut_sent for each in ended):,}",
        f"{failed:,}",
        f"{sum(each.mixed_up for each in ended):,}",
        ", ".join(str(each.slots_left) if each else "hung" for each in results),
        f"{sum(each.left_open for each in ended):,}",
        ", ".join(_ended(each, plan) for each, plan in zip(results, plans, strict=True)),
    ]
    return f"| {' | '.join(cells)} |\n"


def _ended(result: Result | None, plan: Plan) -> str:
    if result is None:
        return "—"
    return f"{result.cpu_seconds:.0f}" if result.calls == plan.calls else f"{result.cpu_seconds:.0f}, given up"


def _title(plans: Sequence[Plan]) -> str:
    first = plans[0]
    seeds = ", ".join(str(each.seed) for each in plans)
    calls = f"{first.calls:,} calls, {first.at_a_time} at a time over {first.slots} slots, a third of them cut off"
    return f"{calls}, seed {seeds}" if len(plans) == 1 else f"{len(plans)} times {calls}, seeds {seeds}"


def _versions() -> str:
    return ", ".join([f"CPython {platform.python_version()}", *(f"{each} {version(each)}" for each in LIBRARIES)])


def _write(page: Path, table: str) -> None:
    text, count = _TABLE.subn(lambda found: f"{found[1]}{table}{found[2]}", page.read_text(encoding="utf-8"))
    if count != 1:
        message = f"{page} must have one pair of the comments between which the table stands"
        raise ValueError(message)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
