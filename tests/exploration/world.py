"""What is explored: one run of an operation with everything that is its own, and what it shares with others.

All of it are frozen values. Nothing is left to chance and nothing waits: `moves.py` lists whatever can happen next. A run's clock moves by
itself, from one time at which the run may decide otherwise to the next: since nothing else reads it, two runs need no common one.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.lifecycle import TERMINAL, ExecutionStatus
from platform_core.machine import Operation
from platform_core.messages import Request, Response
from platform_core.outcomes import Abandoned, Authorized, Outcome, Received, Refused, Started, Woke
from platform_core.retry import CONFLICT, RetryBudget
from platform_emulator import model as platform

from .forms import STEPS

ATTEMPTS_MAX = 3
GENERATIONS_MAX = 2
"""Tokens: one refresh of the first one, then no more."""
SECRET = "a-token-that-nobody-may-see"
"""Stands for the token, where a server echoes it; no value of the core holds one."""


class Sent(NamedTuple):
    """A submission as it went out: what must stay the same for all of them."""

    key: str | None
    target: str
    body: bytes


@dataclass(frozen=True, slots=True)
class History:
    """What the invariants need to remember of the past, and the core does not tell by itself."""

    submission: Sent | None = None
    maybe_started: bool = False
    """A submission was handed on and not refused unprocessed."""
    attempts: int = 0
    """Submissions sent after the start or a pause, but for those that followed a 409."""
    renewed: bool = False
    """A later token was given for the request in flight."""
    abandoned_at: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `action` is in flight, None before the start."""

    index: int
    operation: Operation[Any]
    key: str | None
    """Its idempotency key; None where it sends none."""
    deadline: float
    ends_in: frozenset[str] | None
    """The statuses with which the run may end well; None: any."""
    starts: bool = True
    """Whether it starts an execution; else it is about one that another client has started."""
    keys_of_others: frozenset[str] = frozenset()
    action: Send | Sleep | Authorize | Done[Any] | Raise | Gone | None = None
    answer: Response | None = None
    """The platform's answer to the request in flight, on its way."""
    generation: int = 0
    """Of the token that the request in flight went out with."""
    late: tuple[Request, ...] = ()
    """A submission, a cancel: requests that we gave up and that may still arrive, at any time; keyed ones once or more often."""
    now: float = 0.0
    history: History = field(default_factory=History)

    @property
    def ended(self) -> bool:
        return isinstance(self.action, (Done, Raise, Gone))

    @property
    def is_left(self) -> bool:
        return self.history.abandoned_at is not None or self.now >= self.deadline


@dataclass(frozen=True, slots=True)
class Shared:
    """What runs of one client share."""

    platform: platform.State
    generation: int = 1
    """Of the newest token; 0: there is none yet."""
    budget: RetryBudget | None = None
    """None: whatever the other calls of the client leave of it; each repeat may be refused."""
    faults_left: int | None = None
    """What is not as it should be, a delay and a crash included. None: without limit."""
    abandonments_left: int = 2
    runs: int = 1
    ends_in: tuple[ExecutionStatus, ...] = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)
    """How the workers may end an execution."""


class Moment(NamedTuple):
    """What one run sees of the world."""

    run: Run
    shared: Shared


class Arrow(NamedTuple):
    """A move as a line of a sequence diagram: from whom to whom. `lost` where it does not get there."""

    source: str
    target: str
    text: str
    lost: bool = False


CALLER, CLIENT, PLATFORM, WORKER, TOKENS, CLOCK = "caller", "client", "platform", "worker", "tokens", "clock"


class Move(NamedTuple):
    """Something that happens: what the operation is told of it (None: nothing), and the world after it."""

    arrow: Arrow
    outcome: Outcome | None
    before: Moment
    after: Moment


def executions_of(moment: Moment) -> list[platform.Execution]:
    """Those that were started for this run."""
    return [each for each in moment.shared.platform.executions.values() if each.idempotency_key == moment.run.key]


def has_ended(execution: platform.Execution) -> bool:
    return execution.status in TERMINAL


def is_submission(request: Request) -> bool:
    return request.method == "POST" and request.target.endswith("/executions")


def is_cancel(request: Request) -> bool:
    return request.target.endswith("/cancel")


def sent_of(request: Request) -> Sent:
    return Sent(request.headers.get("Idempotency-Key"), request.target, request.body.content)


def with_fault(moment: Moment) -> Moment | None:
    """The same with one fault less to come, or None where there may be no more."""
    left = moment.shared.faults_left
    if left is None:
        return moment
    return moment._replace(shared=replace(moment.shared, faults_left=left - 1)) if left else None


def untold(moment: Moment, arrow: Arrow, after: Moment) -> Move:
    """The move of which the operation hears nothing."""
    return Move(arrow, None, moment, after)


def told(before: Moment, arrow: Arrow, outcome: Outcome, moment: Moment | None = None) -> Move:
    """The move in which the operation is told of this outcome, once the world has become `moment`, if it has changed."""
    run, shared = before if moment is None else moment
    operation, action = STEPS.step(run.operation, outcome)
    if isinstance(action, Sleep) and action.cost and shared.budget is not None:
        budget = shared.budget.withdraw(action.cost)
        if budget is None:
            operation, action = STEPS.step(operation, Refused(run.now))
        else:
            shared = replace(shared, budget=budget)
    return taken(before, arrow, outcome, Moment(run, shared), operation, action)


def taken(before: Moment, arrow: Arrow, outcome: Outcome, moment: Moment, operation: Operation[Any], action: Any) -> Move:
    """The move in which the operation took this step, in a world that has become `moment`."""
    run, shared = moment
    generation = shared.generation if isinstance(action, Send) else 0
    after = replace(run, operation=operation, action=action, generation=generation, history=_remembered(run, outcome, operation, action))
    return Move(arrow, outcome, before, Moment(after, shared))


def _remembered(run: Run, outcome: Outcome, operation: object, action: object) -> History:
    history = run.history
    if isinstance(outcome, Received) and outcome.response.status == CONFLICT and not run.is_left:
        history = replace(history, attempts=history.attempts - 1)
    if isinstance(action, Sleep) or isinstance(outcome, Abandoned) or type(operation) is not type(run.operation):
        history = replace(history, renewed=False)
    elif isinstance(outcome, Authorized) and isinstance(run.action, Authorize) and run.action.rejected is not None:
        history = replace(history, renewed=True)
    if isinstance(action, Send) and is_submission(action.request):
        attempts = history.attempts + (isinstance(outcome, (Started, Woke)) and not run.is_left)
        history = replace(history, attempts=attempts, submission=history.submission or sent_of(action.request))
    return history
