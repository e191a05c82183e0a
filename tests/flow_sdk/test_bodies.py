"""What `content` of a request may be, in each world: how it is sent, how often, and what is refused before anything is sent."""

import io
import json
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from flow_sdk import Body, PlatformClient, RawResponse, RetryPolicy
from flow_sdk.bodies import PIECE_BYTES
from flow_sdk.platform_client import PlatformClientError
from platform_emulator import Emulator
from platform_emulator.components import ORG_ID
from platform_transports.fake import FakePlatform
from tests.support.worlds import WORLDS, World

PATH = f"/api/v1/orgs/{ORG_ID}/storage/objects/discarded"
CONTENT = os.urandom(PIECE_BYTES * 2 + 100)
LENGTH = str(len(CONTENT))
ASYNC_WORLDS = [each for each in WORLDS if each.is_async]
ONCE = "its body cannot be sent twice"


def parts() -> Iterator[bytes]:
    for at in range(0, len(CONTENT), 100_000):
        yield CONTENT[at : at + 100_000]


async def async_parts() -> AsyncIterator[bytes]:
    for part in parts():
        yield part


class Again:
    """What can be iterated over again."""

    def __iter__(self) -> Iterator[bytes]:
        return parts()


class AsyncAgain:
    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_parts()


class Pipe(io.RawIOBase):
    """A file that cannot be rewound."""

    def __init__(self) -> None:
        self._rest = io.BytesIO(CONTENT)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._rest.read(size)


def in_file(folder: Path) -> Path:
    path = folder / "body"
    path.write_bytes(CONTENT)
    return path


def at_an_offset() -> io.BytesIO:
    file = io.BytesIO(b"not sent" + CONTENT)
    file.seek(8)
    return file


REPLAYABLE: dict[str, tuple[Callable[[Path], Any], str | None]] = {
    "a path": (in_file, LENGTH),
    "a file": (lambda folder: in_file(folder).open("rb"), LENGTH),
    "a file from where it stands": (lambda _: at_an_offset(), LENGTH),
    "a file without a buffer": (lambda folder: in_file(folder).open("rb", buffering=0), LENGTH),
    "a list": (lambda _: list(parts()), None),
    "an iterable": (lambda _: Again(), None),
    "an iterable of known length": (lambda _: Body(Again(), len(CONTENT)), LENGTH),
}
ONE_TIME: dict[str, tuple[Callable[[Path], Any], str | None]] = {
    "an iterator": (lambda _: parts(), None),
    "an iterator of known length": (lambda _: Body(parts(), len(CONTENT)), LENGTH),
    "a pipe": (lambda _: Pipe(), None),
    "a pipe of known length": (lambda _: Body(Pipe(), len(CONTENT)), LENGTH),
}
ASYNC_REPLAYABLE: dict[str, tuple[Callable[[Path], Any], str | None]] = {
    "an async iterable": (lambda _: AsyncAgain(), None),
    "an async iterable of known length": (lambda _: Body(AsyncAgain(), len(CONTENT)), LENGTH),
}
ASYNC_ONE_TIME: dict[str, tuple[Callable[[Path], Any], str | None]] = {
    "an async iterator": (lambda _: async_parts(), None),
    "an async iterator of known length": (lambda _: Body(async_parts(), len(CONTENT)), LENGTH),
}


def in_worlds(kinds: Iterable[str], async_kinds: Iterable[str]) -> list[Any]:
    every = [(world, kind) for world in WORLDS for kind in kinds]
    every += [(world, kind) for world in ASYNC_WORLDS for kind in async_kinds]
    return [pytest.param(world, kind, id=f"{world}-{kind}") for world, kind in every]


