"""Fixtures for all tests."""

import pytest

from tests.support.worlds import WORLDS, World


@pytest.fixture(params=WORLDS, ids=str)
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    found: World = request.param
    return found
