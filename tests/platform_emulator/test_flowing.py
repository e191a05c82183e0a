from collections.abc import AsyncIterator, Iterator
from hashlib import sha256

import httpx
import pytest

from platform_core.messages import External, Response
from platform_emulator import Emulator
from platform_emulator.components import ORG_ID
from platform_emulator.faults import Truncated
from platform_emulator.flowing import Flowing, Pieces, cut_off
from platform_emulator.made_up import INLINE_BYTES_MAX, pieces
from platform_emulator.ranges import Part
from tests.platform_emulator.support import attempts
from tests.support.patience import HANG_SECONDS

OBJECTS = f"/api/v1/orgs/{ORG_ID}/storage/objects"
SIZE = 4 * INLINE_BYTES_MAX
LARGE = f"{OBJECTS}/generated-{SIZE}"
WHOLE = b"".join(pieces(Part(0, SIZE)))


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(platform: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=platform.url, headers={"Authorization": f"Bearer {platform.token}"}, timeout=HANG_SECONDS, trust_env=False
    ) as made:
        yield made


def received(client: httpx.Client, headers: dict[str, str] | None = None) -> tuple[httpx.Response, bytes, bool]:
    """The head, what came of the body, and whether that was its end."""
    content = b""
    with client.stream("GET", LARGE, headers=headers or {}) as response:
        try:
            for piece in response.iter_raw():
                content += piece
        except httpx.RemoteProtocolError:
            return response, content, False
    return response, content, True


def test_a_large_object_comes_whole_and_with_its_length(client: httpx.Client) -> None:
    response, content, ended = received(client, {"X-Request-ID": "r-1"})
    assert (response.status_code, response.headers["Content-Length"], response.headers["X-Request-ID"]) == (200, str(SIZE), "r-1")
    assert (content == WHOLE, ended) == (True, True)
    assert client.get(f"{OBJECTS}/generated-5").content == WHOLE[:5], "the connection is usable afterwards"


def test_a_large_part_comes_as_it_was_asked_for(client: httpx.Client) -> None:
    response, content, _ = received(client, {"Range": "bytes=12345-", "If-Range": f'"generated-{SIZE}"'})
    assert (response.status_code, response.headers["Content-Range"]) == (206, f"bytes 12345-{SIZE - 1}/{SIZE}")
    assert content == WHOLE[12345:]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("sent_bytes", [None, 0, 1, 1_000_000])
def test_a_download_is_cut_in_the_middle(client: httpx.Client, platform: Emulator, framing: str, sent_bytes: int | None) -> None:
    platform.inject({"kind": "truncated", "framing": framing, **({} if sent_bytes is None else {"sent_bytes": sent_bytes})})
    response, content, ended = received(client)
    assert ended is False
    assert content == WHOLE[: SIZE // 2 if sent_bytes is None else sent_bytes]
    assert ("Content-Length" in response.headers) is (framing == "length")


def test_a_download_trickles(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "trickle", "interval_seconds": 0.0001})
    with client.stream("GET", LARGE) as response:
        piece = next(response.iter_raw())
    assert WHOLE.startswith(piece)
    assert len(piece) < 1000


def test_what_is_no_json_is_not_broken_as_such(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "malformed_json"})
    assert received(client)[1] == WHOLE


def test_a_client_that_leaves_ends_its_download(client: httpx.Client, platform: Emulator) -> None:
    with client.stream("GET", f"{OBJECTS}/generated-{2**40}") as response:
        next(response.iter_raw())
    server = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
    for _ in attempts():
        if not server.tasks:
            break


def test_an_upload_of_any_size_is_counted_and_hashed(client: httpx.Client, platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.application.BODY_BYTES_MAX", 1000)
    response = client.put(f"{OBJECTS}/discarded", content=pieces(Part(0, SIZE)), headers={"Content-Type": "text/plain"})
    assert response.status_code == 200
    assert response.json() == {
        "name": "discarded",
        "content_type": "text/plain",
        "size_bytes": SIZE,
        "sha256": sha256(WHOLE).hexdigest(),
    }
    body = platform.requests[-1].body
    assert isinstance(body, External)
    assert body.length == SIZE
    assert client.put(f"{OBJECTS}/other", content=WHOLE).status_code == 413


async def counted(number: int) -> Pieces:
    for each in range(number):
        yield b"%d" % each


async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([each async for each in pieces])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_where_nobody_knows_the_length_the_last_piece_is_cut_off(anyio_backend: str) -> None:
    cut = cut_off(Truncated(), Flowing(Response(200), counted(4)))
    assert (await all_of(cut.pieces), cut.cut) == (b"012", True)
    assert await all_of(cut_off(Truncated(), Flowing(Response(200), counted(0))).pieces) == b""
