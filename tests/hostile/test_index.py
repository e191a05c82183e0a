"""The index names what is there, and leaves no script out."""

import ast
from functools import cache
from pathlib import Path

import pytest

from platform_transports.conformance.checks import CHECKS
from tests.hostile import scripts
from tests.hostile.answers import CASES
from tests.hostile.index import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
ALL = [row for rows in ROWS.values() for row in rows]
IDS = [f"{group}: {row.fault}" for group, rows in ROWS.items() for row in rows]


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        each.name for each in ast.walk(tree) if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name.startswith("test_")
    }


@pytest.mark.parametrize("row", ALL, ids=IDS)
def test_a_row_has_a_test_and_each_of_its_tests_exists(row: Row) -> None:
    assert row.checks or row.answers or row.tests
    assert [name for name in row.checks if name not in CHECKS and name not in scripts.CHECKS] == []
    assert [name for name in row.answers if name not in {case.name for case in CASES}] == []
    for place in row.tests:
        path, _, name = place.partition("::")
        assert name in names_in(path), place


def test_no_fault_stands_twice() -> None:
    assert len(set(IDS)) == len(ALL)


def test_every_script_and_every_answer_has_its_row() -> None:
    assert scripts.CHECKS.keys() <= {name for row in ALL for name in row.checks}
    assert {case.name for case in CASES} == {name for row in ALL for name in row.answers}


def test_every_refused_answer_of_the_suite_has_its_row() -> None:
    from platform_transports.conformance.checks import GROUPS

    named = {name for row in ALL for name in row.checks}
    for group in ("refused answers", "reuse of connections", "TLS", "connecting"):
        missing = {check.name for check in GROUPS[group]} - named
        assert all(name.startswith(("kept-", "tls-", "connection-is-kept", "answered")) for name in missing), missing


def test_no_script_is_named_as_a_check_of_the_suite_is() -> None:
    assert not scripts.CHECKS.keys() & CHECKS.keys()
