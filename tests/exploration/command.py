"""`make explore`: everything, within the bounds that the page states, on all cores; the numbers go into docs/exploration.md."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tools.pages import write_between

from .explore import explore
from .explore_pair import explore_pair
from .explore_pool import explore_pool
from .invariants import INVARIANTS
from .systems import awaiting, cancelling, execution, looking, resuming, submitting, two_executions
from .world import Moment

PAGE = Path(__file__).parents[2] / "docs" / "exploration.md"
FAULTS_OF_TWO = 3
POOL = (5, 3)
"""Calls at a time, and slots."""


class Result(NamedTuple):
    """What was found: how much there is, and what is wrong with it."""

    worlds: int
    edges: int
    seconds: float
    wrong: str = ""


ONE: Mapping[str, Callable[[], Moment]] = {
    "one execution, cancelled when left": execution,
    "one execution, detached when left": lambda: execution("detach"),
    "one execution, without a key": lambda: execution(keyed=False),
    "one execution, without a token at first": lambda: execution(generation=0),
    "one execution, gone on with by the handle of its submission": resuming,
    "one execution, submitted alone": submitting,
    "one execution of another client, awaited": awaiting,
    "one execution of another client, cancelled": cancelling,
    "one execution of another client, asked for": looking,
}
TWO = "two executions at once"
CALLS = "the pool of connections"
SYSTEMS = (TWO, *ONE, CALLS)
"""The longest first."""
BOUNDS = {
    **dict.fromkeys(ONE, "faults, delays and crashes without limit, left twice"),
    TWO: f"{FAULTS_OF_TWO} faults, delays and crashes, left twice, a budget of two repeats",
    CALLS: f"{POOL[0]} calls at a time, {POOL[1]} slots, two origins, calls without limit",
}


def explored(name: str) -> Result:
    """Explore one system."""
    begun = time.monotonic()
    try:
        worlds, edges, wrong = _counts(name)
    except AssertionError as violation:
        return Result(0, 0, time.monotonic() - begun, str(violation))
    return Result(worlds, edges, time.monotonic() - begun, wrong)


def _counts(name: str) -> tuple[int, int, str]:
    if name == TWO:
        worlds, edges, _ = explore_pair(*two_executions(FAULTS_OF_TWO), INVARIANTS)
        return worlds, edges, ""
    if name == CALLS:
        worlds, edges, _ = explore_pool(*POOL)
        return worlds, edges, ""
    graph = explore(ONE[name](), INVARIANTS)
    wrong = "a run could go on for ever without time passing" if graph.has_cycle_without_timer() else ""
    return graph.worlds, graph.edges, wrong or ("" if graph.all_can_end() else "there is a world from which no end can be reached")


def table(results: Mapping[str, Result]) -> str:
    """A line for each system."""
    return "\n".join(_table(results))


def _table(results: Mapping[str, Result]) -> Iterator[str]:
    yield "| what | bounds | worlds | edges | seconds |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for name, (worlds, edges, seconds, _) in results.items():
        yield f"| {name} | {BOUNDS[name]} | {worlds:,} | {edges:,} | {seconds:.0f} |"


def main() -> int:
    """Print the table as it grows, and what is wrong; write the page if nothing is."""
    begun = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        waiting = {name: processes.submit(explored, name) for name in SYSTEMS}
        results: dict[str, Result] = {}
        for name in (*ONE, CALLS, TWO):
            results[name] = found = waiting[name].result()
            print(f"{name}: {found.worlds:,} worlds, {found.edges:,} edges, {found.seconds:.0f} s\n{found.wrong}".rstrip(), flush=True)
    wrong = [name for name, found in results.items() if found.wrong]
    seconds = time.monotonic() - begun
    print(f"{'no violation' if not wrong else f'wrong: {wrong}'}, complete within the bounds, {seconds:.0f} s on {os.cpu_count()} cores")
    if wrong:
        return 1
    text = f"{table(results)}\n\nComplete, without a violation, in {seconds:.0f} s on {os.cpu_count()} cores."
    write_between(PAGE, "numbers", "explore", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
