"""What one seed makes of a simulation: who calls what and when, how the platform behaves, and which faults there are, how often.

A swarm (Groce et al., "Swarm testing", 2012): each seed leaves most kinds of faults out and takes the others at rates of its own. Where
all of them strike all the time, hardly any run gets far enough for those that need a run that is well under way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias
from uuid import UUID

from platform_core.handles import OnAbandon
from platform_emulator.state import Behaviour

Mode: TypeAlias = Literal["safety", "liveness"]
MODES: tuple[Mode, ...] = ("safety", "liveness")
Kind: TypeAlias = Literal["execute", "submit", "await", "resume", "cancel", "look", "request"]
ProviderAnswer: TypeAlias = Literal["token", "transient", "permanent", "no token"]
STARTS: frozenset[Kind] = frozenset({"execute", "submit"})
"""The calls that start an execution; those before `request` are about one that another client has started."""
LEAVE_HANDLES: frozenset[Kind] = frozenset({*STARTS, "await", "resume"})
"""The calls whose end leaves a handle to go on by."""
COMPONENTS = ("echo", "sleep", "sleep", "sleep", "fail", "answer", "pipeline")
"""Those of the emulator, an agent and a workflow among them: only `sleep` takes its time once a worker has it."""

FAULTS = (
    "refused connection",
    "lost request",
    "lost answer",
    "stale connection",
    "late request",
    "twice",
    "unauthorized",
    "not known yet",
    "conflict",
    "busy",
    "unavailable",
    "stale status",
    "unknown status",
    "slow answer",
)
"""Those from which a call recovers, if there are few enough of them."""
LAG_SECONDS_MAX = 3.0
"""Of a replica, in liveness mode."""
FINAL_FAULTS = ("forbidden", "server error", "nonsense", "another's answer", "too large", "redirect", "busy for long")
"""Those that may end a call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the client. Times are virtual seconds since the start."""

    index: int
    kind: Kind
    seed: UUID
    component: str = "echo"
    """Of the emulator: one of its code blocks, its agent or its workflow."""
    work_seconds: float = 0.0
    starts_at: float = 0.0
    leaves_at: tuple[float, ...] = ()
    """When its caller goes away, for the first and for the second time."""
    on_abandon: OnAbandon = "cancel"
    timeout_seconds: float | None = None
    poll_interval_seconds: float = 1.0
    of: int | None = None
    """Of another call: when that has ended, a new client goes on with its execution by the handle that it has left.
    `starts_at` and `leaves_at` count from then on, and from its own start."""
    from_first: bool = False
    """By the first handle that was stored of the execution, and not by the last one."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How the token provider fares: what it answers with in turn, and then with a token each time."""

    answers: tuple[ProviderAnswer, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a seed decides before the run."""

    seed: int
    mode: Mode
    calls: tuple[Call, ...]
    behaviour: Behaviour
    rates: Mapping[str, float]
    """Kind of fault -> how likely a request meets it."""
    keyed: bool = True
    timeout_seconds: float = 30.0
    budget: int = 500
    lateness_seconds: float = 0.0
    """How late the driver's clock may wake."""
    has_token: bool = True
    provider: Provider | None = None
    closes_at: float | None = None
    """When the client is closed."""
    crashes_at: float | None = None
    """When its process dies; another one goes on with what is left. For a single execution."""
    has_journal: bool = False
    """Whether a journal is left of a process that dies, and not the handles alone that were stored."""
    row: bool = False
    """Whether all calls are awaited in one row, by `await_all`; those that go on by a handle, where there are such."""

    @property
    def row_of_handles(self) -> bool:
        """Whether the row is given handles, of executions that another client has started."""
        return self.row and any(call.of is not None for call in self.calls)

    def next_of(self, call: Call) -> Call | None:
        """Who goes on with the execution of this call alone, as soon as that has ended."""
        return None if self.row else next((each for each in self.calls if each.of == call.index), None)

    def goes_on(self, call: Call, has_ended: Callable[[Call], bool]) -> bool:
        """Whether somebody begins as this call ends: in a row, with the last of all."""
        if not self.row_of_handles:
            return self.next_of(call) is not None
        return call.of is None and all(has_ended(each) for each in self.calls if each.of is None)


def profile_of(seed: int, mode: Mode) -> Profile:
    """The same for the same arguments, always."""
    random = Random(f"{mode} {seed}")
    return _safety(seed, random) if mode == "safety" else _liveness(seed, random)


def _safety(seed: int, random: Random) -> Profile:
    keyed = random.random() < 0.85
    heads = tuple(_call(index, random) for index in range(_number(random, keyed=keyed)))
    row = random.random() < 0.15
    calls = _in_row(heads, random) if row else _with_links(heads, random, _link)
    crashes = not row and len(heads) == 1 and heads[0].kind in LEAVE_HANDLES and random.random() < 0.4
    has_journal = crashes and random.random() < 0.5
    if crashes and not has_journal:
        # Only a handle that was stored before outlives its process then.
        calls = _with_links((replace(heads[0], kind="submit"),), random, _link, (2, 3))
    closes = not crashes and random.random() < 0.15
    provider = _provider(random)
    waits_for_tokens = provider is not None and len(heads) > 1
    return Profile(
        seed,
        "safety",
        calls,
        _behaviour(random),
        _rates(random, (*FAULTS, *FINAL_FAULTS), 0.01, 0.5),
        keyed=keyed,
        timeout_seconds=random.choice((0.5, 5.0, 30.0, 300.0)),
        # Who pays first of those that were all told at once that there is no token is for the scheduler to say.
        budget=500 if waits_for_tokens else random.choice((0, 5, 10, 500)),
        lateness_seconds=random.choice((0.0, 0.0, random.uniform(0.0, 2.0))),
        has_token=provider is None or random.random() < 0.7,
        provider=provider,
        closes_at=_at(random, 60.0) if closes else None,
        crashes_at=_at(random, 60.0) if crashes else None,
        has_journal=has_journal,
        row=row,
    )


def _liveness(seed: int, random: Random) -> Profile:
    heads = tuple(_patient(index, random) for index in range(random.choice((1, 1, 1, 2, 3))))
    row = random.random() < 0.15
    behaviour = Behaviour(
        pending_seconds=_at(random, 10.0),
        replica_lag_seconds=random.choice((0.0, random.uniform(0.0, LAG_SECONDS_MAX))),
        intake_seconds=random.choice((0.0, random.uniform(0.0, 1.0))),
    )
    return Profile(
        seed,
        "liveness",
        _in_row(heads, random) if row else _with_links(heads, random, _patient_link),
        behaviour,
        _rates(random, FAULTS, 0.1, 0.9),
        provider=Provider(seconds=random.uniform(0.0, 1.0)),
        row=row,
    )


def _in_row(heads: tuple[Call, ...], random: Random) -> tuple[Call, ...]:
    """All of them in one row: by the ids that another client knows, or by the handles that the calls have left."""
    if random.random() < 0.5:
        return tuple(replace(call, kind="await", starts_at=0.0, leaves_at=()) for call in heads)
    heads = tuple(replace(call, kind=call.kind if call.kind in STARTS else "submit") for call in heads)
    rests_seconds = _at(random, 20.0)
    links = (
        replace(
            call, index=len(heads) + call.index, kind="resume", seed=_seed(random), starts_at=rests_seconds, leaves_at=(), of=call.index
        )
        for call in heads
    )
    return (*heads, *links)


def _with_links(
    heads: tuple[Call, ...], random: Random, link: Callable[[int, Call, Random], Call], numbers: tuple[int, ...] = (0, 0, 1, 1, 2, 3)
) -> tuple[Call, ...]:
    """And who goes on with some of them, one after the other, each by the handle that the one before has left."""
    calls = list(heads)
    for head in heads:
        last = head
        for _ in range(random.choice(numbers) if head.kind in LEAVE_HANDLES else 0):
            last = link(len(calls), last, random)
            calls.append(last)
    return tuple(calls)


def _link(index: int, former: Call, random: Random) -> Call:
    call = _call(index, random)
    kind: Kind = random.choices(("resume", "cancel", "look"), (5, 1, 1))[0]
    leaves_at = tuple(at - call.starts_at for at in call.leaves_at)
    return replace(
        call,
        kind=kind,
        component=former.component,
        work_seconds=former.work_seconds,
        leaves_at=leaves_at,
        of=former.index,
        from_first=random.random() < 0.3,
    )


def _patient_link(index: int, former: Call, random: Random) -> Call:
    """Only to the end: what was cancelled would have no good one."""
    call = _patient(index, random)
    return replace(call, kind="resume", component=former.component, work_seconds=former.work_seconds, of=former.index)


def _number(random: Random, *, keyed: bool) -> int:
    # Without keys, nothing tells the execution of one call from that of another.
    return random.choice((1, 1, 2, 3, 4)) if keyed else 1


def _call(index: int, random: Random) -> Call:
    kind: Kind = random.choices(("execute", "submit", "await", "cancel", "look", "request"), (12, 2, 2, 2, 1, 1))[0]
    starts_at = random.choice((0.0, _at(random, 5.0)))
    leaves_at: tuple[float, ...] = ()
    if random.random() < 0.35:
        leaves_at = (starts_at + _at(random, 20.0),)
        if random.random() < 0.3:
            leaves_at = (*leaves_at, leaves_at[0] + _at(random, 5.0))
    return Call(
        index,
        kind,
        _seed(random),
        component=random.choice(COMPONENTS),
        work_seconds=_at(random, 120.0),
        starts_at=starts_at,
        leaves_at=leaves_at,
        on_abandon=random.choice(("cancel", "cancel", "detach")),
        timeout_seconds=random.choice((None, random.uniform(0.5, 30.0))),
        poll_interval_seconds=random.choice((1.0, 5.0, 30.0)),
    )


def _patient(index: int, random: Random) -> Call:
    """A call that nobody leaves, and that has time enough."""
    kind: Kind = random.choices(("execute", "submit", "await", "cancel", "look", "request"), (12, 1, 3, 1, 1, 1))[0]
    return Call(
        index,
        kind,
        _seed(random),
        component=random.choice(COMPONENTS),
        work_seconds=_at(random, 20.0),
        # Who only looks bears no 404, and so comes when every replica knows the execution.
        starts_at=LAG_SECONDS_MAX if kind == "look" else random.choice((0.0, _at(random, 5.0))),
        poll_interval_seconds=random.choice((1.0, 3.0)),
    )


def _seed(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128))


