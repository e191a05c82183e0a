"""What can happen to one run, explored completely within the bounds of `systems.py`: every invariant holds, and every run ends."""

from collections.abc import Callable
from functools import cache

import pytest

from platform_core import execution as execution_machine
from platform_core.cancelling import Cancelling, CancelPausing, ReadyToCancel, Rereading
from platform_core.cleanup import LastPoll, Learning, LearnPausing
from platform_core.execution import Polling, Ready, ReadyToWatch, Submitting, Waiting
from platform_core.machine import Ended
from platform_core.outcomes import Abandoned, Restored

from .explore import Graph, MachineEdges, explore
from .invariants import INVARIANTS
from .systems import awaiting, bounded, cancelling, execution
from .world import Moment

BEFORE: set[type] = {Ready, ReadyToWatch, ReadyToCancel}
EXECUTING: set[type] = {Submitting, Waiting, Polling}
LEAVING: set[type] = {Learning, LearnPausing, LastPoll, Cancelling, CancelPausing, Rereading}

SYSTEMS: dict[str, tuple[Callable[[], Moment], set[type], int]] = {
    "executed, cancelled when left": (lambda: bounded(execution(), 3), {Ready} | EXECUTING | LEAVING, 15_000),
    "executed, detached when left": (lambda: bounded(execution("detach"), 2), {Ready, LastPoll} | EXECUTING, 2_000),
    "executed without a key": (lambda: bounded(execution(keyed=False), 2), {Ready} | EXECUTING | LEAVING - {Learning, LearnPausing}, 2_000),
    "executed without a token": (lambda: bounded(execution(generation=0), 1), {Ready} | EXECUTING | LEAVING, 800),
    "awaited": (lambda: bounded(awaiting(), 3), {ReadyToWatch, Polling, Waiting, LastPoll}, 2_000),
    "cancelled": (lambda: bounded(cancelling(), 4), {ReadyToCancel, Cancelling, CancelPausing, Rereading}, 1_000),
}
"""Each with the machine states that it must reach, and a number of worlds below which the exploration has lost something."""


@cache
def explored(name: str) -> Graph:
    return explore(SYSTEMS[name][0](), INVARIANTS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_invariant_holds_in_every_world_and_every_run_ends(name: str) -> None:
    _, states, worlds_min = SYSTEMS[name]
    graph = explored(name)
    assert graph.machine_states == states | {Ended}
    assert graph.worlds >= worlds_min
    assert not graph.has_cycle_without_timer(), "a run could go on for ever without time passing"
    assert graph.all_can_end()


def test_every_state_is_abandoned_and_restored_and_every_edge_is_walked() -> None:
    walked: MachineEdges = {}
    for name in SYSTEMS:
        for edge, targets in explored(name).machine_edges.items():
            walked.setdefault(edge, set()).update(targets)
    assert {state for state, outcome in walked if outcome is Abandoned} == BEFORE | EXECUTING | LEAVING
    assert {state for state, outcome in walked if outcome is Restored} == EXECUTING | LEAVING
    declared = execution_machine.EDGES
    assert all(targets <= declared[edge] for edge, targets in walked.items())
    # A run that was stored goes on at the time at which its action was decided, so that none is restored after its deadline.
    assert {edge for edge in declared if not declared[edge] <= walked.get(edge, set())} <= {
        edge for edge in declared if edge[1] is Restored
    }
