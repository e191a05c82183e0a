"""The plot of docs/poll_plan.md: the mean relative delay beside the duration, for each plan."""

import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.poll_courses import Plan, course, durations

_POINTS, _DURATIONS_OF_A_POINT, _COURSES = 50, 100, 5


def write_plot(path: Path, plans: Mapping[str, Plan]) -> None:
    """Write an SVG that is the same whenever the plans are."""
    mpl.rcParams["svg.hashsalt"] = path.name
    figure: Any = Figure(figsize=(9, 5), layout="constrained")  # matplotlib's annotations leave too much open for strict checkers
    axes = figure.subplots()
    for name, plan in plans.items():
        axes.plot(*_curve(plan), label=name, linewidth=3.0 if name.startswith("ours") else 1.2)
    axes.set(xscale="log", yscale="log", xlabel="duration of the run, s", ylabel="mean delay until its end is heard, as a share of it")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, format="svg", metadata={"Date": None})


def _curve(plan: Plan) -> tuple[list[float], list[float]]:
    courses = [course(plan, seed) for seed in range(_COURSES)]
    ends = durations(_POINTS * _DURATIONS_OF_A_POINT)
    groups = [ends[start : start + _DURATIONS_OF_A_POINT] for start in range(0, len(ends), _DURATIONS_OF_A_POINT)]
    means = [statistics.fmean(_relative(times, end) for times in courses for end in group) for group in groups]
    return [statistics.geometric_mean(group) for group in groups], means


def _relative(times: Sequence[float], end: float) -> float:
    return (times[bisect_left(times, end)] - end) / end
