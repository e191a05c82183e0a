"""Two executions at once, explored completely within smaller bounds than `make explore`; and what the exploration takes for granted."""

from dataclasses import replace

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_emulator import model as platform

from .canonical import form_of_run
from .explore_pair import explore_pair
from .invariants import INVARIANTS
from .moves import moves
from .systems import two_executions
from .world import Moment, Shared, executions_of


@pytest.mark.parametrize(("faults", "abandonments", "worlds_min"), [(0, 2, 5_000), (1, 1, 80_000)])
def test_every_invariant_holds_in_every_world_of_two_executions(faults: int, abandonments: int, worlds_min: int) -> None:
    runs, shared = two_executions(faults, abandonments=abandonments)
    assert explore_pair(runs, shared, INVARIANTS).worlds >= worlds_min


def test_how_one_execution_fares_makes_no_difference_to_the_other() -> None:
    (_, second), shared = two_executions(1, abandonments=1)
    met, queue = set[object](), [Moment(second, _with_first(shared))]
    while queue:
        moment = queue.pop()
        future = futures(moment)
        assert futures(moment._replace(shared=_with_first_completed(moment.shared))) == future
        for move in moves(moment):
            form = form_of_run(move.after.run), move.after.shared
            if form not in met:
                met.add(form)
                queue.append(move.after)
    assert len(met) > 500


def futures(moment: Moment) -> list[object]:
    """What becomes of the run and of all that is not the other execution."""
    found = [move.after for move in moves(moment)]
    return [(form_of_run(run), shared.generation, shared.budget, executions_of(Moment(run, shared))) for run, shared in found]


def _with_first(shared: Shared) -> Shared:
    (first, _), _ = two_executions(0)
    started = next(move.after for move in moves(Moment(first, shared)))
    arrived = next(move.after for move in moves(started) if move.after.shared.platform.executions)
    return replace(shared, platform=arrived.shared.platform)


def _with_first_completed(shared: Shared) -> Shared:
    state = shared.platform
    first = next(iter(state.executions))
    running = platform.start(state, first, 0.0)
    return replace(shared, platform=platform.finish(running, first, ExecutionStatus.COMPLETED, None, 0.0))
