"""Fixtures for all tests."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.worlds import WORLDS, World

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how long an example takes says how busy the machine is


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    found: World = request.param
    return found
