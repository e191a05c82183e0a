"""What a driver reports."""

from dataclasses import FrozenInstanceError, fields
from typing import Any, get_args

import pytest

from platform_core.outcomes import Authorized, Failed, FailureCause, Outcome, Refused, Restored, Started, Woke
from tests.support.core import samples

CLASSES: tuple[type[Any], ...] = get_args(Outcome)


def test_the_samples_of_the_tests_have_every_outcome() -> None:
    assert {type(outcome) for outcome in samples(0.0)} == set(CLASSES)


@pytest.mark.parametrize("outcome_class", CLASSES)
def test_time_enters_first_in_every_outcome(outcome_class: type[Any]) -> None:
    assert fields(outcome_class)[0].name == "at"


@pytest.mark.parametrize("outcome", samples(0.0), ids=repr)
def test_an_outcome_is_a_frozen_value(outcome: Any) -> None:
    assert hash(outcome) == hash(samples(0.0)[samples(0.0).index(outcome)])
    with pytest.raises(FrozenInstanceError):
        outcome.at = 1.0


def test_what_tells_a_time_alone_is_told_apart_by_its_class() -> None:
    classes = (Started, Restored, Woke, Refused, Authorized)
    assert len({each(1.0) for each in classes}) == len(classes)


def test_a_connection_is_new_unless_said_otherwise() -> None:
    assert not Failed(0.0, FailureCause.DISCONNECTED, "maybe").reused


def test_the_causes_are_the_kinds_of_a_transport_and_two_of_the_driver() -> None:
    kinds = {
        "dns",
        "connect",
        "connect_timeout",
        "tls",
        "write",
        "read",
        "timeout",
        "disconnected",
        "protocol",
        "too_large",
        "local",
        "closed",
    }
    assert {str(cause) for cause in FailureCause} == kinds | {"no token", "restored"}
