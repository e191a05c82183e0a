"""Whether the simulation finds anything: deliberate faults in drivers and clients, found in a copy."""

import pytest

from tests.exploration.hunt import Caught, Mutant, mutated, problems
from tests.simulation.hunt import PACKAGES, hunt, mutants

HARMLESS = Mutant(
    "harmless", 9, "platform_transports/drive.py", "One loop for tasks, one for threads", "One loop for tasks, another for threads"
)


def test_each_mutant_can_be_made_and_is_one_of_its_own() -> None:
    found = mutants()
    assert len(found) >= 36
    assert len({(each.file, mutated(each, packages=PACKAGES)) for each in found}) == len({each.name for each in found}) == len(found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("the async driver forgets the cancel", "no time"),
        ("the budget is not taken from", "8. of the retry budget is left"),
        ("the async driver gives the answer of another call", "it has not ended well"),
        ("resume submits anew", "key_and_body_stay"),
    ],
)
def test_a_fault_of_a_driver_is_found(name: str, said: str) -> None:
    caught = hunt(next(each for each in mutants() if each.name == name))
    assert caught.check is not None
    assert said in caught.check


def test_what_nothing_finds_is_a_problem() -> None:
    assert problems([(HARMLESS, Caught(None, "no seeds", 0.0))]) == ["harmless: nothing finds it (no seeds)"]
