"""What all machines have in common."""

from typing import Any

import pytest

from platform_core.machine import Ended, Misuse, check, refused
from platform_core.outcomes import Received, Started, Woke
from tests.support.core import SEED, samples


@pytest.mark.parametrize("outcome", samples(0.0), ids=repr)
def test_nothing_can_happen_to_a_run_that_has_ended(outcome: Any) -> None:
    with pytest.raises(Misuse, match=f"^Ended does not wait for {type(outcome).__name__}$"):
        Ended(SEED).step(outcome)


def test_a_pair_in_the_table_passes() -> None:
    check({(Ended, Woke): frozenset({Ended})}, Ended(SEED), Woke(0.0))


def test_a_pair_that_is_not_in_the_table_is_misuse() -> None:
    with pytest.raises(Misuse, match=r"^Ended does not wait for Started$"):
        check({(Ended, Woke): frozenset({Ended}), (Ended, Received): frozenset()}, Ended(SEED), Started(0.0))


def test_misuse_is_no_error_of_the_world() -> None:
    misuse = refused(Ended(SEED), Woke(0.0))
    assert not isinstance(misuse, (OSError, ValueError, TypeError))
