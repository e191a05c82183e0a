"""Where the page's snippets run: each world, natively and over each HTTP library, against an emulator over real HTTP."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import pytest

from flow_sdk import PlatformClient
from platform_emulator import Emulator
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.support.worlds import WORLDS, Scenario, World

T = TypeVar("T")


class Place(NamedTuple):
    """A world, an HTTP library or none, and a platform."""

    world: World
    library: str | None
    platform: Emulator

    def run(self, scenario: Scenario[T], **arguments: Any) -> T:
        """Run the scenario with a client of this place, which reads the environment that a runtime would give it."""
        environment = {"PLATFORM_API_URL": self.platform.url, "AUTH_TOKEN": self.platform.token}
        made = {"base_url": None, "auth_token": None, "env": environment, **arguments}
        if self.library is None:
            return self.world.run(scenario, **made)
        if not self.world.is_async:
            transport = HttpxSyncTransport(library=self.library)
            try:
                return self.world.run(scenario, transport=transport, **made)
            finally:
                transport.close()
        over = HttpxTransport(library=self.library)

        async def closing(client: PlatformClient) -> T:
            try:
                return await scenario(client)
            finally:
                await over.aclose()

        return self.world.run(closing, transport=over, **made)


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    """One for all snippets: they do not mind each other."""
    with Emulator() as running:
        yield running


@pytest.fixture(
    params=[(world, library) for world in WORLDS for library in (None, "httpx", "httpx2")],
    ids=lambda each: f"{each[0]}-{each[1] or 'native'}",
)
def place(request: pytest.FixtureRequest, platform: Emulator) -> Place:
    """Each of the nine in turn."""
    world, library = request.param
    return Place(world, library, platform)
