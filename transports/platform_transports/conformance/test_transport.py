"""Every check of every transport that `--platform-transport` names."""

import pytest

from .ends import CheckFailedError
from .plugin import record
from .report import Result
from .suite import Case


def test_the_transport_keeps_the_contract(conformance_case: Case, request: pytest.FixtureRequest) -> None:
    """See the check's own fact."""
    try:
        state = conformance_case.run(request.config.getoption("--platform-cuts"))
    except CheckFailedError:
        record(request, Result(conformance_case.column, conformance_case.check.name, "failed"))
        raise
    record(request, Result(conformance_case.column, conformance_case.check.name, state))
