"""What can happen to one run, explored completely within the bounds of `systems.py`: every invariant holds, and every run ends."""

from collections.abc import Callable

from platform_core.call import Calling, ReadyToCall
from platform_core.cancelling import Cancelling, CancelPausing, ReadyToCancel, Rereading
from platform_core.cleanup import LastPoll, Learning, LearnPausing
from platform_core.exchange import Authorizing, Pausing, Sending
from platform_core.execution import Polling, Ready, ReadyToWatch, Submitting, Waiting
from platform_core.lifecycle import TRANSITIONS, ExecutionStatus
from platform_core.machine import Ended
from platform_core.outcomes import Abandoned, Restored
from tests.support.walking import Walk, differences
from tools.machines import machines

from .explore import MachineEdges, explore
from .forms import STEPS
from .invariants import INVARIANTS
from .systems import awaiting, bounded, cancelling, execution, looking, resuming, submitting
from .world import Moment

COMPLETED, FAILED, TIMEOUT = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT
BEFORE: set[type] = {Ready, ReadyToWatch, ReadyToCancel, ReadyToCall}
EXCHANGING: set[type] = {Sending, Pausing, Authorizing}
EXECUTING: set[type] = {Submitting, Waiting, Polling}
LEAVING: set[type] = {Learning, LearnPausing, LastPoll, Cancelling, CancelPausing, Rereading}

SYSTEMS: dict[str, tuple[Callable[[], Moment], set[type], int]] = {
    "executed, left once": (lambda: bounded(execution(), 3, 1), {Ready} | EXECUTING | LEAVING, 20_000),
    "executed, left twice": (lambda: bounded(execution(), 2), {Ready} | EXECUTING | LEAVING, 5_000),
    "executed, detached when left": (lambda: bounded(execution("detach"), 1), {Ready, LastPoll} | EXECUTING, 400),
    "executed without a key": (
        lambda: bounded(execution(keyed=False), 2, 1),
        {Ready} | EXECUTING | LEAVING - {Learning, LearnPausing},
        2_000,
    ),
    "executed without a token": (lambda: bounded(execution(generation=0), 1), {Ready} | EXECUTING | LEAVING, 800),
    "gone on with by a handle": (lambda: bounded(resuming(), 2, 1), EXECUTING | LEAVING, 3_000),
    "awaited": (lambda: bounded(awaiting(), 3, 1), {ReadyToWatch, Polling, Waiting, LastPoll}, 3_000),
    "cancelled": (lambda: bounded(cancelling(), 4, 1, (COMPLETED,)), {ReadyToCancel, Cancelling, CancelPausing, Rereading}, 7_000),
    "submitted alone": (lambda: bounded(submitting(), 2), {ReadyToCall, Calling}, 800),
    "asked for": (lambda: bounded(looking(), 1, 2, (COMPLETED, FAILED, TIMEOUT)), {ReadyToCall, Calling}, 200),
}
"""Each with the machine states that it must reach, and a number of worlds below which the exploration has lost something."""

NOT_BY_A_STORED_RUN = (
    "Submitting on Restored: never goes to Learning",
    "Learning on Restored: never goes to Ended",
    "Polling on Restored: never goes to Cancelling, Ended",
    "Cancelling on Restored: never goes to Ended",
    "LastPoll on Restored: never goes to Ended",
    "Rereading on Restored: never goes to Ended",
    "Calling on Restored: never goes to Ended",
    "ReadyToCall on Restored: never goes to Calling",
    "ReadyToCancel on Restored: never goes to Cancelling",
    "Ready on Restored: never goes to Submitting",
    "ReadyToWatch on Restored: never goes to Polling",
)
"""A stored run goes on at the time at which its action was decided, so before its deadline; one that had not begun is started.

These edges are for drivers of other people, who may tell the time otherwise; the tests of each module walk them.
"""


def test_every_invariant_holds_every_run_ends_and_every_edge_of_every_machine_is_walked() -> None:
    """In one test, since what one process has explored another one would have to explore again."""
    walked: MachineEdges = {}
    lifecycle_edges: set[tuple[ExecutionStatus, ExecutionStatus]] = set()
    for name, (start, states, worlds_min) in SYSTEMS.items():
        graph = explore(start(), INVARIANTS)
        assert graph.machine_states == states | {Ended}, name
        assert graph.worlds >= worlds_min, name
        assert not graph.has_cycle_without_timer(), f"{name}: a run could go on for ever without time passing"
        assert graph.all_can_end(), name
        lifecycle_edges |= graph.lifecycle_edges
        for edge, targets in graph.machine_edges.items():
            walked.setdefault(edge, set()).update(targets)
    for (state, outcome), targets in STEPS.exchange_edges.items():
        walked[state, outcome] = targets
    states_met = {state for state, _ in walked}
    assert {state for state, outcome in walked if outcome is Abandoned} == states_met - EXCHANGING
    assert {state for state, outcome in walked if outcome is Restored} == states_met - BEFORE
    assert sorted(differences(Walk([], walked), declared_edges())) == sorted(NOT_BY_A_STORED_RUN)
    assert lifecycle_edges == {(source, target) for source, following in TRANSITIONS.items() for target in following}


def declared_edges() -> dict[tuple[type, type], frozenset[type]]:
    """Those of every machine whose answers come whole: those whose bodies flow are walked by their own tests."""
    flowing = {"agent_stream", "downloads"}
    return {edge: targets for name, module in machines().items() if name not in flowing for edge, targets in module.EDGES.items()}
