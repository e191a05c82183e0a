"""All that can happen to one run whose process may die at any moment, and another one go on with what was stored."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from platform_core import execution as execution_machine
from platform_core.machine import Operation
from platform_core.outcomes import Restored, Started
from platform_core.snapshots import restore, snapshot

from .explore import Graph, explore
from .invariants import INVARIANTS
from .systems import awaiting, cancelling, execution
from .world import Move, World

SYSTEMS: dict[str, Callable[[], World]] = {
    "executed, cancelled when left": lambda: dying(execution()),
    "executed, detached when left": lambda: dying(execution("detach"), rejections_left=1),
    "executed without a key": lambda: dying(execution(keyed=False)),
    "awaited": lambda: dying(awaiting(), rejections_left=1),
    "cancelled": lambda: dying(cancelling()),
}


def dying(world: World, rejections_left: int = 0) -> World:
    """With fewer faults of other kinds: to die is the fault that this is about, and each kind multiplies the worlds."""
    return replace(world, crashes_left=1, conflicts_left=0, rejections_left=rejections_left)


class Stored:
    """An invariant: whatever operation is met comes back from a snapshot as it was, and steps as it did."""

    __name__ = "stored"

    def __init__(self) -> None:
        self.met: set[Operation[Any]] = set()

    def __call__(self, move: Move) -> bool:
        return all(self._comes_back(each, move) for each in (move.before.operation, move.after.operation))

    def _comes_back(self, operation: Operation[Any], move: Move) -> bool:
        if operation in self.met:
            return True
        self.met.add(operation)
        restored = restore(json.loads(json.dumps(snapshot(operation), allow_nan=False)))
        if restored != operation or move.outcome is None or operation is not move.before.operation:
            return restored == operation
        return restored.step(move.outcome) == operation.step(move.outcome)


@cache
def explored(name: str) -> tuple[Graph, Stored]:
    stored = Stored()
    return explore(SYSTEMS[name](), (*INVARIANTS, stored)), stored


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_invariant_holds_also_for_a_run_that_is_restored_and_every_run_ends(name: str) -> None:
    graph, stored = explored(name)
    print(f"\n{name}: {len(graph.after)} worlds, {graph.edges} edges, {len(stored.met)} operations stored and restored")
    assert not graph.has_cycle_without_timer()
    assert graph.all_can_end()
    assert {type(operation) for operation in stored.met} == graph.machine_states


def test_every_state_that_has_begun_is_restored() -> None:
    walked: dict[tuple[type, type], set[type]] = {}
    for name in SYSTEMS:
        for edge, targets in explored(name)[0].machine_edges.items():
            walked.setdefault(edge, set()).update(targets)
    edges = execution_machine.EDGES
    assert {state for state, outcome in walked if outcome is Restored} == {state for state, _ in edges if (state, Started) not in edges}
    assert all(targets <= edges[edge] for edge, targets in walked.items())
