"""What can happen to a pool and its calls, explored completely: no slot is lost, none is lent twice, nobody waits for nothing."""

import pytest

from .explore_pool import explore_pool


@pytest.mark.parametrize(("calls", "slots", "worlds_min"), [(1, 1, 20), (2, 1, 100), (2, 2, 150), (3, 1, 400), (3, 2, 600), (4, 2, 2_000)])
def test_slots_and_connections_come_back_whatever_happens(calls: int, slots: int, worlds_min: int) -> None:
    found = explore_pool(calls, slots)
    assert found.worlds >= worlds_min
    assert found.ends
