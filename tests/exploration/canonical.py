"""Worlds that differ only in what decides nothing are one world: the form in which they compare.

Times count from now, and only those that decide something; counters, ids and texts that only observers see are left out.
"""

from dataclasses import fields, is_dataclass
from typing import Any

from platform_core.actions import Send, Sleep
from platform_core.cleanup import CLEANUP_SECONDS
from platform_core.errors import Failure
from platform_core.exchange import Plan
from platform_core.handles import ExecutionHandle
from platform_core.job import GRACE_SECONDS, Job

from .world import World

_FIELDS_OF: dict[type, tuple[str, ...]] = {}
_LEFT_OUT = frozenset({"sends", "pauses", "since", "last", "until", "status", "seed", "settings", "reason", "request", "at"})
_PAST_THAT_COUNTS = {"known_at": GRACE_SECONDS, "abandoned_at": CLEANUP_SECONDS, "ends_at": 0.0, "conflict_until": 0.0, "seconds": 0.0}
"""The times, and how long each decides something after it has passed."""


def canonical(world: World) -> Any:
    """A hashable form that is equal for worlds of which the same can become."""
    action = world.action
    match action:
        case Send(request):
            flight: Any = (request.method, request.target, request.headers.get("Idempotency-Key"))
        case Sleep(until, cost):
            flight = (cost, until == getattr(getattr(world.operation, "job", None), "seconds", None))
        case _:
            flight = type(action)
    return (
        _form(world.operation, world.now),
        flight,
        tuple((execution.status, execution.idempotency_key) for execution in world.platform.executions.values()),
        world.rejections_left,
        world.conflicts_left,
        world.crashes_left,
        _form(world.history, world.now),
    )


def _form(value: Any, now: float) -> Any:
    kind: type[object] = value.__class__
    if kind is Failure:
        return value.error, value.status_code
    if kind in (Job, Plan, ExecutionHandle):
        # The same for the whole run, but for the deadlines that it names.
        return kind, _ahead(getattr(value, "seconds", None), now, 0.0), _ahead(getattr(value, "deadline", None), now, 0.0)
    if is_dataclass(kind):
        names = _FIELDS_OF.get(kind)
        if names is None:
            names = _FIELDS_OF[kind] = tuple(field.name for field in fields(kind) if field.name not in _LEFT_OUT)
        return kind, *(_field(name, getattr(value, name), now) for name in names)
    return value


def _field(name: str, value: Any, now: float) -> Any:
    past = _PAST_THAT_COUNTS.get(name)
    return _form(value, now) if past is None else _ahead(value, now, past)


def _ahead(at: float | None, now: float, past: float) -> float | None:
    """How far ahead a time is; what is long past is past, however long."""
    return None if at is None else max(round(at - now, 6), -past)
