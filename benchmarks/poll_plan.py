"""The poll plan beside the plans of others, in virtual time: how late is an end heard, and after how many polls.

    make poll-plan          writes the table and the plot of docs/poll_plan.md
    python -m benchmarks.poll_plan --dry

Durations from 50 ms to an hour, log-uniform: a run of a second is as likely as one of an hour. What is random is averaged over
several courses. For each peer those bounds are sought with which our plan polls no more often, keeps to the aim, and has the least delay.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from benchmarks.json_server import ROOT
from benchmarks.poll_courses import PEERS, Bounds, Figures, Plan, durations, figures, optimum_delay_seconds
from benchmarks.poll_plot import write_plot
from platform_core.operations import POLL_SECONDS_MAX
from platform_core.poll_plan import FIRST_SECONDS, GROWTH
from tools.pages import write_between

PAGE = ROOT / "docs" / "poll_plan.md"
PLOT = ROOT / "docs" / "poll_plan.svg"
DEFAULT = Bounds(FIRST_SECONDS, GROWTH, POLL_SECONDS_MAX)
RELATIVE_MAX = 0.25
"""The aim: at most this share of a peer's mean relative delay, for no more polls."""


class Row(NamedTuple):
    """One plan's figures; for one of ours that answers to a peer, its share of the peer's mean relative delay."""

    name: str
    figures: Figures
    share: float | None = None


def rows(count: int, courses: int) -> list[Row]:
    """The default, then each peer with the bounds of ours that answer to it."""
    ends = durations(count)
    found = [Row(f"ours, by default: {DEFAULT}", figures(DEFAULT.pause, ends, courses))]
    tried = {bounds: figures(bounds.pause, durations(max(count // 5, 1)), 2) for bounds in candidates()}
    for name, plan in PEERS.items():
        theirs = figures(plan, ends, courses)
        found.append(Row(name, theirs))
        for _, bounds in sorted((each.delay_mean, bounds) for bounds, each in tried.items() if _answers(each, theirs)):
            ours = figures(bounds.pause, ends, courses)
            if _answers(ours, theirs):  # the trial was with fewer durations
                found.append(Row(f"ours: {bounds}", ours, ours.relative_mean / theirs.relative_mean))
                break
    return found


def candidates() -> Iterator[Bounds]:
    """Every choice of bounds that is tried."""
    firsts = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    growths = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
    caps = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 120.0, 600.0)
    return (Bounds(first, growth, cap) for first, growth, cap in product(firsts, growths, caps) if first <= cap)


def _answers(ours: Figures, theirs: Figures) -> bool:
    return ours.polls <= theirs.polls and ours.relative_mean <= RELATIVE_MAX * theirs.relative_mean


def table(found: Sequence[Row]) -> str:
    """One line for each plan."""
    lines = [
        "| plan (ours: first pause, growth, cap) | polls | mean delay | worst | best possible | delay/duration, mean | worst | of theirs |",
        f"| --- |{' ---: |' * 7}",
    ]
    for name, each, share in found:
        best = optimum_delay_seconds(each.polls)
        relative = f"{each.relative_mean:.3g} | {each.relative_max:.3g} | {'' if share is None else f'{share:.3f}'}"
        lines.append(f"| {name} | {each.polls:.1f} | {each.delay_mean:.3g} s | {each.delay_max:.3g} s | {best:.3g} s | {relative} |")
    return "\n".join(lines)


def plotted() -> dict[str, Plan]:
    """Whose delays are drawn."""
    return {f"ours: {DEFAULT}": DEFAULT.pause, **{name: plan for name, plan in PEERS.items() if name != "fixed, 0.5 s"}}


def main(arguments: Sequence[str]) -> int:
    """Compute, print and write down; 1 where the aim is missed."""
    found = rows(count=1000, courses=10)
    text = table(found)
    print(text)
    if "--dry" not in arguments:
        write_between(PAGE, "poll plan", "poll-plan", text)
        write_plot(PLOT, plotted())
    is_reached = sum(row.share is not None for row in found) == len(PEERS)
    print(f"at most {RELATIVE_MAX:.0%} of each peer's mean relative delay, for no more polls: {'yes' if is_reached else 'no'}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
