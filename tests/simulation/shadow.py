"""A run of the real drivers as the exploration sees one: each decision is a move, of which the exploration's invariants are asked."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from platform_core.actions import Send, Sleep
from platform_core.handles import OnAbandon
from platform_core.machine import Decision, Operation
from platform_core.outcomes import Abandoned, Outcome, Refused, Restored, Woke
from platform_emulator.model import Model
from tests.exploration.invariants import EPSILON, INVARIANTS, Invariant, budget, confinement, deadline, returns_in_time
from tests.exploration.systems import COMPLETED, PLATFORM
from tests.exploration.world import CLIENT, Arrow, History, Moment, Run, Sent, Shared, is_cancel, taken

from .network import Network
from .parties import Party
from .swarm import STARTS, Call

OF_PLAIN_CALLS: tuple[Invariant, ...] = (deadline, budget, confinement, returns_in_time)
"""Those that are not about executions."""


class Seen(NamedTuple):
    """One decision, and when it was taken in virtual time."""

    at: float
    outcome: Outcome
    after: Operation[Any]
    action: Any


class Named(NamedTuple):
    """What a call is about: the key of its execution, and those of others."""

    key: str | None
    keys_of_others: frozenset[str]
    former: "Shadow | None" = None
    """Of the call by whose handle this one goes on."""


class Shadow:
    """What is remembered of one call, and what is wrong with it."""

    def __init__(self, call: Call, named: Named, party: Party, network: Network, slack_seconds: float) -> None:
        """`slack_seconds` is by how much the world itself may be late."""
        self.call = call
        self.seen: list[Seen] = []
        self.problems: list[str] = []
        self.on_left: Callable[[], object] = lambda: None
        """Called once the run was told that its caller went away."""
        self.began_at: float | None = None
        self.party = party
        """The client that runs it."""
        self.on_abandon: OnAbandon | None = None
        """What is to become of its execution where it is left; None where that is nothing of its own."""
        self.is_lost = False
        """Its process died, and nothing of this run is left."""
        self._named = named
        self._network = network
        self._calls: tuple[int, ...] = (call.index,) if named.former is None else (*named.former._calls, call.index)
        """Those of its chain up to here, whose requests are all about one execution."""
        self._slack_seconds = slack_seconds
        self._invariants = OF_PLAIN_CALLS if call.kind == "request" else INVARIANTS
        self._run: Run | None = None
        self._is_refused = False
        """Whether the budget cannot pay for the pause that was decided."""

    @property
    def key(self) -> str | None:
        """The idempotency key of its execution."""
        return self._named.key

    @property
    def ends_at(self) -> float:
        """The deadline of the run, on its own clock."""
        assert self._run is not None
        return self._run.deadline

    @property
    def has_ended(self) -> bool:
        """Whether the run was told to come to its end."""
        return self._run is not None and self._run.ended

    @property
    def has_cancelled(self) -> bool:
        """Whether it has decided to send a cancel."""
        return any(isinstance(seen.action, Send) and is_cancel(seen.action.request) for seen in self.seen)

    @property
    def was_given_time(self) -> bool:
        """Whether it was left while it was under way, with time for a clean-up."""
        return any(isinstance(seen.outcome, Abandoned) and not seen.outcome.final for seen in self.seen[1:])

    @property
    def is_under_way(self) -> bool:
        """Whether it was begun, and has not ended."""
        return self._run is not None and not self._run.ended

    @property
    def sending(self) -> Send | None:
        """The request that it has decided to send."""
        action = self.seen[-1].action if self.seen else None
        return action if isinstance(action, Send) else None

    def observe(self, decision: Decision) -> None:
        """Take note of a decision. What is wrong is kept: an observer's exception would be a warning."""
        outcome, now = decision.outcome, self._network.platform.now
        first = self._run is None
        self.seen.append(Seen(now, outcome, decision.after, decision.action))
        if first or isinstance(outcome, Restored):
            self.began_at = now - outcome.at
        try:
            if self._run is not None and decision.before != self._run.operation:
                self.problems.append("it goes on from where it was not")
            self.problems.extend(self._driven(outcome))
            self._move(decision)
        except Exception as error:  # noqa: BLE001 -- a mistake of the simulation itself must not hide in a warning
            self.problems.append(f"{type(error).__name__} in the simulation: {error}")
        if isinstance(outcome, Abandoned):
            self.on_left()

    def _driven(self, outcome: Outcome) -> Iterator[str]:
        """What a driver does wrong, with nothing to be said against the core."""
        at_once = isinstance(outcome, Abandoned) and outcome.final
        if not at_once and abs(self._network.platform.now - (self.began_at or 0.0) - outcome.at) > EPSILON:
            since = self._network.platform.now - (self.began_at or 0.0)
            yield f"7. it was told that it is {outcome.at:.3f}, and it is {since:.3f}"
        before = None if self._run is None else self._run.action
        match before, outcome:
            case Sleep(until), Woke(at) if at < until - EPSILON:
                yield f"a pause until {until:.3f} was over at {at:.3f}"
            case Sleep(), Refused() if not self._is_refused:
                yield "8. the budget refused what it can pay"
            case Sleep(), Woke() if self._is_refused:
                yield "8. the budget paid what it does not have"
            case _, Abandoned(_, _, True) if not self._may_be_left_at_once():
                yield "12. its caller left for the first time, and no time was left for a cancel"
            case _:
                pass

    def _may_be_left_at_once(self) -> bool:
        """Where the client is closed, and for the second time."""
        return self.party.closed_at is not None or (self._run is not None and self._run.history.abandoned_at is not None)

    def _move(self, decision: Decision) -> None:
        run = self._run or self._begun(decision.before)
        history = run.history
        if not history.maybe_started and self._starts and not self._network.maybe_started.isdisjoint(self._calls):
            history = replace(history, maybe_started=True)
        if isinstance(decision.outcome, Restored):
            history = replace(history, renewed=False)  # another process knows of no token that was renewed
        if isinstance(decision.outcome, Abandoned) and history.abandoned_at is None:
            history = replace(history, abandoned_at=decision.outcome.at + self._slack_seconds)
        before = Moment(run, self._shared())
        now = replace(
            run, now=decision.outcome.at, history=history, late=self._network.late_of(self._calls if self._starts else (self.call.index,))
        )
        move = taken(before, Arrow(CLIENT, CLIENT, ""), decision.outcome, Moment(now, before.shared), decision.after, decision.action)
        self._run = move.after.run
        self._is_refused = not self.party.pays(decision.action)
        self.problems.extend(_words(each) for each in self._invariants if not each(move))

    def _begun(self, operation: Operation[Any]) -> Run:
        ends_in = COMPLETED if self.call.kind in ("execute", "await", "resume") else None
        return Run(
            self.call.index,
            operation,
            self._named.key,
            _deadline_of(operation) + self._slack_seconds,
            ends_in,
            starts=self._starts,
            keys_of_others=self._named.keys_of_others,
            history=History(submission=self._submission),
        )

    @property
    def _starts(self) -> bool:
        """Whether it may submit, or go on with what one of its chain has submitted."""
        former = self._named.former
        return self.call.kind in STARTS or (self.call.kind == "resume" and former is not None and former._starts)

    @property
    def _submission(self) -> Sent | None:
        """What was sent of its chain: whoever goes on sends the same."""
        own = None if self._run is None else self._run.history.submission
        return own if own is not None or self._named.former is None else self._named.former._submission

    def _shared(self) -> Shared:
        model = self._network.platform.model
        assert isinstance(model, Model)
        state = model.advance(self._network.platform.now).state
        return Shared(state, runs=self._network.heads) if self._invariants is INVARIANTS else Shared(PLATFORM)


def _deadline_of(operation: Any) -> float:
    if hasattr(operation, "job"):
        seconds: float = operation.job.seconds
    elif hasattr(operation, "cancel"):
        seconds = operation.cancel.goal.ends_at
    else:
        seconds = operation.call.deadline
    return seconds


def _words(invariant: Invariant) -> str:
    return f"{invariant.__name__}: {invariant.__doc__}"
