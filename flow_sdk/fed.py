"""An operation whose answers flow past it: before each step it is told what of them has come meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from platform_core.actions import Action
from platform_core.machine import Operation
from platform_core.outcomes import Outcome

S_contra = TypeVar("S_contra", contravariant=True)
T = TypeVar("T")


class Sees(Protocol[S_contra]):
    """A state that is told what has come. The states of a clean-up, and the end, are not: nothing more flows there."""

    def with_seen(self, seen: S_contra, /) -> Any:  # noqa: ANN401 -- a state of the same machine
        """The same state, which knows it."""
        ...


@dataclass(frozen=True, slots=True)
class Fed(Generic[T]):
    """The operation, and where what has come is looked up."""

    operation: Operation[T]
    look: Callable[[], object]

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.operation.seed

    def step(self, outcome: Outcome, /) -> tuple[Operation[T], Action[T]]:
        """The operation's own step."""
        operation = self.operation
        if hasattr(operation, "with_seen"):
            operation = cast("Sees[object]", operation).with_seen(self.look())
        after, action = operation.step(outcome)
        return Fed(after, self.look), action


def inner(operation: Operation[Any]) -> Operation[Any]:
    """The operation itself, for those who look at which one it is."""
    return operation.operation if isinstance(operation, Fed) else operation
