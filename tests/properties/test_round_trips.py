"""Handles and the lines of a journal: what goes out comes back as it was, and what was changed on the way is read or refused by name."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.handles import ExecutionHandle, HandleKind, Submission
from platform_core.machine import Misuse, Operation
from platform_core.resuming import first_outcome, resume_execution
from platform_core.routes import SUBMIT_AGENT
from platform_transports.journal_lines import Entry, InvalidJournal, entries, kept, told_action, unfinished, written
from tests.support.core import SEED

from .strategies import ids, json_objects, json_values
from .walks import WALKING, walks

STORED = ("execute_code_block", "execute_agent", "submit_workflow_execution", "await_execution", "cancel_execution")
"""Builders of runs that a journal keeps."""


@st.composite
def handles(draw: st.DrawFn) -> ExecutionHandle:
    """Any handle that this client could give out."""
    target = SUBMIT_AGENT.path(component_id="a%2Fb")
    body = st.builds(
        Submission, st.uuids(), st.just(target), json_objects.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
    )
    execution_id, submission = draw(st.tuples(ids, st.none()) | st.tuples(st.none(), body))
    kind: HandleKind = draw(st.sampled_from(get_args(HandleKind))) if submission is None else "agent"
    left = draw(st.floats(0, allow_infinity=False))
    return ExecutionHandle(kind, execution_id, submission, left, draw(st.integers(0)), draw(st.sampled_from(("cancel", "detach"))))


@given(handles())
def test_a_handle_comes_back_as_it_was_and_can_be_gone_on_with(handle: ExecutionHandle) -> None:
    again = ExecutionHandle.from_json(handle.to_json())
    assert again == handle.checked() == handle
    operation = resume_execution(again, seed=SEED)
    _, action = operation.step(first_outcome(operation))
    assert action == resume_execution(handle, seed=SEED).step(first_outcome(operation))[1]
    json.dumps(handle.to_dict(), allow_nan=False)


@given(handles().map(ExecutionHandle.to_json), st.data())
def test_a_handle_that_was_changed_is_refused_by_name_or_gone_on_with_as_it_says(text: str, data: st.DataObject) -> None:
    stored = json.loads(text)
    place = data.draw(st.sampled_from([stored, stored["submission"]] if stored["submission"] else [stored]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values | st.just("\ud800"))
    try:
        handle = ExecutionHandle.from_json(json.dumps(stored))
        resume_execution(handle, seed=SEED)
    except ValueError as error:
        refused = str(error)
    else:
        assert ExecutionHandle.from_json(handle.to_json()) == handle
        return
    assert refused.startswith(("handle", "a handle"))


@given(st.text() | json_values.map(json.dumps))
def test_any_other_text_is_no_handle(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a? ?handle"):
        ExecutionHandle.from_json(text)


@pytest.mark.parametrize("builder", STORED)
@settings(WALKING, max_examples=25)
@given(st.data())
def test_the_lines_of_a_journal_say_what_was_decided(builder: str, data: st.DataObject) -> None:
    decisions = data.draw(walks(builder))
    lines = [written(decision) for decision in decisions]
    found = read(line for line in lines if line is not None)
    assert len(found) == len(decisions)
    for entry, decision in zip(found, decisions, strict=True):
        assert entry.run == decision.operation_id
        assert entry.read_outcome() == kept(decision.outcome)
        assert entry.read_value() == decision.after
        assert entry.read_before() in (None, decision.before)
        assert entry.action == json.loads(json.dumps(told_action(decision.action)))


@settings(WALKING, max_examples=200)
@given(walks("execute_code_block"), st.data())
def test_a_line_that_was_changed_is_refused_by_its_number_or_can_be_gone_on_with(decisions: list[Any], data: st.DataObject) -> None:
    line = written(data.draw(st.sampled_from(decisions)))
    assert line is not None
    at = data.draw(st.integers(0, len(line) - 2))
    changed = (
        line[:at]
        + data.draw(st.binary(max_size=2) | st.sampled_from((b'"', b"0", b"null", b"}")))
        + line[at + data.draw(st.integers(0, 2)) :]
    )
    try:
        for entry in read([changed]):
            check_goes_on(entry)
    except InvalidJournal as error:
        refused = str(error)
    else:
        return
    assert refused.startswith(("line ", "this file is no journal"))


def check_goes_on(entry: Entry) -> None:
    """Whatever a line holds that is read: it can be stepped."""
    entry.read_outcome()
    operation: Operation[Any] = entry.read_value()
    entry.read_before()
    try:
        operation.step(first_outcome(operation))
    except Misuse:
        assert entry.value["operation"]["type"] == "ended"


def read(lines: Iterable[bytes]) -> list[Entry]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        path.write_bytes(b"".join(lines))
        found = list(entries(path))
        unfinished(path)
        return found
