"""All that can happen to one run, explored completely: an operation, the platform's model, a lossy network, a caller who may leave."""

from collections.abc import Callable
from functools import cache

import pytest

from platform_core import execution as execution_machine
from platform_core.cancelling import Cancelling, CancelPausing, ReadyToCancel, Rereading
from platform_core.cleanup import LastPoll, Learning, LearnPausing
from platform_core.execution import Polling, Ready, ReadyToWatch, Submitting, Waiting
from platform_core.machine import Ended
from platform_core.outcomes import Abandoned, Restored

from .explore import Graph, Violation, explore
from .invariants import INVARIANTS
from .mutants import MUTANTS, Mutant
from .systems import awaiting, cancelling, execution
from .world import World

EXECUTING = {Ready, Submitting, Waiting, Polling, Ended}
LEAVING = {Learning, LearnPausing, LastPoll, Cancelling, CancelPausing, Rereading}

SYSTEMS: dict[str, tuple[Callable[[], World], set[type], int]] = {
    "executed, cancelled when left": (execution, EXECUTING | LEAVING, 10_000),
    "executed, detached when left": (lambda: execution("detach"), EXECUTING | {LastPoll}, 1_000),
    "executed without a key": (lambda: execution(keyed=False), EXECUTING | LEAVING - {Learning, LearnPausing}, 3_000),
    "awaited": (awaiting, {ReadyToWatch, Polling, Waiting, LastPoll, Ended}, 400),
    "cancelled": (cancelling, {ReadyToCancel, Cancelling, CancelPausing, Rereading, Ended}, 100),
}
"""Each with the machine states that it must reach, and a number of worlds below which the exploration has lost something."""


@cache
def explored(name: str) -> Graph:
    return explore(SYSTEMS[name][0](), INVARIANTS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_invariant_holds_in_every_world_and_every_run_ends(name: str, record_property: Callable[[str, object], None]) -> None:
    _, states, worlds_min = SYSTEMS[name]
    graph = explored(name)
    print(f"\n{name}: {len(graph.after)} worlds, {graph.edges} edges")
    record_property("worlds", len(graph.after))
    record_property("edges", graph.edges)
    assert graph.machine_states == states
    assert len(graph.after) >= worlds_min
    assert not graph.has_cycle_without_timer(), "a run could go on for ever without time passing"
    assert graph.all_can_end()


def test_every_state_is_abandoned_and_every_declared_edge_is_walked() -> None:
    walked: dict[tuple[type, type], set[type]] = {}
    for name in SYSTEMS:
        for edge, targets in explored(name).machine_edges.items():
            walked.setdefault(edge, set()).update(targets)
    declared = {
        edge: set(targets)
        for edge, targets in execution_machine.EDGES.items()
        # Nothing is restored here: see test_restored.py.
        if edge[1] is not Restored
    }
    assert walked == declared
    assert {state for state, outcome in walked if outcome is Abandoned} == (EXECUTING | LEAVING | {ReadyToWatch, ReadyToCancel}) - {Ended}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_deliberate_fault_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.mutate(monkeypatch)
    with pytest.raises(Violation, match=f"^{mutant.found_by}:"):
        explore(mutant.start(), INVARIANTS)
