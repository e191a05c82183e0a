"""Operations that differ only in what decides nothing are one: the form in which they compare, and one of each that stands for all.

Times count from now, and only those that decide something; counters, ids and texts that only observers see are left out. That what has
one form has one future is no article of faith: `test_canonical.py` holds it against what the core does.

Since a frozen value steps to the same end each time, each operation that stands for others is stepped once for each outcome.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from platform_core.actions import Authorize, Send, Sleep
from platform_core.call import Call
from platform_core.cancelling import CancelCall
from platform_core.cleanup import ByDeadline, Leaving
from platform_core.errors import Failure
from platform_core.exchange import InFlight, Plan
from platform_core.handles import Submission
from platform_core.job import GRACE_SECONDS, Job
from platform_core.machine import Operation
from platform_core.messages import Request, Response
from platform_core.outcomes import Abandoned, Outcome
from platform_core.resuming import first_outcome
from tests.support.frozen import field_names

from .timers import thresholds

_LEFT_OUT = frozenset({"sends", "pauses", "since", "last", "until", "status", "seed", "settings", "reason", "request", "at", "poll"})
_PAST_THAT_COUNTS = {"known_at": GRACE_SECONDS, "ends_at": 0.0, "conflict_until": 0.0}
"""The times, and how long each decides something after it has passed."""


class Stepped(NamedTuple):
    """What `step` answered with."""

    operation: Operation[Any]
    action: Any


class Steps:
    """The steps that were taken so far."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, Outcome], Stepped] = {}
        self._of_form: dict[Any, Stepped] = {}
        """By form and absolute time."""
        self._kept: dict[int, Any] = {}
        """Every operation that was met, by its identity, which is its own as long as it is kept."""
        self._names: dict[tuple[int, float], int] = {}
        self._numbers: dict[Any, int] = {}
        self.exchange_edges: dict[tuple[type, type], set[type]] = {}
        """Those that were taken, each at least once."""

    def step(self, operation: Operation[Any], outcome: Outcome) -> Stepped:
        """What follows, or what is as good."""
        key = id(operation), outcome
        found = self._taken.get(key)
        if found is None:
            self._kept[id(operation)] = operation
            found = Stepped(*operation.step(outcome))
            self._note(getattr(operation, "exchange", None), outcome)
            if isinstance(found.action, (Send, Sleep, Authorize)):
                found = self._of_form.setdefault((_whole_form(*found, outcome.at), outcome.at), found)
            self._taken[key] = found
        return found

    def name(self, operation: Operation[Any], action: Any, now: float) -> int:
        """A number that is the same for all that have one form."""
        key = id(operation), now
        found = self._names.get(key)
        if found is None:
            self._kept[id(operation)] = operation
            found = self._names[key] = self._numbers.setdefault(_whole_form(operation, action, now), len(self._numbers))
        return found

    def _note(self, exchange: Any, outcome: Outcome) -> None:
        if exchange is not None and not isinstance(outcome, Abandoned):
            progress: Any = exchange.step(outcome)
            target: type[Any] = (progress.exchange if isinstance(progress, InFlight) else progress).__class__
            self.exchange_edges.setdefault((exchange.__class__, type(outcome)), set()).add(target)


STEPS = Steps()


def form(value: Any, now: float) -> Any:
    """The form of a part of an operation."""
    kind: type[Any] = value.__class__
    former = _FORMERS.get(kind)
    if former is None:
        former = _FORMERS[kind] = _former(kind)
    return former(value, now)


def ahead(at: float | None, now: float, past: float) -> float | None:
    """How far ahead a time is; what is long past is past, however long."""
    return None if at is None else max(round(at - now, 6), -past)


def _whole_form(operation: Operation[Any], action: Any, now: float) -> Any:
    return form(operation, now), first_outcome(operation).at == now, _form_of_action(operation, action)


def _form_of_action(operation: Operation[Any], action: Any) -> Any:
    match action:
        case Send(request):
            return request.method, request.target, request.headers.get("Idempotency-Key"), request.body
        case Sleep(until, cost):
            return cost, until in thresholds(operation)
        case Authorize(rejected):
            return rejected
        case _:
            return None


def _former(kind: type[Any]) -> Callable[[Any, float], Any]:
    special = _SPECIAL.get(kind)
    if special is not None:
        return special
    found = field_names(kind)
    if found is None:
        return lambda value, now: value
    names = tuple(name for name in found if name not in _LEFT_OUT)
    return lambda value, now: (kind, *[_form_of_field(name, getattr(value, name), now) for name in names])


def _form_of_field(name: str, value: Any, now: float) -> Any:
    past = _PAST_THAT_COUNTS.get(name)
    return form(value, now) if past is None else ahead(value, now, past)


def _wanted(job: Job) -> Any:
    """What makes one run another than the next."""
    return job.seed, job.on_abandon, job.settings.idempotent_submissions


_SPECIAL: dict[type[Any], Callable[[Any, float], Any]] = {
    # The same for the whole run, but for the times that they name.
    Job: lambda job, now: (_wanted(job), ahead(job.seconds, now, 0.0)),
    Plan: lambda plan, now: ahead(plan.deadline, now, 0.0),
    # The deadline of a run that is left is behind it.
    Leaving: lambda leaving, now: (_wanted(leaving.job), type(leaving.why), ahead(leaving.ends_at, now, 0.0)),
    ByDeadline: lambda why, now: ByDeadline,
    CancelCall: lambda goal, now: (goal.seed, ahead(goal.ends_at, now, 0.0), now < GRACE_SECONDS),
    Call: lambda call, now: (call.seed, type(call.expected), ahead(call.deadline, now, 0.0)),
    Failure: lambda failure, now: failure.status_code,
    Request: lambda request, now: None,
    Response: lambda response, now: response.status,
    Submission: lambda submission, now: None,
}
_FORMERS: dict[type[Any], Callable[[Any, float], Any]] = {}