def closed(content: object) -> None:
    source = content.content if isinstance(content, Body) else content
    if isinstance(source, io.IOBase):
        source.close()


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def put(world: World, platform: Emulator, content: object) -> Any:
    async def scenario(client: PlatformClient) -> Any:
        return await client.request("PUT", PATH, content=content, headers={"Content-Type": "application/pdf"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- also what no type checker lets through

    retry = RetryPolicy(pause_first_seconds=0.001)
    return world.run(scenario, client=world.client(base_url=platform.url, auth_token=platform.token, retry=retry))


@pytest.mark.parametrize(("world", "kind"), in_worlds([*REPLAYABLE, *ONE_TIME], [*ASYNC_REPLAYABLE, *ASYNC_ONE_TIME]))
def test_each_kind_arrives_as_it_is(world: World, kind: str, platform: Emulator, tmp_path: Path) -> None:
    make, length = {**REPLAYABLE, **ONE_TIME, **ASYNC_REPLAYABLE, **ASYNC_ONE_TIME}[kind]
    content = make(tmp_path)
    answer = put(world, platform, content)
    closed(content)
    assert (answer["sha256"], answer["content_type"]) == (sha256(CONTENT).hexdigest(), "application/pdf")
    headers = platform.requests[-1].headers
    assert (headers.get("Content-Length"), headers.get("Transfer-Encoding")) == (length, None if length else "chunked")


@pytest.mark.parametrize(("world", "kind"), in_worlds(REPLAYABLE, ASYNC_REPLAYABLE))
def test_what_can_be_sent_again_is(world: World, kind: str, platform: Emulator, tmp_path: Path) -> None:
    content = {**REPLAYABLE, **ASYNC_REPLAYABLE}[kind][0](tmp_path)
    platform.inject({"kind": "drop_after", "method": "PUT"})
    answer = put(world, platform, content)
    closed(content)
    assert answer["sha256"] == sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(("world", "kind"), in_worlds(ONE_TIME, ASYNC_ONE_TIME))
@pytest.mark.parametrize("fault", [{"kind": "drop_after"}, {"kind": "status", "status": 503}], ids=["lost", "503"])
def test_what_cannot_is_not_and_the_error_says_so(
    world: World, kind: str, fault: dict[str, Any], platform: Emulator, tmp_path: Path
) -> None:
    before = len(platform.requests)
    platform.inject(fault)
    content = {**ONE_TIME, **ASYNC_ONE_TIME}[kind][0](tmp_path)
    with pytest.raises(PlatformClientError, match=ONCE):
        put(world, platform, content)
    closed(content)
    assert len(platform.requests) == before + 1


def test_the_answer_can_be_had_as_it_came(world: World, platform: Emulator) -> None:
    async def scenario(client: PlatformClient) -> RawResponse:
        return await client.request_raw("PUT", PATH, content=Body(parts(), len(CONTENT)))

    answer = world.run(scenario, client=world.client(base_url=platform.url, auth_token=platform.token))
    assert json.loads(answer.body)["sha256"] == sha256(CONTENT).hexdigest()


def test_an_empty_file_is_an_empty_body(world: World, platform: Emulator, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert put(world, platform, tmp_path / "empty")["size_bytes"] == 0


@pytest.mark.parametrize("length", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_length_that_is_not_kept_ends_the_call(world: World, platform: Emulator, length: int) -> None:
    with pytest.raises(ValueError, match="length"):
        put(world, platform, Body(parts(), length))


def test_what_a_body_raises_ends_the_call_as_it_is(world: World, platform: Emulator) -> None:
    def failing() -> Iterator[bytes]:
        yield b"some"
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        put(world, platform, failing())


def test_a_generator_is_closed_where_the_call_ends_before_it(world: World, platform: Emulator) -> None:
    ended: list[str] = []

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield CONTENT
        finally:
            ended.append("closed")

    with pytest.raises(ValueError, match="more bytes"):
        put(world, platform, Body(endless(), 10))
    assert ended == ["closed"]


@pytest.mark.parametrize("world", ASYNC_WORLDS, ids=str)
def test_what_may_block_is_read_in_another_thread(world: World, platform: Emulator) -> None:
    threads: set[int] = set()

    def noting() -> Iterator[bytes]:
        threads.add(threading.get_ident())
        yield b"a"

    put(world, platform, noting())
    assert threads.isdisjoint({threading.get_ident()})


class TextPipe(Pipe):
    def read(self, size: int = -1, /) -> Any:
        return "text"


class Starved(Pipe):
    def read(self, size: int = -1, /) -> Any:
        return None


def closed_file() -> io.BytesIO:
    file = io.BytesIO(CONTENT)
    file.close()
    return file


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "text": (lambda: "text", TypeError, "content must be bytes"),
    "a number": (lambda: 5, TypeError, "content must be bytes"),
    "a mapping": (lambda: {"a": b"1"}, TypeError, "content must be bytes"),
    "a text file": (io.StringIO, TypeError, "binary file, not a text file"),
    "a closed file": (closed_file, ValueError, "closed file"),
    "a missing path": (lambda: Path("/missing/body"), FileNotFoundError, "/missing/body"),
    "a folder": (lambda: Path(tempfile.gettempdir()), ValueError, "must be the path of a file"),
    "bytes in a Body": (lambda: Body(b"abc"), TypeError, "Body must have a content that yields bytes, not bytes"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- refused
    "a path in a Body": (lambda: Body(Path("a")), TypeError, "Body must have a content that yields bytes, not PosixPath"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- refused
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_content_is_refused_before_anything_is_sent(world: World, kind: str) -> None:
    make, error, text = REFUSED[kind]
    fake = FakePlatform()

    async def scenario(client: PlatformClient) -> None:
        await client.request("PUT", PATH, content=make())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- refused

    with pytest.raises(error, match=text):
        world.run(scenario, transport=fake)
    assert fake.requests == []


def test_the_blocking_client_refuses_what_is_asynchronous() -> None:
    (blocking,) = [each for each in WORLDS if not each.is_async]

    async def scenario(client: PlatformClient) -> None:
        for content in (async_parts(), Body(AsyncAgain(), 5)):
            with pytest.raises(TypeError, match="content must not be asynchronous: that is for PlatformClient"):
                await client.request("PUT", PATH, content=content)

    blocking.run(scenario, transport=FakePlatform())


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [(TextPipe, TypeError, "binary file: it reads str"), (Starved, ValueError, "has nothing to read now")],
)
def test_a_file_that_reads_no_bytes_ends_the_call(
    world: World, platform: Emulator, make: Callable[[], Any], error: type[Exception], text: str
) -> None:
    content = make()
    with pytest.raises(error, match=text):
        put(world, platform, content)
    content.close()


@pytest.mark.parametrize(("length", "error"), [(-1, ValueError), (True, TypeError), ("5", TypeError)])
def test_a_length_that_is_none_is_refused(length: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="length must"):
        Body(parts(), length)
