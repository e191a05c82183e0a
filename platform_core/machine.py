"""What all machines of the core have in common: one question, *this just happened; what now?*, and how it may be asked.

Rule 1: an operation is a frozen value. `step` returns the next one and never changes the old one.
Rule 2: the value that `step` returned means that its action is in flight. Whoever stores runs stores it before performing the
        action, so that a crash can only mean "maybe sent".
Rule 3: a state is a class and waits for one action alone. Which outcomes it takes, and which states may follow, stands in the
        `EDGES` of its module; whatever does not stand there is refused as `Misuse` before anything else is looked at.
Rule 4: `step` raises for misuse alone. Whatever the world does comes back as an action.
Rule 5: states, actions and outcomes are dataclasses, which are equal within their class alone: a named tuple is equal to any tuple of the
        same values, so that a `Woke` would be a `Started`. Of the classes that may stand in one field, at most one is a named tuple.
        What stands alone in its place and checks nothing is one: it takes a fifth of the time to define (docs/benchmarks.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar
from uuid import UUID

from .actions import Action
from .outcomes import Outcome

T_co = TypeVar("T_co", covariant=True)

Edges: TypeAlias = Mapping[tuple[type, type], frozenset[type]]
"""(state, outcome) -> the states that may follow."""


class Misuse(Exception):  # noqa: N818 -- not an error of the world: our caller broke the contract
    """An outcome was reported that the operation does not wait for. Never the server's fault."""


class Operation(Protocol[T_co]):
    """A run in progress, or before it, or after it, which ends in a `T_co`."""

    @property
    def seed(self) -> UUID:
        """What all that is random in this run is made from; also its name for observers."""
        ...

    def step(self, outcome: Outcome, /) -> "tuple[Operation[T_co], Action[T_co]]":
        """What to do, now that this happened. Raises `Misuse` if it is not what the operation waits for."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """Final: no edge leaves."""

    seed: UUID

    def step(self, outcome: Outcome, /) -> tuple[Any, Any]:
        """Raise `Misuse`: nothing can happen to a run that has ended."""
        raise refused(self, outcome)


class Decision(NamedTuple):
    """One step, as observers see it: `operation_id` is the seed, `action` was not yet performed."""

    operation_id: UUID
    before: Operation[Any]
    outcome: Outcome
    after: Operation[Any]
    action: Action[Any]


def check(edges: Edges, state: object, outcome: Outcome) -> None:
    """Raise `Misuse` unless the table lets this state take this outcome."""
    if (type(state), type(outcome)) not in edges:
        raise refused(state, outcome)


def refused(state: object, outcome: Outcome) -> Misuse:
    """The misuse, in words."""
    return Misuse(f"{type(state).__name__} does not wait for {type(outcome).__name__}")
