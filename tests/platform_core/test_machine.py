"""What all machines have in common."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.call import AnyAnswer, AnyContent, Skills, Status, Submitted
from platform_core.cancelling import CancelCall
from platform_core.cleanup import Leaving, Why
from platform_core.exchange import Exchange
from platform_core.machine import Ended, Misuse, check, refused
from platform_core.messages import Body
from platform_core.outcomes import Outcome, Received, Started, Woke
from platform_core.stored_shapes import STATES
from tests.support.core import SEED, samples

TOLD_APART = {
    "states": ([each.kind for each in STATES], 0),
    "exchanges": (get_args(Exchange), 0),
    "actions": ((Send, Sleep, Authorize, Done, Raise, Gone), 0),
    "outcomes": (get_args(Outcome), 0),
    "what an answer should hold": ((AnyContent, AnyAnswer, Skills, Status, Submitted), 1),
    "goals of a cancel": ((CancelCall, Leaving), 1),
    "why a run is left": (get_args(Why), 1),
    "bodies": (get_args(Body), 1),
}
"""Values of several classes that may stand in one place, and how many of these classes may be tuples."""


@pytest.mark.parametrize(("classes", "tuples_max"), TOLD_APART.values(), ids=TOLD_APART)
def test_what_may_stand_in_one_place_is_told_apart_by_its_class(classes: Sequence[type[Any]], tuples_max: int) -> None:
    assert sum(issubclass(each, tuple) for each in classes) <= tuples_max


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
