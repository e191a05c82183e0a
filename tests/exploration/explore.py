"""Breadth-first through all worlds of one run that can be reached, holding every move against the invariants.

A violation is reported by the shortest way to it. The graph that is left at the end is a fact about the machines: it tells
whether every run ends.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_core.lifecycle import ExecutionStatus
from platform_core.outcomes import Outcome, Restored, Woke

from .canonical import canonical
from .diagram import diagram
from .invariants import Invariant
from .moves import moves
from .world import Moment, Move

_FROM_OUTSIDE = (Woke, Restored)
"""Outcomes that a run cannot bring about by itself, however long it goes on."""
MachineEdges = dict[tuple[type, type], set[type]]


class Violation(AssertionError):  # noqa: N818 -- a verdict, not a fault of the exploration
    """An invariant does not hold; the message is the way there."""


@dataclass(slots=True)
class Graph:
    """What was explored, worlds numbered as they were met: those after each; edges that a timer or a crash takes are kept apart."""

    after: list[set[int]] = field(default_factory=list[set[int]])
    after_outside: list[set[int]] = field(default_factory=list[set[int]])
    ended: set[int] = field(default_factory=set[int])
    lifecycle_edges: set[tuple[ExecutionStatus, ExecutionStatus]] = field(default_factory=set[tuple[ExecutionStatus, ExecutionStatus]])
    machine_edges: MachineEdges = field(default_factory=dict[tuple[type, type], set[type]])

    @property
    def worlds(self) -> int:
        return len(self.after)

    @property
    def edges(self) -> int:
        return sum(map(len, self.after)) + sum(map(len, self.after_outside))

    @property
    def machine_states(self) -> set[type]:
        return {state for (before, _), found in self.machine_edges.items() for state in (before, *found)}

    def has_cycle_without_timer(self) -> bool:
        """Whether a run could go on for ever without time passing and without anybody killing it."""
        arrivals = [0] * len(self.after)
        for found in self.after:
            for world in found:
                arrivals[world] += 1
        free = deque(world for world, count in enumerate(arrivals) if not count)
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
        before: list[list[int]] = [[] for _ in self.after]
        for edges in (self.after, self.after_outside):
            for world, found in enumerate(edges):
                for other in found:
                    before[other].append(world)
        reached, queue = set(self.ended), deque(self.ended)
        while queue:
            for world in before[queue.popleft()]:
                if world not in reached:
                    reached.add(world)
                    queue.append(world)
        return len(reached) == len(self.after)


def explore(start: Moment, invariants: Sequence[Invariant], *, worlds_max: int = 2_000_000) -> Graph:
    """All worlds that can be reached from `start`. Raises `Violation`."""
    graph = Graph()
    numbers: dict[Any, int] = {canonical(start): 0}
    cause: list[tuple[int, Move] | None] = [None]
    queue = deque([start])
    for number in range(worlds_max):
        if not queue:
            return graph
        moment = queue.popleft()
        after: set[int] = set()
        after_outside: set[int] = set()
        graph.after.append(after)
        graph.after_outside.append(after_outside)
        if moment.run.ended:
            graph.ended.add(number)
        for move in moves(moment):
            for invariant in invariants:
                if not invariant(move):
                    raise Violation(violation_text(invariant, [*_way(cause, number), move]))
            name = canonical(move.after)
            other = numbers.setdefault(name, len(cause))
            if other == len(cause):
                cause.append((number, move))
                queue.append(move.after)
            (after_outside if isinstance(move.outcome, _FROM_OUTSIDE) else after).add(other)
            if move.outcome is None:
                graph.lifecycle_edges.update(_moved(move))
            else:
                _note(graph.machine_edges, move.before.run.operation, move.outcome, move.after.run.operation)
    message = f"more than {worlds_max} worlds"
    raise Violation(message)


def violation_text(invariant: Invariant, way: Sequence[Move]) -> str:
    """What was broken, and the way there."""
    return f"{invariant.__name__}: {invariant.__doc__}\n\n{diagram(way)}"


def _note(edges: MachineEdges, before: Any, outcome: Outcome, after: Any) -> None:
    state: type[Any] = before.__class__
    target: type[Any] = after.__class__
    edges.setdefault((state, type(outcome)), set()).add(target)


def _moved(move: Move) -> Iterator[tuple[ExecutionStatus, ExecutionStatus]]:
    after = move.after.shared.platform.executions
    for execution in move.before.shared.platform.executions.values():
        status = after[execution.execution_id].status
        if status is not execution.status:
            yield execution.status, status


def _way(cause: list[tuple[int, Move] | None], number: int) -> list[Move]:
    way: list[Move] = []
    while (step := cause[number]) is not None:
        number, move = step
        way.append(move)
    return way[::-1]
