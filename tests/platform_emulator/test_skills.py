from typing import cast

import pytest

from platform_emulator.components import SERVICES
from platform_emulator.skills import skills


@pytest.mark.parametrize(("version", "names"), [(1, ["demo.greet"]), (2, ["demo.greet", "demo.health"])])
def test_each_version_has_its_endpoints(version: int, names: list[str]) -> None:
    artifact = skills(SERVICES["demo"].upper(), version)
    assert artifact is not None
    assert artifact["version"] == version
    assert [each["id"] for each in cast(list[dict[str, str]], artifact["endpoints"])] == names


@pytest.mark.parametrize(("service_id", "version"), [("nothing", 1), (SERVICES["demo"], 0), (SERVICES["demo"], 3)])
def test_another_service_or_version_has_none(service_id: str, version: int) -> None:
    assert skills(service_id, version) is None
