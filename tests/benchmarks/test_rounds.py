from pathlib import Path

import pytest

from benchmarks.json_server import ROOT, json_server
from benchmarks.rounds import Measure, Plan, Ratio, measured, ratio, workers
from benchmarks.subjects import subjects


def test_a_ratio_is_of_pairs_so_that_a_machine_that_slows_down_changes_nothing() -> None:
    assert ratio([1.0, 2.0, 4.0], [2.0, 4.0, 8.0]) == Ratio(0.5, 0.5, 0.5)


def test_a_ratio_has_its_quartiles() -> None:
    assert ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5) == Ratio(2.0, 3.0, 4.0)
    assert str(ratio([3.0], [2.0])) == "1.50 (1.50 to 1.50)"


def test_everybody_is_measured_in_each_round_and_the_order_turns() -> None:
    asked: list[tuple[str, int]] = []

    def asking(name: str) -> Measure:
        def measure(at_a_time: int) -> float:
            asked.append((name, at_a_time))
            return float(len(asked))

        return measure

    results = measured({"a": asking("a"), "b": asking("b")}, Plan(rounds=2, at_a_time=(1, 10)), lambda _: None)
    assert asked == [("a", 1), ("b", 1), ("a", 10), ("b", 10), ("b", 1), ("a", 1), ("b", 10), ("a", 10)]
    assert results == {("a", 1): [1.0, 6.0], ("b", 1): [2.0, 5.0], ("a", 10): [3.0, 8.0], ("b", 10): [4.0, 7.0]}


@pytest.mark.parametrize("number", range(len(subjects())), ids=[each.key for each in subjects()])
def test_everybody_gets_the_right_answer_in_a_process_of_its_own(number: int) -> None:
    with json_server() as url, workers({"it": number}, url, 0.01, ROOT) as running:
        assert running["it"](3) > 0.0


def test_a_worker_takes_the_sources_of_its_root() -> None:
    with pytest.raises(FileNotFoundError), workers({"it": 0}, "http://127.0.0.1:1", 0.01, Path("/no/such/root")):
        pass
