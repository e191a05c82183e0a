"""What an import costs: the core beside the standard modules that it needs, and each client, made, beside that of httpx.

make imports                        into docs/benchmarks.md; says which aims are missed

Each cost is the CPU time of a fresh process beyond that of one which runs nothing. In each round every program runs once. All of them read
their bytecode from one new folder, so that nobody compiles, whatever PYTHONDONTWRITEBYTECODE says and pip has compiled.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import machine_name, versions
from benchmarks.report import HISTORY, PAGE, remember, revision
from benchmarks.rounds import Measure, Plan, Ratio, measured, ratio
from tools.pages import write_between

BARE = "nothing"
STANDARD = "the standard modules of `platform_core`"
CORE = "`platform_core`, every public name"
HTTPX = "`import httpx`, and a first `httpx.Client()`"
SYNC = "`from flow_sdk import SyncPlatformClient`"
SYNC_MADE = "the same, and a first client"
ASYNC = "`from flow_sdk import PlatformClient`, and asyncio"
_CORE_CODE = "import platform_core; [getattr(platform_core, name) for name in platform_core.__all__]"
_MADE = "('https://platform.test', 'a-token', env={})"
CODE = {
    BARE: "pass",
    CORE: _CORE_CODE,
    HTTPX: "import httpx; httpx.Client()",
    SYNC: "from flow_sdk import SyncPlatformClient",
    SYNC_MADE: f"from flow_sdk import SyncPlatformClient; SyncPlatformClient{_MADE}",
    ASYNC: "import asyncio; from flow_sdk import PlatformClient",
}
"""What is measured; the standard modules are found out by a process of their own."""


class Aim(NamedTuple):
    """One costs at most so many times the other; None where that is told for information."""

    of: str
    to: str
    bound: float | None


AIMS = (Aim(CORE, STANDARD, 2.5), Aim(SYNC, HTTPX, 0.5), Aim(SYNC_MADE, HTTPX, None), Aim(ASYNC, HTTPX, None))


class Found(NamedTuple):
    """What was found of an aim."""

    aim: Aim
    ratio: Ratio

    @property
    def reached(self) -> str:
        """As the table says it; by the median."""
        return "" if self.aim.bound is None else "yes" if self.ratio.median <= self.aim.bound else "no"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each ratio, and write the tables."""
    parser = argparse.ArgumentParser(description="Measure what imports cost, in fresh processes.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--history", type=Path, default=HISTORY)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        costs = beyond_bare(rounds(codes(), given.rounds, Path(folder)))
    found = [Found(aim, ratio(costs[aim.of], costs[aim.to])) for aim in AIMS]
    for each in found:
        print(f"{each.aim.of}, beside {each.aim.to}: {each.ratio}")
    write_between(given.page, "imports", "imports", _text(costs, found, given.rounds))
    remember(given.history, "imports", _figures(costs, found))
    return 0


def codes() -> dict[str, str]:
    """What each process runs, by what it is called."""
    return CODE | {STANDARD: f"import {', '.join(standard_modules())}"}


def standard_modules() -> list[str]:
    """Those that the public names of the core load in a fresh process, beyond what Python itself begins with."""
    loaded = "sorted(name for name in set(sys.modules) - before if not name.startswith('platform_core'))"
    code = f"import sys; before = set(sys.modules); {_CORE_CODE}; print(*{loaded})"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def rounds(programs: Mapping[str, str], count: int, bytecode: Path) -> dict[str, list[float]]:
    """CPU milliseconds of each program, once a round; every other round goes the other way."""
    for code in programs.values():
        cpu_milliseconds(code, bytecode)  # compiles, and brings all of it into the system's memory

    def worker(code: str) -> Measure:
        return lambda _: cpu_milliseconds(code, bytecode)

    workers = {name: worker(code) for name, code in programs.items()}
    results = measured(workers, Plan(count, at_a_time=(1,)), lambda text: print(text, file=sys.stderr))
    return {name: list(results[name, 1]) for name in programs}


def cpu_milliseconds(code: str, bytecode: Path) -> float:
    """User and system time of a fresh process that runs this, to its end, with its bytecode in this folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environment)
    _, status, used = os.wait4(process, 0)
    if status != 0:
        raise RuntimeError(f"a process failed: {code}")
    return (used.ru_utime + used.ru_stime) * 1000


def beyond_bare(costs: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Less what Python itself cost, by its median: two noisy numbers of one round would make a third one out of both."""
    bare = statistics.median(costs[BARE])
    return {name: [each - bare for each in values] for name, values in costs.items() if name != BARE}


def _text(costs: Mapping[str, Sequence[float]], found: Sequence[Found], count: int) -> str:
    releases = ", ".join(f"{name} {release}" for name, release in versions().items() if name in ("anyio", "h11", "httpx"))
    how = f"{count} rounds, revision {revision()}"
    cost_rows = [f"| {name} | {statistics.median(values):.1f} |" for name, values in costs.items()]
    aim_rows = [
        f"| {each.aim.of} | {each.aim.to} | {'' if each.aim.bound is None else each.aim.bound} | {each.ratio} | {each.reached} |"
        for each in found
    ]
    return "\n".join(
        [
            f"{machine_name()}.\n{how}.\n{releases}.\n",
            "| what is imported | ms of CPU time |\n| --- | ---: |",
            *cost_rows,
            "\n| what | beside what | at most | median (quartiles) | reached |\n| --- | --- | ---: | ---: | --- |",
            *aim_rows,
        ]
    )


def _figures(costs: Mapping[str, Sequence[float]], found: Sequence[Found]) -> dict[str, object]:
    ratios = {f"{each.aim.of}, beside {each.aim.to}": {**each.ratio._asdict(), "bound": each.aim.bound} for each in found}
    return {"cpu_milliseconds": {name: round(statistics.median(values), 1) for name, values in costs.items()}, "ratios": ratios}


if __name__ == "__main__":
    sys.exit(main())
