"""`make simulate`: many seeds in each mode and world, on all cores, and a table in docs/simulation.md; or one of them, told in whole."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tools.pages import write_between

from .simulate import simulated
from .swarm import MODES, Mode
from .trace import replay_command, told
from .worlds import WORLDS

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
CHUNK = 100
"""Seeds that one process takes at a time; the first of them is run twice, to see that it is the same run."""
TOLD_MAX = 3
"""Violations that are told in whole."""


class Part(NamedTuple):
    """Some seeds in one mode and world."""

    mode: Mode
    world: str
    first: int
    last: int


@dataclass(slots=True)
class Tally:
    """What came of them."""

    runs: int = 0
    requests: int = 0
    hours: float = 0.0
    """Virtual ones."""
    cpu_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter[str])
    wrong: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Seeds with a violation, and the first of it."""

    def add(self, other: "Tally") -> None:
        """Take another one in."""
        self.runs += other.runs
        self.requests += other.requests
        self.hours += other.hours
        self.cpu_seconds += other.cpu_seconds
        self.faults += other.faults
        self.wrong += other.wrong


def part_run(part: Part) -> Tally:
    """Run the seeds of a part."""
    tally = Tally()
    begun = time.process_time()
    for seed in range(part.first, part.last + 1):
        run = simulated(seed, part.world, part.mode)
        tally.runs += 1
        tally.requests += len(run.trace.met)
        tally.hours += run.seconds / 3600
        tally.faults += run.faults
        if run.problems:
            tally.wrong.append((seed, run.problems[0]))
        if seed == part.first and simulated(seed, part.world, part.mode).trace != run.trace:
            tally.wrong.append((seed, "it is not the same run when it is run again"))
    tally.cpu_seconds = time.process_time() - begun
    return tally


def table(tallies: Mapping[tuple[Mode, str], Tally]) -> str:
    """A line for each mode and world, and one for each fault."""
    return "\n".join([*_rows(tallies), "", *_fault_rows(tallies)])


def _rows(tallies: Mapping[tuple[Mode, str], Tally]) -> Iterator[str]:
    yield "| mode | world | runs | virtual hours | requests | faults | runs a second and core |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for (mode, world), tally in tallies.items():
        rate = tally.runs / tally.cpu_seconds
        yield f"| {mode} | {world} | {tally.runs:,} | {tally.hours:,.0f} | {tally.requests:,} | {tally.faults.total():,} | {rate:.0f} |"


def _fault_rows(tallies: Mapping[tuple[Mode, str], Tally]) -> Iterator[str]:
    yield f"| fault | {' | '.join(MODES)} |"
    yield f"| --- |{' ---: |' * len(MODES)}"
    by_mode = {mode: sum((tally.faults for key, tally in tallies.items() if key[0] == mode), Counter[str]()) for mode in MODES}
    for fault in sorted({fault for counter in by_mode.values() for fault in counter}):
        yield f"| {fault} | {' | '.join(f'{by_mode[mode][fault]:,}' for mode in MODES)} |"


def _all(seeds: int, modes: Sequence[Mode], worlds: Sequence[str]) -> dict[tuple[Mode, str], Tally]:
    tallies: dict[tuple[Mode, str], Tally] = {}
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for mode in modes:
            for world in worlds:
                tallies[mode, world] = tally = Tally()
                parts = [Part(mode, world, first, min(first + CHUNK, seeds) - 1) for first in range(0, seeds, CHUNK)]
                waiting: list[Future[Tally]] = [processes.submit(part_run, part) for part in parts]
                begun = time.monotonic()
                for future in waiting:
                    came = future.result()
                    tally.add(came)
                    for seed, what in came.wrong:
                        print(f"{replay_command(seed, world, mode)}  # {what}", flush=True)
                    if sys.stdout.isatty():
                        print(f"\r{mode}, {world}: {tally.runs:,} runs", end="", flush=True)
                print(f"\r{mode}, {world}: {_line(tally, time.monotonic() - begun)}", flush=True)
    return tallies


def _line(tally: Tally, seconds: float) -> str:
    rates = f"{tally.runs / seconds:.0f} runs/s, {tally.runs / tally.cpu_seconds:.0f} runs/s and core"
    return f"{tally.runs:,} runs, {tally.hours:,.0f} virtual hours, {tally.requests:,} requests, {rates}, {len(tally.wrong)} violations"


def _wrong(tallies: Mapping[tuple[Mode, str], Tally]) -> Iterator[str]:
    found: list[tuple[int, str, Mode, str]] = [
        (seed, world, mode, what) for (mode, world), tally in tallies.items() for seed, what in tally.wrong
    ]
    for seed, world, mode, what in found[:TOLD_MAX]:
        yield f"\n{what}\n{told(simulated(seed, world, mode), world)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is found; write the page if nothing is wrong and nothing was left out."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, help="this one alone, told in whole")
    parser.add_argument("--world", choices=WORLDS, help="this world alone")
    parser.add_argument("--mode", choices=MODES, help="this mode alone")
    wanted = parser.parse_args(arguments)
    modes: Sequence[Mode] = MODES if wanted.mode is None else (wanted.mode,)
    worlds: Sequence[str] = tuple(WORLDS) if wanted.world is None else (wanted.world,)
    if wanted.seed is not None:
        runs = [(world, simulated(wanted.seed, world, mode)) for mode in modes for world in worlds]
        print("\n\n".join(told(run, world) for world, run in runs))
        return 1 if any(run.problems for _, run in runs) else 0
    begun = time.monotonic()
    tallies = _all(wanted.seeds, modes, worlds)
    seconds = time.monotonic() - begun
    wrong = list(_wrong(tallies))
    print(table(tallies), *wrong, sep="\n")
    if wrong:
        return 1
    if (modes, worlds) == (MODES, tuple(WORLDS)):
        text = f"{table(tallies)}\n\n{wanted.seeds:,} seeds, without a violation, in {seconds:.0f} s on {os.cpu_count()} cores."
        write_between(PAGE, "numbers", "simulate", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
