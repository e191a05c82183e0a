"""Rounds in which everybody is measured once, so that what the machine does meanwhile happens to all: only their pairs mean anything."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

AT_A_TIME = (1, 10, 100)

Measure: TypeAlias = Callable[[int], float]
"""Takes how many calls at a time; answers with CPU microseconds for one call."""
Results: TypeAlias = Mapping[tuple[str, int], Sequence[float]]
"""By a subject's key and how many calls at a time: CPU microseconds for one call, one for each round."""


class Ratio(NamedTuple):
    """The median of the ratios of all rounds, and the quartiles around it."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


class Plan(NamedTuple):
    """How long and how often each is measured."""

    rounds: int = 7
    seconds: float = 0.4
    at_a_time: tuple[int, ...] = AT_A_TIME


def ratio(of: Sequence[float], to: Sequence[float]) -> Ratio:
    """How many times as much one costs as the other: each round is a pair."""
    pairs = [each / other for each, other in zip(of, to, strict=True)]
    if len(pairs) == 1:
        return Ratio(*pairs * 3)
    low, median, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(low, median, high)


def measured(workers: Mapping[str, Measure], plan: Plan, tell: Callable[[str], object]) -> Results:
    """Measure each in each round; every other round goes the other way, so that nobody always follows the same one."""
    results: dict[tuple[str, int], list[float]] = {(key, count): [] for key in workers for count in plan.at_a_time}
    order = list(workers.items())
    for number in range(plan.rounds):
        tell(f"round {number + 1} of {plan.rounds}")
        for count in plan.at_a_time:
            for key, measure in order if number % 2 == 0 else reversed(order):
                results[key, count].append(measure(count))
    return results


@contextmanager
def worker(number: int, url: str, seconds: float, root: Path) -> Generator[Measure]:
    """A process for one subject, with the sources that lie under `root`."""
    command = [sys.executable, "-m", "benchmarks.worker", str(number)]
    environment = os.environ | {"PYTHONPATH": str(root / "transports")}
    with subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        to, back = process.stdin, process.stdout
        assert to is not None, "a pipe"
        assert back is not None, "a pipe"

        def measure(at_a_time: int) -> float:
            print(json.dumps([url, at_a_time, seconds]), file=to, flush=True)
            return float(back.readline())

        try:
            yield measure
        finally:
            to.close()


@contextmanager
def workers(numbers: Mapping[str, int], url: str, seconds: float, root: Path) -> Generator[dict[str, Measure]]:
    """A process for each of these subjects, by whatever name."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(worker(number, url, seconds, root)) for name, number in numbers.items()}
