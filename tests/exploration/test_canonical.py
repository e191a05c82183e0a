"""Worlds of one canonical form have the same future: what each of them can become has the same forms."""

from collections.abc import Callable
from typing import Any

import pytest

from platform_core.machine import Operation
from platform_core.outcomes import Outcome

from .canonical import canonical
from .forms import STEPS, Stepped
from .moves import moves
from .systems import awaiting, bounded, cancelling, execution
from .world import Moment


def becomes(moment: Moment) -> frozenset[tuple[str, Any]]:
    return frozenset((move.outcome.__class__.__name__, canonical(move.after)) for move in moves(moment))


def step_anew(operation: Operation[Any], outcome: Outcome) -> Stepped:
    """What follows, not what is as good."""
    return Stepped(*operation.step(outcome))


@pytest.mark.parametrize(
    "start",
    [
        lambda: bounded(execution(), 1),
        lambda: bounded(execution("detach"), 1),
        lambda: bounded(execution(keyed=False), 1),
        lambda: bounded(awaiting(), 1),
        lambda: bounded(cancelling(), 1),
    ],
    ids=["executed", "detached", "without a key", "awaited", "cancelled"],
)
def test_worlds_of_one_form_become_worlds_of_the_same_forms(start: Callable[[], Moment], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, "step", step_anew)
    futures: dict[Any, frozenset[tuple[str, Any]]] = {}
    queue, compared = [start()], 0
    while queue:
        moment = queue.pop()
        name, future = canonical(moment), becomes(moment)
        if name in futures:
            compared += 1
            assert future == futures[name], name
            continue
        futures[name] = future
        queue.extend(move.after for move in moves(moment))
    assert compared > len(futures)
