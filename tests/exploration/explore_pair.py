"""Breadth-first through all worlds of two runs at once, which share a platform, a token and a retry budget.

What can happen to one of them is worked out once for each form of it and of its own execution, by the whole platform with both of them;
how the other's execution fares makes no difference to it (`test_pair.py` holds that against the model). A world is then a few numbers.
The two differ in their number alone, so that it is enough to look at those worlds in which the first one's submission arrives first
(`network.arrive`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

from platform_core.retry import RetryBudget
from platform_emulator import model as platform

from .canonical import form_of_run
from .explore import Violation, violation_text
from .invariants import Invariant
from .moves import moves
from .world import Moment, Move, Run, Shared, executions_of

T = TypeVar("T")
_BITS = 24
"""For the number of a run and its execution."""
_MASK = (1 << _BITS) - 1


class Local(NamedTuple):
    """What a move makes of a run and of what is shared, and what it costs."""

    run: int
    common: int
    faults: int
    abandonments: int


class Common(NamedTuple):
    """What both runs have, but for the platform."""

    generation: int
    budget: RetryBudget | None


class World(NamedTuple):
    """The numbers of two runs, each with its execution, and of what they share; how many faults and abandonments may come."""

    first: int
    second: int
    common: int
    faults_left: int
    abandonments_left: int

    def packed(self) -> int:
        """As one number, for there are many."""
        return (((self.first << _BITS | self.second) << 8 | self.common) << 8 | self.faults_left) << 8 | self.abandonments_left

    @classmethod
    def unpacked(cls, packed: int) -> "World":
        """The world of this number."""
        left = packed >> 24
        return cls(left >> _BITS, left & _MASK, packed >> 16 & 255, packed >> 8 & 255, packed & 255)


class Pair(NamedTuple):
    """How much there was."""

    worlds: int
    edges: int
    runs: int
    """Forms of either run."""


class _Numbered(Generic[T]):
    """Values by number, each of which stands for all of its form."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[Any, int] = {}

    def number(self, form: Any, value: T) -> int:
        found = self._numbers.setdefault(form, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


class _Explorer:
    def __init__(self, runs: Sequence[Run], shared: Shared, invariants: Sequence[Invariant]) -> None:
        assert shared.faults_left is not None
        self._runs = _Numbered[Moment](), _Numbered[Moment]()
        self._common = _Numbered[Common]()
        self._locals: tuple[dict[int, tuple[Local, ...]], dict[int, tuple[Local, ...]]] = {}, {}
        self._invariants = invariants
        self._first_has_started: platform.State | None = None
        """The platform once it has the first run's execution, and nothing else."""
        first, second = (self._number(index, Moment(run, shared)) for index, run in enumerate(runs))
        common = Common(shared.generation, shared.budget)
        self.start = World(first, second, self._common.number(common, common), shared.faults_left, shared.abandonments_left)

    def after(self, packed: int) -> Iterator[int]:
        """The worlds after this one. Raises `_Broken`."""
        first, second, common, faults_left, abandonments_left = World.unpacked(packed)
        left = faults_left << 8 | abandonments_left
        for run, other, faults, abandonments in self._of(0, first, common, packed, other_has_started=True):
            if faults <= faults_left and abandonments <= abandonments_left:
                yield (((run << _BITS | second) << 8 | other) << 16) + left - (faults << 8) - abandonments
        has_started = self.has_started(first)
        for run, other, faults, abandonments in self._of(1, second, common, packed, other_has_started=has_started):
            if faults <= faults_left and abandonments <= abandonments_left:
                yield (((first << _BITS | run) << 8 | other) << 16) + left - (faults << 8) - abandonments

    def moves(self, index: int, run: int, common: int, *, other_has_started: bool) -> Iterator[tuple[Move, Local]]:
        """What can happen to this run, with one more fault and one more abandonment."""
        moment = self._runs[index].values[run]
        here = replace(moment.shared, faults_left=1, abandonments_left=1, **self._common.values[common]._asdict())
        if index == 1 and other_has_started and not here.platform.executions:
            assert self._first_has_started is not None
            here = replace(here, platform=self._first_has_started)
        for move in moves(Moment(moment.run, here)):
            after = move.after.shared
            now = Common(after.generation, after.budget)
            faults = 1 - (after.faults_left or 0)
            yield move, Local(self._number(index, move.after), self._common.number(now, now), faults, 1 - after.abandonments_left)

    def _of(self, index: int, run: int, common: int, world: int, *, other_has_started: bool) -> tuple[Local, ...]:
        key = (run << 8 | common) << 1 | other_has_started
        found = self._locals[index].get(key)
        if found is None:
            after: dict[Local, None] = {}
            for move, local in self.moves(index, run, common, other_has_started=other_has_started):
                for invariant in self._invariants:
                    if not invariant(move):
                        raise _Broken(world, move, invariant)
                if (local.run, local.common) != (run, common):
                    after[local] = None
            found = self._locals[index][key] = tuple(after)
        return found

    def _number(self, index: int, moment: Moment) -> int:
        own = executions_of(moment)
        if index == 0 and own and self._first_has_started is None:
            self._first_has_started = moment.shared.platform
        return self._runs[index].number((form_of_run(moment.run), tuple(each.status for each in own)), moment)

    def has_started(self, first: int) -> bool:
        return bool(executions_of(self._runs[0].values[first]))

    @property
    def forms(self) -> int:
        return sum(len(forms.values) for forms in self._runs)


class _Broken(Exception):  # noqa: N818 -- a verdict, not a fault of the exploration
    def __init__(self, world: int, move: Move, invariant: Invariant) -> None:
        super().__init__(world, move, invariant)
        self.world, self.move, self.invariant = world, move, invariant


def explore_pair(runs: Sequence[Run], shared: Shared, invariants: Sequence[Invariant]) -> Pair:
    """All worlds of two runs. Raises `Violation`."""
    explorer, seen, edges = _Explorer(runs, shared, invariants), set[int](), 0
    start = explorer.start.packed()
    layer = [start]
    seen.add(start)
    try:
        while layer:
            following: list[int] = []
            for world in layer:
                for other in explorer.after(world):
                    edges += 1
                    if other not in seen:
                        seen.add(other)
                        following.append(other)
            layer = following
    except _Broken as broken:
        way = _way(_Explorer(runs, shared, ()), broken.world)
        raise Violation(violation_text(broken.invariant, [*way, broken.move])) from None
    return Pair(len(seen), edges, explorer.forms)


def _way(explorer: _Explorer, end: int) -> list[Move]:
    """The shortest way there: looked for only where it is asked for, since to keep the ways takes much memory."""
    causes = {explorer.start.packed(): -1}
    layer = list(causes)
    while end not in causes:
        following: list[int] = []
        for world in layer:
            for other in explorer.after(world):
                if other not in causes:
                    causes[other] = world
                    following.append(other)
        layer = following
    way: list[Move] = []
    while causes[end] >= 0:
        way.append(_move(explorer, causes[end], end))
        end = causes[end]
    return way[::-1]


def _move(explorer: _Explorer, before: int, after: int) -> Move:
    first, second, common, *left = World.unpacked(before)
    for index, run in enumerate((first, second)):
        has_started = index == 0 or explorer.has_started(first)
        for move, local in explorer.moves(index, run, common, other_has_started=has_started):
            runs = (local.run, second) if index == 0 else (first, local.run)
            if World(*runs, local.common, left[0] - local.faults, left[1] - local.abandonments).packed() == after:
                return move
    raise AssertionError("every edge is a move")
