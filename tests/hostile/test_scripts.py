"""Every script of a hostile server, on every transport; answers are cut at every point."""

import pytest

from platform_transports.conformance.suite import Case, cases
from tests.hostile.declared import subjects
from tests.hostile.scripts import CHECKS

CASES = cases(subjects(), CHECKS)


@pytest.mark.parametrize("case", CASES, ids=[str(case) for case in CASES])
def test_a_hostile_server_gets_no_more_than_an_error(case: Case) -> None:
    case.run()
