from typing import Any

import pytest

from platform_emulator.callers import DEVELOPER, Caller, refused_org
from platform_emulator.components import ORG_ID, OTHER_ORG_ID
from tests.platform_emulator.support import parsed


def test_the_developer_sees_the_default_organization_alone() -> None:
    assert Caller.seeing([ORG_ID.upper()]) == DEVELOPER


@pytest.mark.parametrize(
    ("org_ids", "error", "message"),
    [(ORG_ID, TypeError, "not one str"), (["nothing"], ValueError, "must be organizations of the emulator")],
)
def test_ids_that_are_no_organizations_are_refused(org_ids: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^org_ids .*{message}"):
        Caller.seeing(org_ids)


@pytest.mark.parametrize(
    ("org_id", "status", "code"),
    [(OTHER_ORG_ID, 403, "FORBIDDEN"), (OTHER_ORG_ID.upper(), 403, "FORBIDDEN"), ("nothing", 404, "NOT_FOUND")],
)
def test_an_organization_that_is_hidden_is_403_and_one_that_is_not_there_404(org_id: str, status: int, code: str) -> None:
    answer = refused_org(DEVELOPER, org_id)
    assert answer is not None
    assert (answer.status, parsed(answer)["code"]) == (status, code)


def test_an_organization_that_may_be_seen_is_not_refused() -> None:
    assert refused_org(DEVELOPER, ORG_ID.upper()) is None
