"""Random walks through operations: at each step something happens that the action in flight admits, at a time of its own."""

from typing import Any, assert_never

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.machine import Decision, Ended, Operation
from platform_core.outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke

from .flows import Flow, flow_of, flowed, seen
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
    flow = flow_of(operation)
    walked: list[Decision] = []
    while len(walked) < STEPS_MAX and not isinstance(operation, Ended):
        outcome = draw(_happens(action, flow if flows_past(operation) else None, at))
        operation = seen(operation, flow)
        after, action = operation.step(outcome)
        walked.append(Decision(operation.seed, operation, outcome, after, action))
        operation, at = after, draw(_later(at, action))
    return walked


def flows_past(operation: Operation[Any]) -> bool:
    """Whether it has to be told what has come, before each step."""
    return hasattr(operation, "with_seen")


def _happens(action: Action[Any] | None, flow: Flow | None, at: float) -> st.SearchStrategy[Outcome]:
    """What comes of the action in flight; of a request also an answer that flows, where there is a `flow` to take it."""
    kinds = outcomes(at)
    whole = st.sampled_from(_likely(action, flows=flow is not None)).flatmap(lambda kind: kinds[kind])
    return st.one_of(whole, flowed(flow, at)) if flow is not None and isinstance(action, Send) else whole


def admitted(action: Action[Any] | None, *, flows: bool) -> frozenset[type]:
    """What may come of an action, by the words of `actions.py` and `outcomes.py`; None: nothing was asked for yet.

    `flows`: what comes goes past the operation, which therefore is never restored.
    """
    always = ALWAYS - {Restored} if flows else ALWAYS
    match action:
        case None:
            return always | {Started}
        case Send():
            return always | {Received, Failed}
        case Sleep(_, cost):
            return always | ({Woke, Refused} if cost else {Woke})
        case Authorize():
            return always | {Authorized, NotAuthorized}
        case Done() | Raise() | Gone():
            return frozenset()
        case _:
            assert_never(action)


def _likely(action: Action[Any] | None, *, flows: bool) -> list[type]:
    """What an action admits, its own outcomes more often: what may happen at any time makes short walks."""
    by_name = sorted(admitted(action, flows=flows), key=lambda each: each.__name__)
    return [*[each for each in by_name if each not in ALWAYS] * 4, *(each for each in by_name if each in ALWAYS)]


def _later(at: float, action: Action[Any]) -> st.SearchStrategy[float]:
    """When the next thing happens: in time, at the moment that was named, late, or far too late."""
    match action:
        case Send(_, due) | Authorize(_, due) | Sleep(due):
            due = max(at, due)
            early = st.floats(at, at + (due - at) / 4)
            return st.one_of(early, early, st.floats(at, due), st.sampled_from((at, due, due, due + 0.5, at + FAR_SECONDS)))
        case Done() | Raise() | Gone():
            return st.just(at)
        case _:
            assert_never(action)
