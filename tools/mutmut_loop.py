"""How a module's mutants are tried: a plugin of pytest that runs the tests once for each, in a fork of the process that has them in memory.

It does the work of mutmut's own loop, which calls pytest anew for each mutant and names its tests one by one: three times the work for
most of them, and pytest does not find those with a backslash in their name, which mutmut took for mutants over their time.

mutmut has put all mutants of the module into its file (`mutated`), each as a function beside the original, and a trampoline in its place
that calls the one that is named in the environment. A mutant is tried on the tests that reach its function, until one fails: the fast
ones first, since most mutants do not get as far as the properties, or the walks, which take seconds each. What a function made while
modules were imported was made by the original here: such mutants, if they live, are tried once more in a process of their own.
"""

import importlib
import json
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import is_hypothesis_test

TASK = "MUTMUT_TASK"
"""The environment's name for the file with what is to be tried, where the verdicts are put in its place."""
ACTIVE = "MUTANT_UNDER_TEST"
"""The environment's name, in mutmut, for the mutant that is called; `stats` has the trampolines note their calls."""
KILLED, OVER_TIME, ALIVE = "killed", "over time", "alive"
TIMES_MAX = 10
SECONDS_MORE = 1
"""A mutant may take so many times what its tests take, and so many seconds more, of processor time; ten times that by the clock."""

START_SECONDS = 10
"""For pytest to start and import everything, on a busy machine ten times as much."""


class Reached(NamedTuple):
    """Which functions a test reaches, by their names in mutmut, and how many seconds it takes."""

    functions: frozenset[str]
    seconds: float


def mutated(path: Path) -> tuple[list[str], dict[str, str]]:
    """Put all mutants of the module into its file; their names, and a hash of each function that has some. Run where mutmut is set up."""
    mutation: Any = importlib.import_module("mutmut.mutation.file_mutation")
    found = mutation.mutate_file_contents(str(path), path.read_text(encoding="utf-8"))
    path.write_text(found.code, encoding="utf-8")
    module = ".".join(path.with_suffix("").parts)
    return [f"{module}.{name}" for name in found.mutant_names], {
        f"{module}.{name}": text for name, text in found.hash_by_function_name.items()
    }


def function_of(mutant: str) -> str:
    """The function of a mutant, as mutmut names it."""
    return mutant.rpartition("__mutmut_")[0]


def pytest_load_initial_conftests() -> None:
    """Have noted what is called while modules are imported."""
    os.environ[ACTIVE] = "stats"


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Try the mutants on the tests that were collected. Raises `pytest.UsageError` where the tests fail without one."""
    task = Path(os.environ[TASK])
    items = sorted(session.items, key=_slowness)
    files = sorted({str(item.path) for item in items})
    imported = frozenset(_noted())
    reached = _in_fork(lambda: _reached(items))
    if reached is None:
        message = "the tests fail without a mutant, in the flat copy or by the trampolines"
        raise pytest.UsageError(message)
    verdicts: dict[str, str] = {}
    for mutant in json.loads(task.read_text(encoding="utf-8")):
        tests = [item for item, each in zip(items, reached, strict=True) if function_of(mutant) in each.functions]
        seconds = sum(each.seconds for each in reached if function_of(mutant) in each.functions)
        verdicts[mutant] = _tried(mutant, tests, seconds) if tests else ALIVE
        if verdicts[mutant] == ALIVE and function_of(mutant) in imported:
            verdicts[mutant] = _tried_alone(mutant, files, sum(each.seconds for each in reached))
    task.write_text(json.dumps(verdicts), encoding="utf-8")
    return True


def _slowness(item: pytest.Item) -> int:
    return 2 if item.name.endswith("edges_are_as_declared") else int(is_hypothesis_test(getattr(item, "obj", None)))


def _reached(items: Sequence[pytest.Item]) -> list[Reached] | None:
    """What each test reaches; None where one fails."""
    found: list[Reached] = []
    for item, following in zip_longest(items, items[1:]):
        _noted().clear()
        begun = time.process_time()
        if not _passes(item, following):
            return None
        found.append(Reached(frozenset(_noted()), time.process_time() - begun))
    return found


def _noted() -> set[str]:
    """The functions that were called."""
    state: Any = importlib.import_module("mutmut.state").state()
    noted: set[str] = state._stats  # noqa: SLF001 -- mutmut has no other name for it
    return noted


def _tried(mutant: str, tests: Sequence[pytest.Item], seconds: float) -> str:
    """The verdict on a mutant."""
    seconds_max = math.ceil(seconds * TIMES_MAX) + SECONDS_MORE

    def run() -> bool:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds_max, seconds_max + 1))
        signal.alarm(10 * seconds_max)
        os.environ[ACTIVE] = mutant
        return all(_passes(item, following) for item, following in zip_longest(tests, tests[1:]))

    pid = os.fork()
    if pid == 0:
        _end(run)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return OVER_TIME if os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL, signal.SIGALRM} else KILLED
    return KILLED if os.WEXITSTATUS(status) else ALIVE


def _tried_alone(mutant: str, files: Sequence[str], seconds: float) -> str:
    """The verdict on a mutant that is there before anything is imported."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=ci", *files]
    seconds_max = 10 * (seconds * TIMES_MAX + START_SECONDS)
    environment = {**os.environ, ACTIVE: mutant}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=seconds_max)
    except subprocess.TimeoutExpired:
        return OVER_TIME
    return KILLED if done.returncode else ALIVE


def _end(run: Callable[[], bool]) -> NoReturn:
    """Run, in a child, and end it there, whatever comes: no one is to clean up what the parent still uses."""
    code = 1
    try:
        code = 0 if run() else 1
    finally:
        os._exit(code)


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _in_fork(call: Callable[[], list[Reached] | None]) -> list[Reached] | None:
    """The answer of a call in a child: so no cache in this process holds what the original answered."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:

        def answered() -> bool:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(call(), pipe)
            return True

        _end(answered)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    found: list[Reached] | None = pickle.loads(data) if data else None  # noqa: S301 -- of our own child
    return found
