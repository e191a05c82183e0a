"""The same script has the same trace on every transport: how each call ended, to the last header field."""

import pytest

from platform_transports.conformance.check import Check, Dialogue, Exchange
from platform_transports.conformance.checks import CHECKS
from platform_transports.conformance.ends import End
from platform_transports.conformance.suite import cases
from tests.conformance.subjects import SUBJECTS

CASES = cases(SUBJECTS)
ONE_PIECE = 0


def has_one_trace(check: Check) -> bool:
    """Where an end is one of several, the order of two events on two machines decides, and no transport."""
    match check:
        case Exchange():
            return not isinstance(check.end, tuple)
        case Dialogue():
            return True
        case _:
            return False  # its calls are not a list: some run at once


SCRIPTS = [name for name, check in CHECKS.items() if has_one_trace(check)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_transport_that_passes_a_script_has_the_trace_of_all_the_others(name: str) -> None:
    traces: dict[str, list[End]] = {}
    for case in CASES:
        if case.check.name == name and case.declared is None:
            failure, traces[case.column] = case.failure(ONE_PIECE)
            assert failure is None, f"{case.column}: {failure}"
    assert len(traces) > 1
    first = next(iter(traces.values()))
    assert first
    assert {column: trace for column, trace in traces.items() if trace != first} == {}
