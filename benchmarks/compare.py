"""Two revisions of this project in turn: what a call costs now, as a multiple of what it cost then.

    make bench-compare REV=main~5
    make bench-compare REV=v0.1.0 BENCH_ARGS="--only 'on trio' --rounds 15"

The other revision is checked out beside, into a directory that is thrown away, and measured by the same programs: those of this tree.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.json_server import ROOT, json_server
from benchmarks.machine import machine_name
from benchmarks.report import HISTORY, remember, revision
from benchmarks.rounds import Plan, Results, measured, ratio, workers
from benchmarks.subjects import NATIVE, subjects

NOW, THEN = "now", "then"


@contextmanager
def checked_out(rev: str) -> Generator[Path]:
    """A tree of another revision, with the benchmarks of this one. Raises `ValueError` where git knows no such revision."""
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as scratch:
        tree = Path(scratch) / "tree"
        added = subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", str(tree), rev], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if added.returncode:
            raise ValueError(f"{rev!r} cannot be checked out: {added.stderr.strip()}")
        try:
            shutil.rmtree(tree / "benchmarks", ignore_errors=True)
            shutil.copytree(ROOT / "benchmarks", tree / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def run(numbers: dict[str, int], rev: str, plan: Plan) -> Results:
    """Measure these subjects in both trees, by names that begin with when."""
    with (
        checked_out(rev) as tree,
        json_server() as url,
        workers(numbers, url, plan.seconds, tree) as then,
        workers(numbers, url, plan.seconds, ROOT) as now,
    ):
        pairs = {f"{when} {key}": trees[key] for key in numbers for when, trees in ((THEN, then), (NOW, now))}
        return measured(pairs, plan, lambda text: print(text, file=sys.stderr, flush=True))


def table(keys: Sequence[str], results: Results, plan: Plan) -> str:
    """One line for each subject and number of calls at a time."""
    lines = ["| client | at a time | then | now | now beside then |", "| --- | ---: | ---: | ---: | --- |"]
    for key in keys:
        for count in plan.at_a_time:
            then, now = results[f"{THEN} {key}", count], results[f"{NOW} {key}", count]
            lines.append(f"| {key} | {count} | {statistics.median(then):.0f} | {statistics.median(now):.0f} | {ratio(now, then)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and add a line to the history."""
    parser = argparse.ArgumentParser(prog="make bench-compare", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rev", help="the revision to compare with")
    parser.add_argument("--rounds", type=int, default=Plan().rounds)
    parser.add_argument("--seconds", type=float, default=Plan().seconds, help="for each measurement")
    parser.add_argument("--only", default=f"{NATIVE} on", help="those whose name has this in it")
    parser.add_argument("--dry", action="store_true", help="print alone, and write nothing")
    options = parser.parse_args(arguments)
    plan = Plan(options.rounds, options.seconds)
    numbers = {each.key: number for number, each in enumerate(subjects()) if options.only in each.key}
    try:
        results = run(numbers, options.rev, plan)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{machine_name()}.\n{revision()} (now) beside {options.rev} (then), CPU microseconds for one call.\n")
    print(table(list(numbers), results, plan))
    if not options.dry:
        costs = {f"{key}, {count} at a time": round(statistics.median(values), 1) for (key, count), values in results.items()}
        remember(HISTORY, f"bench-compare {options.rev}", costs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
