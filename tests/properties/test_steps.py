"""Random walks from every builder, with answers of any shape: what an action admits is answered, and the rest is misuse.

`tests/support/walking.py` walks all states with a few chosen outcomes; here both are any, and the walk goes where chance leads.
"""

import json
import pickle
from typing import Any, assert_never

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.actions import Action, Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.downloads import Downloaded, Downloading
from platform_core.machine import Decision, Ended, Misuse, Operation
from platform_core.messages import External
from platform_core.outcomes import Refused, Restored
from platform_core.snapshots import restore, restored_outcome, snapshot, stored_outcome
from tests.support.core import samples

from .strategies import BUILDERS
from .walks import WALKING, admitted, flows_past, walks


@pytest.mark.parametrize("builder", BUILDERS)
@settings(WALKING, max_examples=60)
@given(st.data())
def test_a_step_is_total_and_what_is_stored_steps_as_what_was(builder: str, data: st.DataObject) -> None:
    action: Action[Any] | None = None
    for decision in data.draw(walks(builder)):
        check_refusals(decision.before, action, decision.outcome.at)
        check_stored(decision)
        check_step(decision)
        action = decision.action
        if isinstance(action, (Done, Raise, Gone)):
            check_refusals(decision.after, action, decision.outcome.at)


def check_step(decision: Decision) -> None:
    """What follows is an operation and its action, which names no time that has passed; the old one is as it was."""
    before, outcome, after, action = decision.before, decision.outcome, decision.after, decision.action
    assert before.step(outcome) == (after, action), "the same question has the same answer"
    assert after.seed == before.seed
    assert isinstance(after, Ended) == isinstance(action, (Done, Raise, Gone))
    match action:
        case Send(_, due) | Authorize(_, due) | Sleep(due) if not isinstance(outcome, Restored):  # what was stored may have become late
            assert outcome.at < due or (isinstance(action, Sleep) and outcome.at == due)
        case Send() | Authorize() | Sleep():
            assert isinstance(outcome, Restored)
        case Raise(failure):
            error = failure.exception()
            assert pickle.loads(pickle.dumps(error)).failure == failure
            assert str(error)
            json.dumps(error.to_dict(), allow_nan=False)
        case Gone(report):
            assert str(report)
        case Done(Downloaded(size_bytes)):
            assert isinstance(before, Downloading)
            assert size_bytes == before.part.received_bytes
        case Done():
            pass
        case _:
            assert_never(action)


def check_refusals(operation: Operation[Any], action: Action[Any] | None, at: float) -> None:
    """All that the action does not admit is misuse, which changes nothing. A pause without cost may be refused in some states."""
    shown = repr(operation)
    for outcome in samples(at):
        if type(outcome) in admitted(action, flows=flows_past(operation)) or (isinstance(action, Sleep) and isinstance(outcome, Refused)):
            continue
        with pytest.raises(Misuse, match=rf"^\w+ does not wait for {type(outcome).__name__}$"):
            operation.step(outcome)
    assert repr(operation) == shown


def check_stored(decision: Decision) -> None:
    """Run and outcome come back from JSON as they were, and what came back steps as before; or the run is refused, with the reason."""
    if flows_past(decision.before):
        with pytest.raises(
            ValueError, match=rf"^{type(decision.before).__name__} cannot be stored: what has come of its answer is not in it$"
        ):
            snapshot(decision.before)
        return
    if is_external(decision.before):
        with pytest.raises(ValueError, match=r"^an operation whose body is external cannot be stored"):
            snapshot(decision.before)
        return
    restored = restore(json.loads(json.dumps(snapshot(decision.before), allow_nan=False)))
    assert restored == decision.before
    again = restored_outcome(json.loads(json.dumps(stored_outcome(decision.outcome), allow_nan=False)), "outcome")
    assert again == decision.outcome
    assert restored.step(again) == (decision.after, decision.action)


def is_external(operation: Any) -> bool:
    return hasattr(operation, "call") and isinstance(operation.call.request.body, External)
