"""Who is measured: the clients of this project over each transport, and those whom they are compared with.

Each is handed the server's URL and opens; what it then gives out makes one call: GET with a token, and the JSON of the answer read by
the same strict reader. A deadline is armed by each that knows one; httpx, requests and urllib3 have one for each read instead.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeAlias

from benchmarks import raw
from benchmarks.json_server import EXECUTION_ID
from benchmarks.machine import has_uvloop
from flow_sdk import PlatformClient, SyncPlatformClient
from platform_core.strict_json import strict_json

World: TypeAlias = Literal["asyncio", "uvloop", "trio", "threads"]
AsyncCall: TypeAlias = Callable[[], Coroutine[Any, Any, object]]
Call: TypeAlias = Callable[[], object]
AsyncOpened: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[AsyncCall]]
Opened: TypeAlias = Callable[[str, int], AbstractContextManager[Call]]
"""Takes the URL of the server, and how many calls will be under way at a time."""

PATH = f"/api/v1/executions/{EXECUTION_ID}"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJiZW5jaG1hcmsifQ.c2lnbmF0dXJl"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
JSON_DEPTH_MAX = 64
SECONDS_MAX = 300.0


class Subject(NamedTuple):
    """Who makes the calls, in which world: asyncio, asyncio on uvloop, trio, or as many threads as there are calls at a time."""

    name: str
    world: World
    opened: AsyncOpened | Opened

    @property
    def key(self) -> str:
        """What it is called in a history."""
        return f"{self.name} on {self.world}"


def parsed(body: bytes) -> object:
    """The value of an answer's body."""
    return strict_json(body, JSON_DEPTH_MAX)


def subjects() -> list[Subject]:
    """All of them, ours first, as far as this machine has their event loop."""
    found = [
        *(Subject(name, world, _client(library)) for name, library in _OVER.items() for world in ("asyncio", "uvloop", "trio")),
        *(Subject(name, "threads", _sync_client(library)) for name, library in _OVER.items()),
        Subject("raw socket", "asyncio", raw.on_asyncio),
        Subject("raw socket", "uvloop", raw.on_asyncio),
        Subject("raw socket", "trio", raw.on_trio),
        Subject("raw socket", "threads", raw.in_threads),
        Subject("aiohttp", "asyncio", _aiohttp),
        Subject("aiohttp", "uvloop", _aiohttp),
        *(Subject(library, world, _httpx(library)) for library in ("httpx", "httpx2") for world in ("asyncio", "trio")),
        *(Subject(library, "threads", _httpx_sync(library)) for library in ("httpx", "httpx2")),
        Subject("urllib3", "threads", _urllib3),
        Subject("requests", "threads", _requests),
    ]
    # uvloop's gain is the same for whoever stands on the native transport: over httpx it drowns.
    return [each for each in found if each.world != "uvloop" or (has_uvloop() and each.name not in _OVER_OTHERS)]


NATIVE = "PlatformClient"
_OVER: dict[str, str | None] = {NATIVE: None, f"{NATIVE} over httpx": "httpx", f"{NATIVE} over httpx2": "httpx2"}
_OVER_OTHERS = frozenset(name for name, library in _OVER.items() if library is not None)


def _client(library: str | None) -> AsyncOpened:
    @asynccontextmanager
    async def opened(url: str, at_a_time: int) -> AsyncGenerator[AsyncCall]:
        transport = None if library is None else _adapters().HttpxTransport(library=library)
        async with PlatformClient(url, TOKEN, transport=transport, env={}) as client:
            yield lambda: client._request("GET", PATH)  # pyright: ignore[reportPrivateUsage] -- documented, underscore and all
        if transport is not None:
            await transport.aclose()

    return opened


def _sync_client(library: str | None) -> Opened:
    @contextmanager
    def opened(url: str, at_a_time: int) -> Generator[Call]:
        transport = None if library is None else _adapters().HttpxSyncTransport(library=library)
        with SyncPlatformClient(url, TOKEN, transport=transport, env={}) as client:
            yield lambda: client._request("GET", PATH)  # pyright: ignore[reportPrivateUsage] -- documented, underscore and all
        if transport is not None:
            transport.close()

    return opened


def _adapters() -> Any:  # noqa: ANN401 -- a module; who does not measure over httpx does not pay for its import
    return import_module("platform_transports.httpx")


@asynccontextmanager
async def _aiohttp(url: str, at_a_time: int) -> AsyncGenerator[AsyncCall]:
    import aiohttp  # noqa: PLC0415 -- each is imported only where it is measured

    target = url + PATH
    async with aiohttp.ClientSession(headers=HEADERS, timeout=aiohttp.ClientTimeout(total=SECONDS_MAX)) as session:

        async def call() -> object:
            async with session.get(target) as response:
                return parsed(await response.read())

        yield call


def _httpx(library: str) -> AsyncOpened:
    @asynccontextmanager
    async def opened(url: str, at_a_time: int) -> AsyncGenerator[AsyncCall]:
        httpx = import_module(library)
        target = url + PATH
        async with httpx.AsyncClient(headers=HEADERS, timeout=SECONDS_MAX, limits=httpx.Limits(max_connections=100)) as client:

            async def call() -> object:
                return parsed((await client.get(target)).content)

            yield call

    return opened


def _httpx_sync(library: str) -> Opened:
    @contextmanager
    def opened(url: str, at_a_time: int) -> Generator[Call]:
        httpx = import_module(library)
        target = url + PATH
        with httpx.Client(headers=HEADERS, timeout=SECONDS_MAX, limits=httpx.Limits(max_connections=100)) as client:
            yield lambda: parsed(client.get(target).content)

    return opened


@contextmanager
def _urllib3(url: str, at_a_time: int) -> Generator[Call]:
    import urllib3  # noqa: PLC0415 -- each is imported only where it is measured

    target = url + PATH
    with urllib3.PoolManager(maxsize=at_a_time, headers=HEADERS, timeout=SECONDS_MAX) as pool:
        yield lambda: parsed(pool.request("GET", target).data)


@contextmanager
def _requests(url: str, at_a_time: int) -> Generator[Call]:
    import requests  # noqa: PLC0415 -- each is imported only where it is measured
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 -- the same

    target = url + PATH
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=at_a_time))
        session.headers.update(HEADERS)
        yield lambda: parsed(session.get(target, timeout=SECONDS_MAX).content)
