"""What a call may cost beside others, and whether it does: an aim is a bound on a ratio of two measurements of the same round."""

from typing import NamedTuple

from benchmarks.rounds import Ratio, Results, ratio
from benchmarks.subjects import NATIVE


class Aim(NamedTuple):
    """The cost of `of` is at most `bound` times that of `to`; both by a subject's key and how many calls at a time."""

    of: tuple[str, int]
    to: tuple[str, int]
    bound: float

    @property
    def words(self) -> str:
        """What is asked for."""
        of, to = (f"{key}, {count} at a time" for key, count in (self.of, self.to))
        return f"{of}, beside {to}"


class Found(NamedTuple):
    """What was found of an aim."""

    aim: Aim
    ratio: Ratio

    @property
    def is_reached(self) -> bool:
        """Whether the median is within the bound."""
        return self.ratio.median <= self.aim.bound


AIMS = (
    Aim((f"{NATIVE} on asyncio", 10), ("aiohttp on asyncio", 10), 1.0),
    Aim((f"{NATIVE} on asyncio", 10), ("httpx on asyncio", 10), 1 / 7),
    Aim((f"{NATIVE} on trio", 10), ("httpx on trio", 10), 1 / 6),
    Aim((f"{NATIVE} on threads", 10), ("urllib3 on threads", 10), 1 / 2),
    Aim((f"{NATIVE} on threads", 10), ("httpx on threads", 10), 1 / 4),
    *(Aim((f"{NATIVE} on {world}", 100), (f"{NATIVE} on {world}", 10), 1.2) for world in ("asyncio", "trio", "threads")),
)


def found(results: Results) -> list[Found]:
    """Each aim for which both sides were measured."""
    return [Found(aim, ratio(results[aim.of], results[aim.to])) for aim in AIMS if aim.of in results and aim.to in results]
