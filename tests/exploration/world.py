"""The closed system that is explored: one run of an operation, the platform, and a network and a caller that may do anything.

A `World` is a frozen value; `moves` lists everything that can happen next in it. Nothing is left to chance and nothing waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.job import GRACE_SECONDS
from platform_core.lifecycle import ExecutionStatus, is_terminal
from platform_core.machine import Operation
from platform_core.messages import Request, Response
from platform_core.outcomes import Abandoned, Authorized, Failed, FailureCause, NotAuthorized, Outcome, Received, Refused, Started, Woke
from platform_core.resuming import first_outcome
from platform_core.snapshots import restore, snapshot
from platform_emulator import model as platform

JUST_BEFORE = 0.001
ABANDONMENTS_MAX = 2


class Sent(NamedTuple):
    """A submission as it went out: what must stay the same for all of them."""

    key: str | None
    target: str
    body: bytes


@dataclass(frozen=True, slots=True)
class History:
    """What the invariants need to remember of the past."""

    submission: Sent | None = None
    maybe_started: bool = False
    """A submission was handed on and not refused unprocessed."""
    terminal: bool = False
    """A terminal record was heard."""
    generation: int = 1
    refused: frozenset[int] = frozenset()
    """Generations for which a later token was asked for."""
    cancels: int = 0
    """Whether a cancel was sent: 0 or 1."""
    abandoned_at: float | None = None
    abandonments: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is. `action` is in flight; None before the start."""

    operation: Operation[Any]
    action: Send | Sleep | Authorize | Done[Any] | Raise | Gone | None
    platform: platform.State
    deadline: float
    """Of the run; it stays the same."""
    ends_in: frozenset[str]
    """The statuses with which the run may end well."""
    now: float = 0.0
    rejections_left: int = 1
    conflicts_left: int = 1
    crashes_left: int = 0
    """How often the process may die, its run being stored, and another one go on with it."""
    history: History = field(default_factory=History)

    @property
    def ended(self) -> bool:
        return isinstance(self.action, (Done, Raise, Gone))


class Move(NamedTuple):
    """Something that happens: its name, what the operation is told of it (None: nothing), and the world after it."""

    name: str
    outcome: Outcome | None
    before: World
    after: World


def moves(world: World) -> Iterator[Move]:
    """All that can happen next."""
    if world.ended:
        return
    if world.action is None:
        yield _told(world, "start", Started(world.now))
        yield from _abandonments(world)
        return
    yield from _time_passes(world)
    yield from _workers(world)
    match world.action:
        case Send() as send:
            yield from _answers(world, send)
        case Sleep(until, cost):
            at = until if until in thresholds(world) else world.now
            yield _told(replace(world, now=max(at, world.now)), "wake", Woke(max(at, world.now)))
            if cost:
                yield _told(world, "budget empty", Refused(world.now))
        case Authorize():
            yield from _authorizations(world)
        case _:
            raise AssertionError(world.action)
    yield from _abandonments(world)
    if world.crashes_left:
        yield from _crashes(world)


def thresholds(world: World) -> list[float]:
    """The times at which the operation may decide otherwise than before."""
    found: set[float] = set()
    operation: Any = world.operation
    goal = getattr(operation, "cancel", None)
    leaving = getattr(operation, "leaving", None) or (goal.goal if goal is not None else None)
    if leaving is not None:
        return [leaving.ends_at]
    job, known, exchange = operation.job, getattr(operation, "known", None), getattr(operation, "exchange", None)
    found.add(job.seconds)
    if known is not None:
        found.add(known.known_at + GRACE_SECONDS)
    if exchange is not None and exchange.tally.conflict_until is not None:
        found.add(exchange.tally.conflict_until)
    # A clock that wakes much later than the deadline makes the clean-up begin later; nothing else comes of it.
    return sorted(at for at in found if at <= job.seconds)


def _time_passes(world: World) -> Iterator[Move]:
    ahead = [at for at in thresholds(world) if at > world.now]
    if not ahead:
        return
    at = ahead[0]
    if at - JUST_BEFORE > world.now:
        yield Move("time passes until just before", None, world, replace(world, now=at - JUST_BEFORE))
    else:
        yield Move("time passes", None, world, replace(world, now=at))


def _workers(world: World) -> Iterator[Move]:
    for execution in world.platform.executions.values():
        if execution.status is ExecutionStatus.PENDING:
            yield _worker(world, "worker picks up", platform.start(world.platform, execution.execution_id, 0.0))
        if execution.status is ExecutionStatus.RUNNING:
            for status in (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED):
                after = platform.finish(world.platform, execution.execution_id, status, None, 0.0)
                yield _worker(world, f"worker ends: {status}", after)


def _worker(world: World, name: str, after: platform.State) -> Move:
    return Move(name, None, world, replace(world, platform=after))


