"""A walk through all that a machine can become, to hold its code against the table of its edges.

Values that differ only in what decides nothing (counters, ids, texts) are walked once. Time never runs backwards: each value
is met at a few times that lie on both sides of its deadlines.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from platform_core.errors import Failure
from platform_core.exchange import EDGES as EXCHANGE_EDGES
from platform_core.exchange import InFlight
from platform_core.handles import Submission
from platform_core.machine import Ended, Misuse
from platform_core.messages import Request
from platform_core.outcomes import Abandoned, Outcome

from .core import samples
from .frozen import field_names

_ALIKE = frozenset({"sends", "pauses", "since", "until", "last", "status", "rejection", "at"})
"""Fields that decide nothing, or nothing that another does not."""
_OPAQUE = (Failure, Request, Submission)


class Walk(NamedTuple):
    """Every state that was met, each with its time, and the edges taken between them."""

    met: list[tuple[Any, float]]
    edges: dict[tuple[type, type], set[type]]


def walk(starts: Iterable[Any], times: Iterable[float], edges: Mapping[tuple[type, type], frozenset[type]]) -> Walk:
    """Walk from these values, and check each step on the way.

    A pair that stands in `edges` leads to one of the states that stand there; one that does not is refused as `Misuse`; and no
    step changes the value that it leaves. Raises `AssertionError`, or whatever else a step should not have raised.
    """
    moments = sorted(times)
    queue = deque((start, moments[0]) for start in starts)
    seen = {(_shape(state), now) for state, now in queue}
    found = Walk([], {})
    while queue:
        state, now = queue.popleft()
        kind: type[Any] = state.__class__
        found.met.append((state, now))
        before = hash(state), repr(state)
        for outcome in (outcome for at in moments if at >= now for outcome in samples(at)):
            after = _stepped(state, outcome, edges)
            if after is None:
                continue
            target: type[Any] = after.__class__
            found.edges.setdefault((kind, type(outcome)), set()).add(target)
            key = (_shape(after), outcome.at)
            if key not in seen and hasattr(after, "step"):
                seen.add(key)
                queue.append((after, outcome.at))
        assert (hash(state), repr(state)) == before, f"{kind} changed by being stepped"
    return found


def _stepped(state: Any, outcome: Outcome, edges: Mapping[tuple[type, type], frozenset[type]]) -> Any:
    """What follows, or None where the outcome was refused, as it had to be."""
    try:
        progress = state.step(outcome)
    except Misuse:
        progress = None
    assert (progress is not None) == _is_awaited(state, outcome, edges), f"{state} on {outcome}: {progress}"
    if progress is None:
        return None
    after = _after(progress)
    assert type(after) in edges[type(state), type(outcome)], f"{type(state)} on {outcome} became {type(after)}"
    return after


def _after(progress: Any) -> Any:
    match progress:
        case InFlight(exchange, _):
            return exchange
        case (operation, _):
            return operation
        case end:
            return end


def _is_awaited(state: Any, outcome: Outcome, edges: Mapping[tuple[type, type], frozenset[type]]) -> bool:
    """Whether the tables let the state take this outcome: its own, and that of the exchange that it holds."""
    if isinstance(state, Ended) or (type(state), type(outcome)) not in edges:
        return False
    exchange = getattr(state, "exchange", None)
    return exchange is None or isinstance(outcome, Abandoned) or (type(exchange), type(outcome)) in EXCHANGE_EDGES


def _shape(value: Any) -> Any:
    """A form that is equal for values of which the same can become."""
    if isinstance(value, _OPAQUE):
        return type(value)
    kind: type[Any] = value.__class__
    names = field_names(kind)
    if names is None:
        return value
    return kind, *(_shape(getattr(value, name)) for name in names if name not in _ALIKE)


def differences(found: Walk, edges: Mapping[tuple[type, type], frozenset[type]]) -> list[str]:
    """What the walk and the table do not have in common, in words."""
    return [
        f"{state.__name__} on {outcome.__name__}: {word} {', '.join(sorted(each.__name__ for each in states))}"
        for state, outcome in {**found.edges, **edges}
        for word, states in (
            ("never goes to", edges.get((state, outcome), frozenset()) - found.edges.get((state, outcome), set())),
            ("goes undeclared to", found.edges.get((state, outcome), set()) - edges.get((state, outcome), frozenset())),
        )
        if states
    ]
