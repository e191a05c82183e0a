"""Breadth-first through all worlds that can be reached, holding every move against the invariants.

A violation is reported by the shortest way to it. The graph that is left at the end is a fact about the machines: it tells
whether every run ends.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_core.outcomes import Woke

from .canonical import canonical
from .invariants import Invariant
from .world import Move, World, moves


class Violation(AssertionError):  # noqa: N818 -- a verdict, not a fault of the exploration
    """An invariant does not hold; the message is the way there."""


@dataclass(slots=True)
class Graph:
    """What was explored: for each world, the worlds after it; edges that a timer takes are kept apart."""

    after: dict[Any, set[Any]] = field(default_factory=dict[Any, set[Any]])
    after_timer: dict[Any, set[Any]] = field(default_factory=dict[Any, set[Any]])
    ended: set[Any] = field(default_factory=set[Any])
    machine_states: set[type] = field(default_factory=set[type])
    machine_edges: dict[tuple[type, type], set[type]] = field(default_factory=dict[tuple[type, type], set[type]])

    @property
    def edges(self) -> int:
        return sum(len(found) for found in self.after.values()) + sum(len(found) for found in self.after_timer.values())

    def has_cycle_without_timer(self) -> bool:
        """Whether a run could go on for ever without time passing."""
        arrivals = dict.fromkeys(self.after, 0)
        for found in self.after.values():
            for world in found:
                arrivals[world] += 1
        free = deque(world for world, count in arrivals.items() if not count)
        removed = 0
        while free:
            removed += 1
            for world in self.after[free.popleft()]:
                arrivals[world] -= 1
                if not arrivals[world]:
                    free.append(world)
        return removed < len(self.after)

    def all_can_end(self) -> bool:
        """Whether an end can be reached from every world."""
        before: dict[Any, set[Any]] = {world: set() for world in self.after}
        for edges in (self.after, self.after_timer):
            for world, found in edges.items():
                for other in found:
                    before[other].add(world)
        reached, queue = set(self.ended), deque(self.ended)
        while queue:
            for world in before[queue.popleft()] - reached:
                reached.add(world)
                queue.append(world)
        return len(reached) == len(self.after)


def explore(start: World, invariants: Sequence[Invariant], *, worlds_max: int = 200_000) -> Graph:
    """All worlds that can be reached from `start`. Raises `Violation`."""
    graph, first = Graph(), canonical(start)
    cause: dict[Any, tuple[Any, Move] | None] = {first: None}
    queue = deque([(first, start)])
    while queue:
        name, world = queue.popleft()
        graph.after.setdefault(name, set())
        graph.after_timer.setdefault(name, set())
        if world.ended:
            graph.ended.add(name)
        for move in moves(world):
            other = canonical(move.after)
            if other not in cause:
                cause[other] = name, move
                queue.append((other, move.after))
                if len(cause) > worlds_max:
                    message = f"more than {worlds_max} worlds"
                    raise Violation(message)
            for invariant in invariants:
                if not invariant(move):
                    raise Violation(_told(invariant, (*_way(cause, name), move)))
            if other == name:
                continue
            (graph.after_timer if isinstance(move.outcome, Woke) else graph.after)[name].add(other)
            _remember(graph, move)
    return graph


def _remember(graph: Graph, move: Move) -> None:
    if move.outcome is not None:
        before, after = type(move.before.operation), type(move.after.operation)
        graph.machine_states |= {before, after}
        graph.machine_edges.setdefault((before, type(move.outcome)), set()).add(after)


def _way(cause: dict[Any, tuple[Any, Move] | None], name: Any) -> tuple[Move, ...]:
    way: list[Move] = []
    while (step := cause[name]) is not None:
        name, move = step
        way.append(move)
    return tuple(reversed(way))


def _told(invariant: Invariant, way: tuple[Move, ...]) -> str:
    lines = [f"{invariant.__name__}: {invariant.__doc__}"]
    for move in way:
        after = move.after
        states = f"{type(move.before.operation).__name__} -> {type(after.operation).__name__}"
        lines.append(f"  {after.now:8.3f}  {move.name:<32} {states}  {after.action}")
    return "\n".join(lines)
