"""Deliberate faults in the drivers, the token store and the clients, each of which the simulation must find within its seeds.

They are data, in `mutants/`, put into a copy as those of the exploration are. `make simulated-mutants` hunts all of them, and names as
arguments those; `--core` those of the exploration too, of which it tells how many random runs find.
"""

import json
import sys

from tests.exploration import hunt as exploration

from .simulate import simulated
from .swarm import MODES
from .worlds import WORLDS

PACKAGES = {
    **exploration.PACKAGES,
    "flow_sdk": exploration.ROOT / "flow_sdk",
    "tests/simulation": exploration.ROOT / "tests" / "simulation",
    "tests/support": exploration.ROOT / "tests" / "support",
}
MUTANTS = exploration.ROOT / "tests" / "simulation" / "mutants"
SEEDS_MAX = 1000
"""In each mode and world."""


def mutants() -> list[exploration.Mutant]:
    """All of them."""
    return exploration.mutants(MUTANTS)


def hunt(mutant: exploration.Mutant) -> exploration.Caught:
    """Simulate a copy of everything that has this fault, in a process of its own. Raises `StaleError`."""
    return exploration.hunt(mutant, PACKAGES, "tests.simulation.hunt")


def hunted_here() -> tuple[str | None, str]:
    """In the copy: what is wrong, and in which run: the first one, where the modes and worlds take turns."""
    for seed in range(SEEDS_MAX):
        for mode in MODES:
            for world in WORLDS:
                run = simulated(seed, world, mode)
                if run.problems:
                    return run.problems[0][:60], f"{seed}, {mode}, {world}"
    return None, f"{SEEDS_MAX} seeds, and nothing is wrong"


def main() -> int:
    """Hunt, print the table, and fail where one got away."""
    core = exploration.mutants() if "--core" in sys.argv else []
    sys.argv = [each for each in sys.argv if each != "--core"]
    return exploration.hunted([*mutants(), *(each for each in core if "pool" not in each.file)], hunt)


if __name__ == "__main__":
    if exploration.in_copy() is None:
        sys.exit(main())
    print(json.dumps(hunted_here()))