def _behaviour(random: Random) -> Behaviour:
    return Behaviour(
        pending_seconds=_at(random, 30.0),
        replica_lag_seconds=random.choice((0.0, 0.0, _at(random, 15.0))),
        cancel_lag_seconds=random.choice((0.0, 0.0, _at(random, 5.0))),
        intake_seconds=random.choice((0.0, 0.0, _at(random, 15.0))),
    )


def _provider(random: Random) -> Provider | None:
    if random.random() < 0.4:
        return None
    kinds: tuple[ProviderAnswer, ...] = ("token", "transient", "permanent", "no token")
    answers = tuple(random.choices(kinds, (6, 4, 1, 1), k=random.randrange(4)))
    return Provider(answers, random.choice((0.0, _at(random, 40.0))))


def _rates(random: Random, kinds: tuple[str, ...], lowest: float, highest: float) -> dict[str, float]:
    """About a third of the kinds, each at a rate that is as likely to be in any of the decades."""
    taken = [kind for kind in kinds if random.random() < 0.35]
    return {kind: lowest * (highest / lowest) ** random.random() for kind in taken}


def _at(random: Random, seconds_max: float) -> float:
    """A time that is as likely to be short as to be long: from a millisecond on."""
    return float(0.001 * (seconds_max / 0.001) ** random.random())
