"""Plans for polling, ours and those of others, and what each costs and gives over many durations."""

import math
import random
import statistics
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from platform_core.poll_plan import poll_pause_seconds

SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 3600.0
_SPAN = math.log(LONGEST_SECONDS / SHORTEST_SECONDS)
_DOUBLINGS_MAX = 64
"""Beyond it a pause is at its cap in any case, and the power would overflow in the end."""

Plan: TypeAlias = Callable[[float, int, random.Random], float]
"""The next pause in seconds, of the time waited, the number of polls made, and chance."""


class Bounds(NamedTuple):
    """What our plan may be given."""

    first_seconds: float
    growth: float
    cap_seconds: float

    def pause(self, waited: float, _: int, chance: random.Random) -> float:
        """As a plan."""
        return poll_pause_seconds(waited, self.cap_seconds, first_seconds=self.first_seconds, growth=self.growth, jitter=chance.random())

    def __str__(self) -> str:
        return f"{self.first_seconds:g} s, {self.growth:g}, {self.cap_seconds:g} s"


class Figures(NamedTuple):
    """What a plan costs and gives: the delay of the poll that hears of an end, in seconds and as a share of the duration."""

    polls: float
    delay_mean: float
    delay_max: float
    relative_mean: float
    relative_max: float


def fixed(seconds: float) -> Plan:
    """The same pause always."""
    return lambda _waited, _polls, _chance: seconds


def growing(first: float, factor: float, cap: float) -> Plan:
    """Pauses that grow by a factor up to a cap."""
    return lambda _waited, polls, _chance: min(cap, first * factor ** min(polls, _DOUBLINGS_MAX))


def jittered(plan: Plan) -> Plan:
    """Full jitter: anything from nothing to what the plan says."""
    return lambda waited, polls, chance: plan(waited, polls, chance) * chance.random()


PEERS: dict[str, Plan] = {
    "fixed, 0.1 s": fixed(0.1),
    "fixed, 0.5 s": fixed(0.5),
    "fixed, 1 s": fixed(1.0),
    "fixed, 30 s": fixed(30.0),
    "1 s x1.5 to 20 s, full jitter": jittered(growing(1.0, 1.5, 20.0)),
    "0.5 s x1.5 to 5 s": growing(0.5, 1.5, 5.0),
}


def durations(count: int) -> list[float]:
    """So many, evenly spread in their logarithm."""
    return [SHORTEST_SECONDS * math.exp(_SPAN * (number + 0.5) / count) for number in range(count)]


def course(plan: Plan, seed: int) -> list[float]:
    """When the polls of a run are, until the longest one would have been heard of."""
    chance = random.Random(seed)  # noqa: S311 -- to be repeated, not to be secret
    times = [plan(0.0, 0, chance)]
    while times[-1] < LONGEST_SECONDS:
        times.append(times[-1] + plan(times[-1], len(times), chance))
    return times


def figures(plan: Plan, ends: Sequence[float], courses: int) -> Figures:
    """Over all these durations, and so many courses."""
    polls: list[int] = []
    delays: list[float] = []
    for seed in range(courses):
        times = course(plan, seed)
        heard = [bisect_left(times, end) for end in ends]
        polls += [number + 1 for number in heard]
        delays += [times[number] - end for number, end in zip(heard, ends, strict=True)]
    relative = [delay / end for delay, end in zip(delays, list(ends) * courses, strict=True)]
    return Figures(statistics.fmean(polls), statistics.fmean(delays), max(delays), statistics.fmean(relative), max(relative))


def optimum_delay_seconds(polls: float, steps: int = 4000) -> float:
    """The least mean delay that a plan can have with so many polls on average, where pauses may be as short as they like.

    A pause p(t) at the time t costs f(t) p(t) / 2 of delay and needs S(t) / p(t) polls, where f is the density of the durations and S
    the share of them that is longer. So the best pause is in proportion to sqrt(S(t) / f(t)), here to sqrt(t ln(T / t)).
    """
    edges = [SHORTEST_SECONDS * math.exp(_SPAN * number / steps) for number in range(steps + 1)]
    polls_of_shape = delay_of_shape = 0.0
    for before, after in pairwise(edges):
        middle = (before + after) / 2
        left = math.log(LONGEST_SECONDS / middle)
        pause = math.sqrt(middle * left)
        polls_of_shape += (after - before) * left / _SPAN / pause
        delay_of_shape += (after - before) / (middle * _SPAN) * pause / 2
    return delay_of_shape * polls_of_shape / max(polls - 1, 1.0)  # the one poll that hears of the end is needed in any case
