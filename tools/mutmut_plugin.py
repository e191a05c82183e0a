"""How pytest tries a mutant: a plugin for the process in which mutmut runs it (see `mutmut_run.py`).

mutmut names the tests that reach the mutated function one by one. pytest does not find all of them by their names (those with a backslash
in their id), and answers "usage error", which mutmut takes for a mutant that is over its time. So whole files are collected, and the tests
selected from them. The fast ones run first: most mutants do not reach the properties, nor the walks, which take seconds each.
"""

import pytest
from hypothesis import is_hypothesis_test

_WANTED = pytest.StashKey[frozenset[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Collect files in the place of tests."""
    config.stash[_WANTED] = frozenset(each for each in config.args if "::" in each)
    config.args = list(dict.fromkeys(each.partition("::")[0] for each in config.args))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select the tests that were named, and put them in order."""
    wanted = config.stash[_WANTED]
    items[:] = sorted((item for item in items if not wanted or item.nodeid in wanted), key=_slowness)


def _slowness(item: pytest.Item) -> int:
    return 2 if item.name.endswith("edges_are_as_declared") else int(is_hypothesis_test(getattr(item, "obj", None)))
