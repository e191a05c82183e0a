"""Which transport a client sends with, since when, in which event loop, and who closes it."""

import socket
import subprocess
import sys
from typing import Any

import anyio
import pytest

from flow_sdk import PlatformClient, PlatformClientError, PlatformConnectionError, RetryPolicy, SyncPlatformClient
from platform_transports.fake import FakeSyncTransport, FakeTransport
from tests.support.platform import modelled
from tests.support.worlds import World

OTHER_LOOP = "this client belongs to another event loop"


class Counting:
    """A fake platform that tells which transports were made of it, and which of them were closed."""

    def __init__(self) -> None:
        self.platform = modelled()
        self.made: list[Any] = []

    def asynchronous(self) -> FakeTransport:
        self.made.append(self.platform.asynchronous())
        found: FakeTransport = self.made[-1]
        return found

    def synchronous(self) -> FakeSyncTransport:
        self.made.append(self.platform.synchronous())
        found: FakeSyncTransport = self.made[-1]
        return found

    @property
    def closed(self) -> list[bool]:
        return [transport._closed for transport in self.made]


async def orgs(client: PlatformClient) -> None:
    await client.request("GET", "/api/v1/tenants/orgs")


class TestChosen:
    def test_a_transport_of_two_worlds_is_asked_once_at_the_first_call_and_closed(self, world: World) -> None:
        counting = Counting()
        client = world.client(transport=counting)
        assert counting.made == []

        async def scenario(opened: PlatformClient) -> None:
            await orgs(opened)
            await orgs(opened)
            assert counting.closed == [False]

        world.run(scenario, client=client)
        assert counting.closed == [True]
        assert isinstance(counting.made[0], FakeTransport if world.is_async else FakeSyncTransport)

    def test_one_that_was_handed_in_is_used_with_its_clock_and_not_closed(self, world: World) -> None:
        platform = modelled()
        transport: Any = platform.asynchronous() if world.is_async else platform.synchronous()

        async def scenario(client: PlatformClient) -> None:
            record = await client.execute_code_block("c0de0000-0000-4000-8000-000000000002", {"seconds": 3000})
            assert record["status"] == "completed"

        world.run(scenario, transport=transport)
        assert platform.now > 3000
        assert not transport._closed

    def test_entering_chooses_and_a_client_that_was_never_used_has_none(self, world: World) -> None:
        counting = Counting()

        async def nothing(_: PlatformClient) -> None: ...

        world.run(nothing, transport=counting)
        assert counting.closed == [True]

        unused = world.client(transport=counting)
        if world.is_async:
            anyio.run(unused.close, backend=world.name)
        else:
            unused.close()
        assert len(counting.made) == 1

    def test_without_one_the_native_transport_of_the_world_is_taken(self, world: World) -> None:
        async def nothing(_: PlatformClient) -> None: ...

        client = world.client()
        world.run(nothing, client=client)
        chosen = client._binding._bound.transport if world.is_async else client._binding._chosen
        assert chosen.name == f"native-{world.name if world.is_async else 'sync'}"
        assert chosen._closed

    def test_where_the_environment_sets_a_proxy_the_error_says_what_uses_one(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://user:password@proxy.test")
        monkeypatch.setenv("NO_PROXY", "elsewhere.test")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        async def refused(client: PlatformClient) -> str:
            with pytest.raises(PlatformConnectionError) as caught:
                await client.request("GET", "/api/v1/tenants/orgs")
            return str(caught.value)

        url = f"http://127.0.0.1:{port}"
        said = world.run(refused, base_url=url, retry=RetryPolicy(attempts_max=1))
        assert "no connection could be made: ECONNREFUSED; HTTP_PROXY is set, but" in said
        assert "HttpxTransport(proxy=…)" in said
        assert "password" not in said

    def test_a_base_install_sends_and_needs_no_library_of_another_world(self) -> None:
        blocked = "import sys; sys.modules.update(dict.fromkeys(('httpx', 'httpx2', 'httpcore', 'trio')))"
        use = """
import asyncio
from flow_sdk import PlatformClient, SyncPlatformClient
from platform_emulator import Emulator
with Emulator() as emulator:
    with SyncPlatformClient(emulator.url, emulator.new_token(), env={}) as client:
        print(len(client.request("GET", "/api/v1/tenants/orgs")))
    async def main():
        async with PlatformClient(emulator.url, emulator.new_token(), env={}) as client:
            print(len(await client.request("GET", "/api/v1/tenants/orgs")))
    asyncio.run(main())
"""
        found = subprocess.run([sys.executable, "-c", f"{blocked}\n{use}"], capture_output=True, text=True, check=False)
        assert (found.stderr, found.stdout) == ("", "1\n1\n")


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


class TestEventLoop:
    @pytest.mark.parametrize("other", ["asyncio", "trio"])
    def test_a_second_loop_is_refused_before_anything_is_sent(self, backend: str, other: str) -> None:
        platform = modelled()
        client = PlatformClient("https://platform.test", "a", env={}, transport=platform)
        anyio.run(orgs, client, backend=backend)
        for use in (lambda: orgs(client), client.__aenter__, client.close, client.aclose):
            with pytest.raises(PlatformClientError, match=OTHER_LOOP):
                anyio.run(use, backend=other)
        assert len(platform.requests) == 1

    def test_a_second_run_is_refused_over_the_native_transport_too(self, backend: str) -> None:
        use = f"""
import anyio
from flow_sdk import PlatformClient, PlatformClientError
from platform_emulator import Emulator
with Emulator() as emulator:
    client = PlatformClient(emulator.url, emulator.new_token(), env={{}})
    async def orgs():
        return await client.request("GET", "/api/v1/tenants/orgs")
    print(len(anyio.run(orgs, backend={backend!r})))
    try:
        anyio.run(orgs, backend={backend!r})
    except PlatformClientError as error:
        print(error)
"""
        found = subprocess.run([sys.executable, "-c", use], capture_output=True, text=True, check=False)
        assert (found.stderr, found.stdout.splitlines()[0]) == ("", "1")
        assert OTHER_LOOP in found.stdout

    def test_a_loop_is_not_bound_by_making_a_client_inside_it(self, backend: str) -> None:
        platform = modelled()

        async def make() -> PlatformClient:
            return PlatformClient("https://platform.test", "a", env={}, transport=platform)

        anyio.run(orgs, anyio.run(make, backend=backend), backend=backend)

    def test_a_client_that_was_closed_in_its_loop_may_be_closed_again_in_another(self, backend: str) -> None:
        client = PlatformClient("https://platform.test", "a", env={}, transport=modelled())

        async def use_and_close() -> None:
            await orgs(client)
            await client.close()

        anyio.run(use_and_close, backend=backend)
        anyio.run(client.close, backend=backend)

    def test_a_blocking_client_has_no_loop(self) -> None:
        client = SyncPlatformClient("https://platform.test", "a", env={}, transport=modelled())

        async def use() -> Any:
            return client.request("GET", "/api/v1/tenants/orgs")

        assert anyio.run(use) == anyio.run(use)
