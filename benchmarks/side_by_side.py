"""Whole calls of this project's clients beside those of others: CPU time for each call, in one run, as ratios with their spread.

    make bench                          all of them; writes docs/benchmarks.md and benchmarks/history.jsonl
    make bench BENCH_ARGS="--only threads --rounds 3 --dry"

One client on one core, the server on another; everybody in each round. On one machine only ratios mean anything.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.aims import found
from benchmarks.core_cycle import SHARE_AIM, shares
from benchmarks.json_server import ROOT, json_server
from benchmarks.machine import missing_peers
from benchmarks.report import HISTORY, PAGE, aims_table, circumstances, figures_of, remember, table
from benchmarks.rounds import Plan, Results, measured, workers
from benchmarks.subjects import Subject, subjects
from tools.pages import write_between


def run(wanted: Sequence[Subject], plan: Plan, tell: Callable[[str], object]) -> Results:
    """Measure these subjects, a process for each."""
    every = [each.key for each in subjects()]
    numbers = {each.key: every.index(each.key) for each in wanted}
    with json_server() as url, workers(numbers, url, plan.seconds, ROOT) as running:
        return measured(running, plan, tell)


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write down."""
    options = _options(arguments)
    missing = missing_peers()
    if missing:
        print(f"{', '.join(missing)} not installed: pip install 'platform-client[all,bench]'", file=sys.stderr)
        return 2
    plan = Plan(options.rounds, options.seconds)
    wanted = [each for each in subjects() if options.only in each.key]
    if not wanted:
        print(f"nobody whose name has {options.only!r}; there are: {', '.join(each.key for each in subjects())}", file=sys.stderr)
        return 2
    results = run(wanted, plan, lambda text: print(text, file=sys.stderr, flush=True))
    aims = found(results)
    share = f"The core's share of a poll, strict JSON apart, of h11's own cycle: {shares(plan.rounds)} (aim: {SHARE_AIM})."
    text = f"{circumstances(plan)}\n\n{table(wanted, results, plan)}\n\n{aims_table(aims)}\n\n{share}"
    print(text)
    if not options.dry:
        write_between(PAGE, "side by side", "bench", text)
        remember(HISTORY, "bench", figures_of(results, aims))
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=Plan().rounds)
    parser.add_argument("--seconds", type=float, default=Plan().seconds, help="for each measurement")
    parser.add_argument("--only", default="", help="those whose name has this in it, say 'on trio'")
    parser.add_argument("--dry", action="store_true", help="print alone, and write nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
