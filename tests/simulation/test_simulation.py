"""Some seeds in each mode and world, exact replay, and the command."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from platform_core.actions import Send
from platform_core.outcomes import Abandoned, Outcome, Restored
from tests.exploration.world import is_submission
from tests.simulation import command
from tests.simulation.simulate import Simulated, simulated
from tests.simulation.swarm import COMPONENTS, FAULTS, FINAL_FAULTS, MODES, Mode, profile_of
from tests.simulation.trace import told
from tests.simulation.worlds import WORLDS, is_the_same_in

SEEDS = 60


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_wrong_with_any_run(mode: Mode, world: str) -> None:
    for seed in range(SEEDS):
        run = simulated(seed, world, mode)
        assert not run.problems, told(run, world)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("mode", MODES)
def test_a_seed_is_the_same_run_each_time(mode: Mode, world: str) -> None:
    for seed in range(20):
        assert simulated(seed, world, mode).trace == simulated(seed, world, mode).trace, seed


@pytest.mark.parametrize("mode", MODES)
def test_a_seed_is_the_same_run_in_each_world_that_admits_it(mode: Mode) -> None:
    compared: Counter[str] = Counter()
    for seed in range(SEEDS):
        first = simulated(seed, "asyncio", mode)
        for world in ("trio", "sync"):
            if is_the_same_in(world, first.profile):
                compared[world] += 1
                assert simulated(seed, world, mode).trace == first.trace, (seed, world)
    assert min(compared.values()) >= SEEDS // 4


def test_two_seeds_are_two_runs() -> None:
    assert len({profile_of(seed, mode).calls[0].seed for seed in range(SEEDS) for mode in MODES}) == SEEDS * len(MODES)


def test_every_kind_of_fault_is_met_and_everything_else_that_a_seed_decides() -> None:
    runs = [simulated(seed, "sync", "safety") for seed in range(300)]
    assert {fault for run in runs for fault in run.faults} == {*FAULTS, *FINAL_FAULTS}
    told = Counter(type(seen.outcome) for run in runs for row in run.trace.seen for seen in row)
    assert set(told) == set(get_args(Outcome))
    assert told[Restored] >= 5
    assert sum(run.profile.row for run in runs) >= 10
    assert sum(run.profile.closes_at is not None for run in runs) >= 10


def test_executions_of_every_kind_are_gone_on_with_in_every_way() -> None:
    runs = [simulated(seed, "sync", "safety") for seed in range(300)]
    profiles = [run.profile for run in runs]
    assert {call.component for profile in profiles for call in profile.calls} == set(COMPONENTS)
    made = [(run.profile, call) for run in runs for call in run.profile.calls if call.of is not None and run.trace.seen[call.index]]
    kinds = Counter(call.kind for _, call in made)
    assert (kinds["resume"], kinds["cancel"], kinds["look"]) >= (100, 20, 20)
    assert sum(call.kind == "resume" and call.from_first for _, call in made) >= 20
    assert sum(profile.row_of_handles for profile, _ in made) >= 10
    assert sum(profile.crashes_at is not None and not profile.has_journal for profile, _ in made) >= 3
    # By a handle without an id, the submission is sent again.
    again = [run.trace.seen[call.index][:1] for run in runs for call in run.profile.calls if call.kind == "resume"]
    assert sum(isinstance(seen.action, Send) and is_submission(seen.action.request) for first in again for seen in first) >= 20


def test_a_run_is_told_as_a_diagram_with_the_command_that_runs_it_again() -> None:
    runs = (simulated(seed, "trio", "safety") for seed in range(SEEDS))
    run = next(run for run in runs if any(isinstance(seen.outcome, Abandoned) for row in run.trace.seen for seen in row))
    text = told(run, "trio")
    assert "|--- leaves ->|" in text
    assert f"make simulate SEED={run.profile.seed} WORLD=trio MODE=safety" in text


def test_the_command_writes_the_page_where_nothing_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "simulation.md"
    page.write_text("<!-- numbers: begin, written by `make simulate` -->\n<!-- numbers: end -->\n", encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", page)
    assert command.main(["--seeds", "3"]) == 0
    assert "| liveness | trio | 3 |" in page.read_text(encoding="utf-8")
    assert "0 violations" in capsys.readouterr().out


def test_the_command_replays_one_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--seed", "7", "--world", "sync", "--mode", "safety"]) == 0
    out = capsys.readouterr().out
    assert "seed 7, sync, safety" in out
    assert "nothing is wrong" in out


def test_the_command_fails_and_tells_of_a_violation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(seed: int, world: str, mode: Mode) -> Simulated:
        return simulated(seed, world, mode)._replace(problems=["1. something is wrong"])

    monkeypatch.setattr(command, "simulated", wrong)
    assert command.main(["--seed", "7", "--world", "sync", "--mode", "safety"]) == 1
    tally = command.part_run(command.Part("safety", "sync", 0, 4))
    assert [seed for seed, _ in tally.wrong] == [0, 1, 2, 3, 4]
    assert "1. something is wrong" in capsys.readouterr().out