def _answers(world: World, send: Send) -> Iterator[Move]:
    at, generation = world.now, world.history.generation
    sent = _handed_on(world, send)
    state, response = platform.apply(sent.platform, send.request, 0.0)
    arrived = replace(sent, platform=state)
    yield _told(arrived, f"answer {response.status}", Received(at, response, generation))
    yield _told(arrived, "answer lost", Failed(at, FailureCause.READ, "maybe"))
    yield _told(sent, "request lost", Failed(at, FailureCause.TIMEOUT, "maybe"))
    yield _told(sent, "stale connection", Failed(at, FailureCause.DISCONNECTED, "maybe", reused=True))
    yield _told(world, "no connection", Failed(at, FailureCause.CONNECT, "no"))
    yield _told(arrived, "answer lost behind a gateway", Received(at, Response(503), generation))
    yield _told(world, "too many requests", Received(at, Response(429), generation))
    if world.rejections_left:
        left = replace(world, rejections_left=world.rejections_left - 1)
        yield _told(left, "token rejected", Received(at, Response(401), generation))
    if is_submission(send.request) and world.conflicts_left:
        left = replace(sent, conflicts_left=world.conflicts_left - 1)
        yield _told(left, "still being taken in", Received(at, Response(409), generation))
    if not is_submission(send.request):
        yield _told(world, "replica lags", Received(at, Response(404), generation))


def _handed_on(world: World, send: Send) -> World:
    """The world once the request may have been seen."""
    history = world.history
    if is_submission(send.request):
        history = replace(history, maybe_started=True)
    if send.request.target.endswith("/cancel"):
        history = replace(history, cancels=1)
    return replace(world, history=history)


def _authorizations(world: World) -> Iterator[Move]:
    renewed = replace(world, history=replace(world.history, generation=world.history.generation + 1))
    yield _told(renewed, "token renewed", Authorized(world.now))
    yield _told(world, "no token", NotAuthorized(world.now, "KeyError", permanent=True))
    yield _told(world, "no token for now", NotAuthorized(world.now, "OSError", permanent=False))


def _abandonments(world: World) -> Iterator[Move]:
    history = world.history
    if history.abandonments == ABANDONMENTS_MAX:
        return
    abandoned_at = world.now if history.abandoned_at is None else history.abandoned_at
    left = replace(history, abandonments=history.abandonments + 1, abandoned_at=abandoned_at)
    second = history.abandonments > 0
    for final in (True,) if second else (False, True):
        name = f"abandoned{', finally' if final else ''}"
        yield _told(replace(world, history=left), name, Abandoned(world.now, "no", final))
        if isinstance(world.action, Send):
            sent = _handed_on(replace(world, history=left), world.action)
            yield _told(sent, f"{name}, request lost", Abandoned(world.now, "maybe", final))
            state, _ = platform.apply(sent.platform, world.action.request, 0.0)
            yield _told(replace(sent, platform=state), f"{name}, answer lost", Abandoned(world.now, "maybe", final))


def _crashes(world: World) -> Iterator[Move]:
    """The process dies before its action was performed, in the middle of it, or before what came of it was stored."""
    operation = restore(snapshot(world.operation))
    first = first_outcome(operation)
    # The operation's clock stands still while it is stored, and another process knows no token that was refused.
    history = replace(world.history, refused=frozenset())
    stored = replace(world, operation=operation, now=first.at, crashes_left=world.crashes_left - 1, history=history)
    yield _told(stored, "dies", first)
    if isinstance(world.action, Send):
        sent = _handed_on(stored, world.action)
        yield _told(sent, "dies, request lost", first)
        state, _ = platform.apply(sent.platform, world.action.request, 0.0)
        yield _told(replace(sent, platform=state), "dies, answer lost", first)


def _told(world: World, name: str, outcome: Outcome) -> Move:
    """The move in which the operation is told of this outcome."""
    operation, action = world.operation.step(outcome)
    history = world.history
    if isinstance(outcome, Received) and _is_terminal(outcome.response):
        history = replace(history, terminal=True)
    if isinstance(action, Authorize) and action.rejected is not None:
        history = replace(history, refused=history.refused | {action.rejected})
    if isinstance(action, Send) and is_submission(action.request) and history.submission is None:
        history = replace(history, submission=sent_of(action.request))
    return Move(name, outcome, world, replace(world, operation=operation, action=action, history=history))


def is_submission(request: Request) -> bool:
    return request.method == "POST" and request.target.endswith("/executions")


def sent_of(request: Request) -> Sent:
    return Sent(request.headers.get("Idempotency-Key"), request.target, request.body.content)


def _is_terminal(response: Response) -> bool:
    if not 200 <= response.status < 300:
        return False
    text = response.body.decode()
    return any(f'"status":"{status}"' in text.replace(" ", "") for status in ExecutionStatus if is_terminal(status))
