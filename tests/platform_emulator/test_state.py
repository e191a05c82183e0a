from typing import Any

import pytest

from platform_emulator.model import initial
from platform_emulator.state import Behaviour
from tests.platform_emulator.support import SEED, submitted


@pytest.mark.parametrize("name", ["pending_seconds", "replica_lag_seconds", "cancel_lag_seconds", "intake_seconds"])
@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_a_behaviour_with_a_negative_time_is_refused_by_name(name: str, value: float) -> None:
    fields: Any = {name: value}
    with pytest.raises(ValueError, match=f"^{name} must not be negative$"):
        Behaviour(**fields)


def test_states_with_the_same_past_are_equal_and_hash_alike() -> None:
    one, _ = submitted("echo", {"input_parameters": {"a": 1}})
    other, _ = submitted("echo", {"input_parameters": {"a": 1}})
    assert one == other
    assert len({one, other, initial(SEED)}) == 2
