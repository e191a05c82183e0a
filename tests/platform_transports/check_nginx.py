"""Every transport against nginx, which is not written in Python, and knows no patience: `make nginx`, where it is installed.

Not among the tests that run everywhere, as its name says: those need nothing that pip does not bring.
"""

import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
import pytest

from flow_sdk import PlatformClient, SyncPlatformClient
from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.certificates import trusting
from platform_transports.conformance.sender import Sender
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport
from tests.platform_transports.native_subject import BACKENDS
from tests.platform_transports.nginx_server import Nginx, nginx

UPLOAD = bytes(50_000_000)
UPLOAD_SECONDS = 60.0
AT_A_TIME = 32
SLOTS = 4
LIMITS = Limits(connections_max=SLOTS)

Make = Callable[[ssl.SSLContext], Any]
MAKERS: dict[str, tuple[Any, Make]] = {
    "native on asyncio": (BACKENDS["asyncio"], lambda context: AsyncioTransport(LIMITS, ssl_context=context)),
    "native on uvloop": (BACKENDS["uvloop"], lambda context: AsyncioTransport(LIMITS, ssl_context=context)),
    "native on trio": ("trio", lambda context: TrioTransport(LIMITS, ssl_context=context)),
    "native in threads": ("asyncio", lambda context: BlockingTransport(LIMITS, ssl_context=context)),
    "httpx on asyncio": ("asyncio", lambda context: HttpxTransport(library="httpx", limits=LIMITS, verify=context)),
    "httpx on trio": ("trio", lambda context: HttpxTransport(library="httpx", limits=LIMITS, verify=context)),
    "httpx in threads": ("asyncio", lambda context: HttpxSyncTransport(library="httpx", limits=LIMITS, verify=context)),
}
pytestmark = pytest.mark.parametrize(("anyio_backend", "make"), MAKERS.values(), ids=MAKERS)


class Heard(NamedTuple):
    """What the server said: on which connection, the how-manyth request of it, and the id of the request."""

    connection: int
    number: int
    name: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(params=["plain", "TLS"])
def url(request: pytest.FixtureRequest, server: Nginx) -> str:
    return server.url if request.param == "plain" else server.secure_url


@pytest.fixture
async def sender(make: Make) -> AsyncIterator[Sender[Any]]:
    sender = Sender(make(trusting()))
    yield sender
    await sender.close()


async def heard(sender: Sender[Any], url: str, name: str = "a") -> Heard:
    response = await sender.send(OutgoingRequest("GET", url, Headers((("X-Request-ID", name),)), Inline(b"")))
    connection, number, name = response.body.decode().split()
    return Heard(int(connection), int(number), name)


async def test_a_connection_is_kept(sender: Sender[Any], url: str) -> None:
    all_heard = [await heard(sender, f"{url}/kept") for _ in range(50)]
    assert len({each.connection for each in all_heard}) == 1
    assert [each.number for each in all_heard] == list(range(1, 51))


async def test_a_connection_serves_as_many_requests_as_the_server_allows(sender: Sender[Any], url: str) -> None:
    assert [(await heard(sender, f"{url}/few")).number for _ in range(9)] == [1, 2, 3] * 3


async def test_after_connection_close_there_is_a_new_one(sender: Sender[Any], url: str) -> None:
    assert len({(await heard(sender, f"{url}/last")).connection for _ in range(9)}) == 9


@pytest.mark.parametrize("path", ["kept", "few", "last"])
async def test_many_at_a_time_get_their_own_answers(sender: Sender[Any], url: str, path: str) -> None:
    numbers = iter(range(10 * AT_A_TIME))

    async def call_on() -> None:
        for number in numbers:
            assert (await heard(sender, f"{url}/{path}", str(number))).name == str(number)

    # httpcore's pool may close a connection that another thread was given (encode/httpcore#1110): `make storms` counts what that breaks.
    at_a_time = 1 if isinstance(sender.transport, HttpxSyncTransport) else AT_A_TIME
    async with anyio.create_task_group() as group:
        for _ in range(at_a_time):
            group.start_soon(call_on)


@pytest.mark.parametrize(("path", "status"), [("small", 413), ("kept", 200)])
async def test_an_upload_that_the_server_answers_before_it_has_read_it(sender: Sender[Any], url: str, path: str, status: int) -> None:
    for _ in range(3):
        request = OutgoingRequest("PUT", f"{url}/{path}", Headers((("X-Request-ID", "upload"),)), Inline(UPLOAD))
        assert (await sender.send(request, UPLOAD_SECONDS)).status == status
        assert (await heard(sender, f"{url}/kept", "next")).name == "next"


async def test_a_client_outlives_connections_that_the_server_closes_just_then(sender: Sender[Any], url: str) -> None:
    moments = random.Random(5)

    async def pause() -> None:
        await anyio.sleep(moments.random() * 0.006)  # the server closes after three milliseconds

    await _call_by_a_client(sender, url, "brief", pause)


async def test_a_client_outlives_the_workers_of_the_server(sender: Sender[Any], server: Nginx, url: str) -> None:
    async def reload() -> None:
        server.reload()
        await anyio.sleep(0.001)

    await _call_by_a_client(sender, url, "kept", reload)


async def _call_by_a_client(sender: Sender[Any], url: str, path: str, between: Callable[[], Any]) -> None:
    client: Any = (PlatformClient if sender.is_async else SyncPlatformClient)(url, "a-token", transport=sender.transport, env={})
    for _ in range(100):
        found = client.request("GET", f"/{path}") if sender.is_async else anyio.to_thread.run_sync(client.request, "GET", f"/{path}")
        assert len((await found).split()) == 3
        await between()
