"""The model with functions of a user's own for components, which it calls itself, at once: for tests in virtual time.

The emulator runs them in processes of their own, in real time.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Request, Response
from platform_core.records import ExecutionRecord

from .model import DEFAULT_BEHAVIOUR, Behaviour, Model, finish, record, start
from .registration import Function, at_hand
from .state import State
from .streaming import Tale
from .submissions import inputs_of
from .worker_process import outcome_of


@dataclass(frozen=True, slots=True)
class Working:
    """A platform as `platform_transports.fake.FakePlatform` takes it for its model."""

    model: Model
    functions: Mapping[str, Function]
    """By the ids of their components."""

    @classmethod
    def new(cls, seed: UUID, behaviour: Behaviour = DEFAULT_BEHAVIOUR, functions: Iterable[Function] = ()) -> "Working":
        """A platform on which nothing was executed yet. Raises as `registration.at_hand` does."""
        found = at_hand(functions)
        model = Model.new(seed, behaviour, [component for component, _ in found])
        return cls(model, {component.component_id: function for component, function in found})

    def apply(self, request: Request, at: float, /) -> "tuple[Working, Response]":
        """The platform after this request, and its answer. What it submitted has run then, and ended at the same time."""
        model, response = self.model.apply(request, at)
        state = model.state
        for execution_id in state.waiting:
            state = self._worked(state, execution_id, at)
        return Working(Model(state), self.functions), response

    def begun(self, request: Request, response: Response, at: float, /) -> Tale | None:
        """See `Model`."""
        return self.model.begun(request, response, at)

    def told(self, tale: Tale, at: float, /) -> "tuple[Working, Tale | None, tuple[bytes, ...]]":
        """See `Model`."""
        model, tale_after, pieces = self.model.told(tale, at)
        return Working(model, self.functions), tale_after, pieces

    def look_at(self, tale: Tale, /) -> float:
        """See `Model`."""
        return self.model.look_at(tale)

    def records(self, at: float) -> tuple[ExecutionRecord, ...]:
        """Every execution as it is at this time, in the order of submission."""
        return tuple(record(each, at) for each in self.model.advance(at).state.executions.values())

    def _worked(self, state: State, execution_id: str, at: float) -> State:
        execution = state.executions[execution_id]
        found = json.loads(outcome_of(self.functions[execution.component.component_id], inputs_of(execution)))
        state = start(state, execution_id, at)
        if "error" in found:
            return finish(state, execution_id, ExecutionStatus.FAILED, found["error"], at)
        return finish(state, execution_id, ExecutionStatus.COMPLETED, found["result"], at)
