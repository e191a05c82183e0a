"""The hunt for deliberate faults itself: `make mutants` hunts all of them."""

from collections import Counter
from pathlib import Path

import pytest

from .hunt import Mutant, StaleError, hunt, mutants, mutated, problems

POOL = "platform_transports/http1/pool.py"
HARMLESS = Mutant("harmless", 9, POOL, "def _oldest(self) -> C:\n", "def _oldest(self) -> C:  # the first\n")


def test_each_mutant_can_be_made_and_is_one_of_its_own() -> None:
    found = mutants()
    assert len(found) >= 30
    assert len({(each.file, mutated(each), each.invariant) for each in found}) == len({each.name for each in found}) == len(found)


def test_each_invariant_that_is_explored_has_two_mutants_at_least() -> None:
    counts = Counter(each.invariant for each in mutants())
    assert sorted(counts) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert min(counts.values()) >= 2
    assert Counter("pool" in each.file for each in mutants() if each.invariant == 6)[True] >= 2


@pytest.mark.parametrize(("text", "times"), [("nothing like it", 0), ("twice twice", 2)])
def test_a_mutant_whose_old_text_does_not_stand_there_once_is_stale(tmp_path: Path, text: str, times: int) -> None:
    (tmp_path / "x.py").write_text(text, encoding="utf-8")
    with pytest.raises(StaleError, match=rf"'m': its old text stands in p/x\.py {times} times, not once"):
        mutated(Mutant("m", 1, "p/x.py", "twice", "once"), tmp_path)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("a key on the first attempt alone", "at_most_one_start"),
        ("a lease that is given back keeps its slot", "9. a slot is held for each call"),
    ],
)
def test_a_fault_is_found_by_the_invariant_that_it_breaks(name: str, check: str) -> None:
    caught = hunt(next(each for each in mutants() if each.name == name))
    assert caught.check is not None
    assert caught.check.startswith(check)


def test_what_nothing_finds_is_a_problem() -> None:
    caught = hunt(HARMLESS)
    assert caught.check is None
    assert problems([(HARMLESS, caught)]) == ["harmless: nothing finds it (explored all, the last one: 3 calls, 2 slots)"]
