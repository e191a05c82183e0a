import json
from pathlib import Path

from benchmarks.aims import AIMS, found
from benchmarks.machine import PEERS
from benchmarks.report import aims_table, circumstances, figures_of, remember, table
from benchmarks.rounds import Plan
from benchmarks.subjects import subjects

PLAN = Plan(rounds=2)
EVERY = subjects()
RESULTS = {(each.key, count): [100.0, 110.0] for each in EVERY for count in PLAN.at_a_time}


def test_the_table_has_a_line_for_each_subject_and_as_many_cells_as_its_head() -> None:
    lines = table(EVERY, RESULTS, PLAN).splitlines()
    assert len(lines) == 2 + len(EVERY)
    assert {line.count("|") for line in lines} == {2 + len(PLAN.at_a_time) + 2}
    assert lines[2] == "| PlatformClient | asyncio | 105 | 105 | 105 | 1.00 (1.00 to 1.00) |"


def test_each_aim_speaks_of_those_who_are_measured() -> None:
    keys = {each.key for each in EVERY}
    assert {key for aim in AIMS for key, _ in (aim.of, aim.to)} <= keys
    assert {count for aim in AIMS for _, count in (aim.of, aim.to)} <= set(PLAN.at_a_time)


def test_an_aim_is_reached_where_the_median_is_within_its_bound() -> None:
    costs = RESULTS | {("PlatformClient on trio", 10): [10.0, 10.0]}
    reached = {each.aim.words: each.is_reached for each in found(costs)}
    assert reached["PlatformClient on trio, 10 at a time, beside httpx on trio, 10 at a time"]
    assert not reached["PlatformClient on threads, 10 at a time, beside httpx on threads, 10 at a time"]
    assert len(aims_table(found(costs)).splitlines()) == 2 + len(AIMS)


def test_an_aim_of_which_one_side_was_not_measured_is_left_out() -> None:
    assert found({("PlatformClient on trio", 10): [1.0]}) == []


def test_the_circumstances_name_the_machine_and_the_releases() -> None:
    text = circumstances(PLAN)
    assert "cores" in text
    assert all(f"{peer} " in text for peer in PEERS)


def test_the_history_grows_by_a_line_of_json(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    for _ in range(2):
        remember(history, "bench", figures_of(RESULTS, found(RESULTS)))
    lines = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 2
    assert lines[0]["figures"]["cpu_microseconds"]["aiohttp on asyncio"] == {"1": 105.0, "10": 105.0, "100": 105.0}
    assert set(lines[0]) == {"at", "command", "revision", "machine", "versions", "figures"}
