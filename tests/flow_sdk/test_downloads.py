"""Downloads of either client, in all worlds, from a platform that cuts, changes and refuses."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from flow_sdk import PlatformClient, RetryPolicy, SyncPlatformClient
from flow_sdk.call_names import call_name
from flow_sdk.platform_client import (
    PlatformClientError,
    PlatformConnectionError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from flow_sdk.progress import on_progress
from platform_core.downloads import Downloaded
from platform_core.machine import Decision
from platform_core.messages import Headers, Response
from platform_emulator import Emulator
from platform_emulator.components import ORG_ID
from platform_emulator.made_up import pieces
from platform_emulator.ranges import Part
from platform_emulator.state import Behaviour
from platform_transports.fake import FakePlatform, Trickle
from tests.platform_emulator.support import attempts
from tests.support.flowing import all_of, got, left, next_of
from tests.support.worlds import World

OBJECTS = f"/api/v1/orgs/{ORG_ID}/storage/objects"
SIZE = 3_000_000
PATH = f"{OBJECTS}/generated-{SIZE}"
CONTENT = b"".join(pieces(Part(0, SIZE)))
TAG = f'"generated-{SIZE}"'
AT_ONCE = RetryPolicy(pause_first_seconds=0.001)


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def platform(shared: Emulator) -> Emulator:
    assert shared._service._plan.faults == (), "a test has left a fault behind"  # pyright: ignore[reportPrivateUsage]
    return shared


def client_of(world: World, platform: Emulator, **arguments: Any) -> Any:
    return world.client(base_url=platform.url, auth_token=platform.token, retry=AT_ONCE, **arguments)


def asked(platform: Emulator, since: int) -> list[str | None]:
    return [each.headers.get("Range") for each in platform.requests[since:]]


def test_a_file_has_its_name_and_nothing_lies_beside_it(world: World, platform: Emulator, tmp_path: Path) -> None:
    async def scenario(client: PlatformClient) -> Any:
        return await got(client.download(PATH, tmp_path / "a"))

    assert world.run(scenario, client=client_of(world, platform)) == Downloaded(SIZE, "application/octet-stream", TAG)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_file_goes_on_where_it_was_cut(world: World, platform: Emulator, tmp_path: Path, framing: str) -> None:
    platform.inject({"kind": "truncated", "framing": framing, "sent_bytes": 500_000, "times": 3})
    since = len(platform.requests)

    async def scenario(client: PlatformClient) -> Any:
        return await got(client.download(PATH, str(tmp_path / "a")))

    assert world.run(scenario, client=client_of(world, platform)).size_bytes == SIZE
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert asked(platform, since) == [None, "bytes=500000-", "bytes=1000000-", "bytes=1500000-"]


def test_pieces_go_on_where_they_were_cut(world: World, platform: Emulator) -> None:
    platform.inject({"kind": "truncated", "sent_bytes": 500_000, "times": 2})

    async def scenario(client: PlatformClient) -> list[bytes]:
        return await all_of(client.download(PATH))

    found = world.run(scenario, client=client_of(world, platform))
    assert b"".join(found) == CONTENT
    assert all(found), "none of them is empty"


def test_a_file_begins_anew_where_no_range_is_served(world: World, tmp_path: Path) -> None:
    with Emulator(behaviour=Behaviour(serves_ranges=False)) as platform:
        platform.inject({"kind": "truncated", "sent_bytes": 1_500_000})

        async def scenario(client: PlatformClient) -> tuple[Downloaded, list[bytes]]:
            downloaded = await got(client.download(PATH, tmp_path / "a"))
            platform.inject({"kind": "truncated", "sent_bytes": 1_500_000})
            return downloaded, await all_of(client.download(PATH))

        downloaded, found = world.run(scenario, client=client_of(world, platform))
    assert (downloaded.size_bytes, (tmp_path / "a").read_bytes(), b"".join(found)) == (SIZE, CONTENT, CONTENT)


def changing(world: World, platform: Emulator, to: Path | None) -> Any:
    """A download of an object that is another one after the first cut."""
    path = f"{OBJECTS}/changing-{world}-{to is None}"

    def change(decision: Decision) -> None:
        if decision.outcome.__class__.__name__ == "Woke":
            with SyncPlatformClient(platform.url, platform.token, env={}) as other:
                other.request("PUT", path, content=b"2" * 100)

    async def scenario(client: PlatformClient) -> Any:
        await client.request("PUT", path, content=b"1" * 100)
        platform.inject({"kind": "truncated", "sent_bytes": 50, "method": "GET"})
        return await (all_of(client.download(path)) if to is None else got(client.download(path, to)))

    return world.run(scenario, client=client_of(world, platform, observers=[change]))


def test_a_file_that_changes_meanwhile_is_the_new_one(world: World, platform: Emulator, tmp_path: Path) -> None:
    assert changing(world, platform, tmp_path / "a").size_bytes == 100
    assert (tmp_path / "a").read_bytes() == b"2" * 100


def test_pieces_of_two_contents_are_never_joined(world: World, platform: Emulator) -> None:
    with pytest.raises(PlatformResponseError, match="another one than before, and some of that was handed on"):
        changing(world, platform, None)


def test_what_fails_leaves_nothing_behind(world: World, platform: Emulator, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"the old one")

    async def missing(client: PlatformClient) -> None:
        await got(client.download(f"{OBJECTS}/missing", tmp_path / "a"))

    with pytest.raises(PlatformNotFoundError):
        world.run(missing, client=client_of(world, platform))

    async def cut(client: PlatformClient) -> None:
        await got(client.download(PATH, tmp_path / "a"))

    platform.inject({"kind": "truncated", "sent_bytes": 0, "times": 4})
    with pytest.raises(PlatformConnectionError):
        world.run(cut, client=client_of(world, platform))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a", b"the old one")]


def test_a_piecewise_download_that_fails_raises_after_its_pieces(world: World, platform: Emulator) -> None:
    async def scenario(client: PlatformClient) -> tuple[list[bytes], list[bytes]]:
        stream = client.download(f"{OBJECTS}/missing")
        with pytest.raises(PlatformNotFoundError):
            await next_of(stream)
        return await all_of(stream), []

    assert world.run(scenario, client=client_of(world, platform)) == ([], [])


@pytest.mark.parametrize(
    ("to", "error", "text"),
    [(5, TypeError, "to must be a path, not int"), ("", ValueError, "to must name a file"), ("/", ValueError, "name")],
)
def test_what_names_no_file_is_refused_before_anything_is_sent(world: World, to: Any, error: type[Exception], text: str) -> None:
    fake = FakePlatform()

    async def scenario(client: PlatformClient) -> None:
        await got(client.download(PATH, to))

    with pytest.raises(error, match=text):
        world.run(scenario, transport=fake)
    assert fake.requests == []


def test_a_folder_that_is_missing_is_refused_before_anything_is_sent(world: World, tmp_path: Path) -> None:
    fake = FakePlatform()

    async def scenario(client: PlatformClient) -> None:
        await got(client.download(PATH, tmp_path / "missing" / "a"))

    with pytest.raises(FileNotFoundError):
        world.run(scenario, transport=fake)
    assert fake.requests == []


def test_a_disk_that_is_full_ends_the_download_as_it_is(
    world: World, platform: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flow_sdk.downloads.PartFile.write", full)

    async def scenario(client: PlatformClient) -> None:
        await got(client.download(PATH, tmp_path / "a"))

    with pytest.raises(OSError, match="No space left") as caught:
        world.run(scenario, client=client_of(world, platform))
    assert not isinstance(caught.value, PlatformClientError)
    assert list(tmp_path.iterdir()) == []


HELLO = Response(200, Headers((("Content-Length", "5"), ("ETag", TAG))))


def test_our_deadline_ends_a_download_however_steadily_it_comes(world: World, tmp_path: Path) -> None:
    fake = FakePlatform([Trickle(HELLO, (b"h", b"e", b"l", b"l", b"o"), every_seconds=4.0)])

    async def scenario(client: PlatformClient) -> None:
        await got(client.download(PATH, tmp_path / "a", timeout_seconds=10))

    with pytest.raises(PlatformTimeoutError):
        world.run(scenario, transport=fake)
    assert (fake.now, len(fake.requests), list(tmp_path.iterdir())) == (10.0, 1, [])


def test_a_network_that_stands_still_is_left_after_a_minute_and_asked_again(world: World) -> None:
    fake = FakePlatform([Trickle(HELLO, (b"hello",), every_seconds=3000.0), Trickle(HELLO, (b"hello",))])

    async def scenario(client: PlatformClient) -> list[bytes]:
        return await all_of(client.download(PATH))

    assert world.run(scenario, transport=fake) == [b"hello"]
    assert (60.0 <= fake.now < 61.0, len(fake.requests)) == (True, 2)


def test_who_leaves_early_ends_the_download(world: World, platform: Emulator) -> None:
    async def scenario(client: PlatformClient) -> list[bytes]:
        stream = client.download(f"{OBJECTS}/generated-{2**40}")
        assert CONTENT.startswith((await next_of(stream))[:1000])
        await left(stream)
        await left(stream)
        return await all_of(stream)

    assert world.run(scenario, client=client_of(world, platform)) == []
    assert_idle(platform)


def assert_idle(platform: Emulator) -> None:
    """The server has seen that each download has ended."""
    server = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
    for _ in attempts():
        if not server.tasks:
            break


def test_who_never_begins_sends_nothing(world: World) -> None:
    fake = FakePlatform()

    async def scenario(client: PlatformClient) -> list[bytes]:
        stream = client.download(PATH)
        await left(stream)
        return await all_of(stream)

    assert world.run(scenario, transport=fake) == []
    assert fake.requests == []


async def test_the_end_of_a_with_ends_the_download(platform: Emulator) -> None:
    async with PlatformClient(platform.url, platform.token, env={}) as client, client.download(f"{OBJECTS}/generated-{2**40}") as chunks:
        async for _ in chunks:
            break
    assert_idle(platform)


def test_the_end_of_a_with_ends_the_download_in_a_thread(platform: Emulator) -> None:
    with SyncPlatformClient(platform.url, platform.token, env={}) as client, client.download(f"{OBJECTS}/generated-{2**40}") as chunks:
        for _ in chunks:
            break
    assert_idle(platform)


async def test_a_loop_that_is_broken_ends_the_download(platform: Emulator) -> None:
    async with PlatformClient(platform.url, platform.token, env={}) as client:
        async for _ in client.download(f"{OBJECTS}/generated-{2**40}"):
            break
        gc.collect()
        await anyio.to_thread.run_sync(assert_idle, platform)


def has_begun(folder: Path) -> bool:
    return any(each.stat().st_size for each in folder.iterdir())


async def test_a_cancelled_download_leaves_nothing_behind(platform: Emulator, tmp_path: Path) -> None:
    async with PlatformClient(platform.url, platform.token, env={}) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.download, f"{OBJECTS}/generated-{2**40}", tmp_path / "a")
        while not has_begun(tmp_path):  # noqa: ASYNC110 -- a file has no event
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 -- pathlib's is one more rule about blocking
    assert_idle(platform)


async def test_a_cancelled_loop_ends_the_download(platform: Emulator) -> None:
    async with PlatformClient(platform.url, platform.token, env={}) as client:
        with anyio.CancelScope() as scope:
            async for _ in client.download(f"{OBJECTS}/generated-{2**40}"):
                scope.cancel()
        assert scope.cancelled_caught
        await anyio.to_thread.run_sync(assert_idle, platform)


def test_a_client_that_closes_ends_the_download_with_its_error(world: World, platform: Emulator) -> None:
    async def scenario(client: PlatformClient) -> None:
        stream = client.download(f"{OBJECTS}/generated-{2**40}")
        await next_of(stream)
        await client.close()
        await all_of(stream)

    with pytest.raises(PlatformClientError, match=r"the client (is|was) closed"):
        world.run(scenario, client=client_of(world, platform))


def test_a_download_is_one_call_for_observers(world: World, platform: Emulator) -> None:
    platform.inject({"kind": "truncated", "sent_bytes": 100})
    decisions: list[Decision] = []
    told: list[object] = []

    async def scenario(client: PlatformClient) -> None:
        await all_of(client.download(PATH))

    world.run(scenario, client=client_of(world, platform, observers=[decisions.append, on_progress(told.append)]))
    assert {call_name(each.before) for each in decisions} == {"download"}
    assert told == []
