from math import inf

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_emulator.callers import Caller
from platform_emulator.components import OTHER_ORG_ID, Component, Work
from platform_emulator.rows import (
    api_key_of,
    execution_of,
    latest_at,
    object_of,
    row_of_api_key,
    row_of_execution,
    row_of_object,
)
from platform_emulator.state import Execution, StoredObject
from platform_emulator.tokens import Identity

PENDING = Execution(
    "id", Component("agent", "a", "b", external=True), "/", b"\0", "k", "t", "e", Work(inf, ExecutionStatus.FAILED, "null"), None, 1.5
)
ENDED = Execution(
    "id",
    Component("workflow", "a", "b"),
    "/",
    b"",
    None,
    None,
    None,
    Work(0.0, ExecutionStatus.COMPLETED, "1"),
    60.0,
    1.0,
    ExecutionStatus.COMPLETED,
    2.0,
    3.0,
    "1",
    "null",
)


@pytest.mark.parametrize("execution", [PENDING, ENDED])
def test_an_execution_comes_back_from_its_row(execution: Execution) -> None:
    assert execution_of(row_of_execution(execution)) == execution


def test_an_object_and_a_key_come_back_from_their_rows() -> None:
    stored = ("org", "name"), StoredObject("text/plain", b"\0")
    key = b"digest", Identity("key 1", 1.0, Caller(frozenset({OTHER_ORG_ID})))
    assert object_of(row_of_object(*stored)) == stored
    assert api_key_of(row_of_api_key(*key)) == key


def test_the_latest_time_is_that_of_any_event() -> None:
    assert [latest_at(each) for each in ((), (PENDING,), (ENDED, PENDING))] == [-inf, 1.5, 3.0]
