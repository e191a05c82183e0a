"""Random walks through operations: at each step something happens that the action in flight admits, at a time of its own."""

from typing import Any, assert_never

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.machine import Decision, Ended
from platform_core.outcomes import Abandoned, Authorized, Failed, NotAuthorized, Received, Refused, Restored, Started, Woke

from .strategies import BUILDERS, outcomes

STEPS_MAX = 20
FAR_SECONDS = 1e7
"""Past every deadline, and past a `Retry-After` that anybody means."""
WALKING = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.too_slow])
"""A walk that grows too large is begun anew, which is no fault of the test."""
ALWAYS: frozenset[type] = frozenset({Restored, Abandoned})


@st.composite
def walks(draw: st.DrawFn, builder: str) -> list[Decision]:
    """All that a run decides, from its beginning to its end, or as far as the walk goes."""
    operation, action, at = draw(BUILDERS[builder]), None, 0.0
    walked: list[Decision] = []
    while len(walked) < STEPS_MAX and not isinstance(operation, Ended):
        outcome = draw(outcomes(at)[draw(st.sampled_from(_likely(action)))])
        after, action = operation.step(outcome)
        walked.append(Decision(operation.seed, operation, outcome, after, action))
        operation, at = after, draw(_later(at, action))
    return walked


def admitted(action: Action[Any] | None) -> frozenset[type]:
    """What may come of an action, by the words of `actions.py` and `outcomes.py`; None: nothing was asked for yet."""
    match action:
        case None:
            return ALWAYS | {Started}
        case Send():
            return ALWAYS | {Received, Failed}
        case Sleep(_, cost):
            return ALWAYS | ({Woke, Refused} if cost else {Woke})
        case Authorize():
            return ALWAYS | {Authorized, NotAuthorized}
        case Done() | Raise() | Gone():
            return frozenset()
        case _:
            assert_never(action)


def _likely(action: Action[Any] | None) -> list[type]:
    """What an action admits, its own outcomes more often: what may happen at any time makes short walks."""
    own = sorted(admitted(action) - ALWAYS, key=lambda each: each.__name__)
    return [*own * 4, Restored, Abandoned]


def _later(at: float, action: Action[Any]) -> st.SearchStrategy[float]:
    """When the next thing happens: in time, at the moment that was named, late, or far too late."""
    match action:
        case Send(_, due) | Authorize(_, due) | Sleep(due):
            due = max(at, due)
            return st.floats(at, due) | st.sampled_from((at, due, due, due + 0.5, at + FAR_SECONDS))
        case Done() | Raise() | Gone():
            return st.just(at)
        case _:
            assert_never(action)
