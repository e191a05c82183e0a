"""Deliberate faults in the core and the pool, each of which the exploration must find, by the invariant that it breaks.

They are data, in `mutants/`: in a copy of the packages one text is put in the place of another, which must stand there exactly once, and
the systems are explored from the smallest on, with that invariant alone. `make mutants` hunts all of them, and names as arguments those.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MUTANTS = Path(__file__).parent / "mutants"
PACKAGES = {
    "platform_core": ROOT / "platform_core",
    "platform_emulator": ROOT / "platform_emulator",
    "platform_transports": ROOT / "transports" / "platform_transports",
    "tests/exploration": ROOT / "tests" / "exploration",
    "tools": ROOT / "tools",
}
"""What a hunt needs: where it stands in the copy, and where it comes from."""
HUNT_SECONDS_MAX = 300.0
ENDING = 12
"""The invariant that is one of whole graphs, too."""


class Mutant(NamedTuple):
    """One fault: its name, the number of the invariant that has to see it, and what stands in the place of what."""

    name: str
    invariant: int
    file: str
    old: str
    new: str


class StaleError(ValueError):
    """The text of a mutant does not stand in its file exactly once."""


class Caught(NamedTuple):
    """What found a mutant, in which system, after how many seconds; or None, and why not."""

    check: str | None
    system: str
    seconds: float


def mutants(folder: Path = MUTANTS) -> list[Mutant]:
    """All of them that are in this folder."""
    return [Mutant(**each) for path in sorted(folder.glob("*.toml")) for each in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]


def mutated(mutant: Mutant, source: Path | None = None, packages: Mapping[str, Path] = PACKAGES) -> str:
    """The text of its file, with the fault in it. Raises `StaleError`."""
    package, _, rest = mutant.file.partition("/")
    path = (source or packages[package]) / rest
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise StaleError(f"{mutant.name!r}: its old text stands in {mutant.file} {text.count(mutant.old)} times, not once")
    return text.replace(mutant.old, mutant.new)


def hunt(mutant: Mutant, packages: Mapping[str, Path] = PACKAGES, module: str = "tests.exploration.hunt") -> Caught:
    """Have the module look at a copy of everything that has this fault, in a process of its own. Raises `StaleError`."""
    text, begun = mutated(mutant, packages=packages), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for place, source in packages.items():
            shutil.copytree(source, Path(folder) / place, ignore=shutil.ignore_patterns("__pycache__"))
        (Path(folder) / mutant.file).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", module, "--in", folder, str(mutant.invariant), mutant.file]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=False,
                timeout=HUNT_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired:
            return Caught(None, "not within its time", time.monotonic() - begun)
    if done.returncode:
        return Caught(None, done.stderr.strip().splitlines()[-1][:120], time.monotonic() - begun)
    check, system = json.loads(done.stdout)
    return Caught(check, system, time.monotonic() - begun)


def hunted_here(number: int, file: str) -> tuple[str | None, str]:
    """In the copy: the check that finds the fault, and the system in which it does."""
    from .explore import Violation

    systems = _pools(number) if "pool" in file else _runs(number)
    name = "none"
    for name, explored in systems:
        try:
            found = explored()
        except Violation as violation:
            found = re.split(r"[:\n]", str(violation))[0]
        if found is not None:
            return found, name
    return None, f"explored all, the last one: {name}"


def _pools(number: int) -> Iterator[tuple[str, Callable[[], str | None]]]:
    from .explore_pool import explore_pool

    def explored(calls: int, slots: int) -> Callable[[], None]:
        def run() -> None:
            explore_pool(calls, slots, only=number)

        return run

    for calls, slots in ((1, 1), (2, 1), (2, 2), (3, 1), (3, 2)):
        yield f"{calls} calls, {slots} slots", explored(calls, slots)


def _runs(number: int) -> Iterator[tuple[str, Callable[[], str | None]]]:
    from . import systems
    from .explore import explore
    from .explore_pair import explore_pair
    from .invariants import INVARIANTS
    from .world import Moment

    invariants = [each for each in INVARIANTS if (each.__doc__ or "").startswith(f"{number}.")]

    def one(start: Moment) -> str | None:
        graph = explore(start, invariants)
        if number != ENDING:
            return None
        if graph.has_cycle_without_timer():
            return "no run goes on for ever"
        return None if graph.all_can_end() else "every run can end"

    def two(faults: int) -> str | None:
        runs, shared = systems.two_executions(faults, abandonments=0)
        explore_pair(runs, shared, invariants)
        return None

    yield "one execution, 1 fault", lambda: one(systems.bounded(systems.execution(), 1))
    yield "without a key, 2 faults", lambda: one(systems.bounded(systems.execution(keyed=False), 2))
    yield "without a token, 1 fault", lambda: one(systems.bounded(systems.execution(generation=0), 1))
    yield "awaited, 2 faults", lambda: one(systems.bounded(systems.awaiting(), 2))
    yield "cancelled, 2 faults", lambda: one(systems.bounded(systems.cancelling(), 2))
    yield "gone on with, 1 fault", lambda: one(systems.bounded(systems.resuming(), 1))
    if number == ENDING:
        # A run that goes on for ever meets faults for ever.
        yield "awaited, any faults", lambda: one(systems.bounded(systems.awaiting(), None, 0))
        yield "cancelled, any faults", lambda: one(systems.bounded(systems.cancelling(), None, 0))
    yield "one execution, never left", lambda: one(systems.bounded(systems.execution(), 3, abandonments=0))
    yield "two executions, no fault", lambda: two(0)
    yield "two executions, 2 faults", lambda: two(2)
    yield "one execution, 3 faults", lambda: one(systems.bounded(systems.execution(), 3))


def problems(found: Sequence[tuple[Mutant, Caught]]) -> list[str]:
    """What is wrong with the hunt."""
    return [f"{mutant.name}: nothing finds it ({caught.system})" for mutant, caught in found if caught.check is None]


def main() -> int:
    """Hunt, print the table, and fail where one got away."""
    return hunted(mutants(), hunt)


def hunted(all_of_them: Sequence[Mutant], hunter: Callable[[Mutant], Caught]) -> int:
    """The exit status of a hunt for these mutants, or for those among them that the command line names."""
    wanted = [each for each in all_of_them if not sys.argv[1:] or each.name in sys.argv[1:]]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found: list[tuple[Mutant, Caught]] = []
        print(f"{'mutant':<60} {'breaks':>6}  {'found by':<64} {'in':<24} seconds")
        for mutant, caught in zip(wanted, threads.map(hunter, wanted), strict=True):
            found.append((mutant, caught))
            print(
                f"{mutant.name:<60} {mutant.invariant:>6}  {caught.check or 'NOTHING':<64} {caught.system:<24} {caught.seconds:.1f}",
                flush=True,
            )
    wrong = problems(found)
    counts = sorted(Counter(mutant.invariant for mutant, caught in found if caught.check is not None).items())
    print(f"{len(found) - len(wrong)} of {len(found)} found; by invariant: {', '.join(f'{number}: {count}' for number, count in counts)}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def in_copy() -> tuple[int, str] | None:
    """In the copy: the invariant that the fault breaks, and its file; None for whoever hunts."""
    if sys.argv[1:2] != ["--in"]:
        return None
    import platform_core

    assert Path(platform_core.__file__).is_relative_to(sys.argv[2]), "the copy is what is looked at"
    return int(sys.argv[3]), sys.argv[4]


if __name__ == "__main__":
    copy = in_copy()
    if copy is None:
        sys.exit(main())
    print(json.dumps(hunted_here(*copy)))
