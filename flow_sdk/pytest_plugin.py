"""Fixtures for the tests of one's own code: `platform_fake` and `platform_emulator`.

pytest loads this module by its entry point in every run, used or not, so that it imports nothing before a fixture is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from platform_emulator import Emulator

    from .testing import PlatformFake

_SEED = UUID(int=0)
"""Ids of executions are the same from run to run."""


@pytest.fixture
def platform_components() -> "Iterable[Callable[..., Any]]":
    """The components of your platform: override it to return functions that `platform_emulator.code_block`, `agent` or `workflow` decorate.

    Without it there are those that come with the emulator: `echo`, `sleep`, `fail`, …
    """
    return ()


@pytest.fixture
def platform_fake(platform_components: "Iterable[Callable[..., Any]]") -> "PlatformFake":
    """A platform without a network, in virtual time: `PlatformClient("https://platform.test", "a-token", transport=platform_fake)`.

    Works in asyncio, trio and blocking tests. `platform_fake.then(…)` says what the next requests meet, `.executions` what was run.
    """
    from platform_emulator.model import refusal
    from platform_emulator.working import Working

    from .testing import PlatformFake

    return PlatformFake(Working.new(_SEED, functions=platform_components), refusal)


@pytest.fixture
def platform_emulator(platform_components: "Iterable[Callable[..., Any]]") -> "Iterator[Emulator]":
    """A platform on this machine, over real HTTP: `PlatformClient(platform_emulator.url, platform_emulator.token)`.

    Needs the extra `emulator`. `platform_emulator.inject({"kind": "drop_after"})` lets something go wrong.
    """
    from platform_emulator import Emulator

    with Emulator(components=tuple(platform_components)) as platform:
        yield platform
