"""Every transport here keeps the contract, but for what it declares. Answers are cut at some points; `make conformance` cuts at all."""

import pytest

from platform_transports.conformance.suite import Case, cases
from tests.conformance.subjects import SUBJECTS

CUTS_MAX = 4
CASES = cases(SUBJECTS)


@pytest.mark.parametrize("case", CASES, ids=[str(case) for case in CASES])
def test_a_transport_keeps_the_contract(case: Case) -> None:
    case.run(CUTS_MAX)
