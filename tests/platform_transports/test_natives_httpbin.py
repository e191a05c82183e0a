"""The native transports against httpbin, as it comes from PyPI: what a server says and hears that was not written for them."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from flow_sdk import PlatformClient, SyncPlatformClient
from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.conformance.sender import SECRET
from tests.platform_transports.httpbin_server import httpbin
from tests.platform_transports.native_subject import SHORT_SECONDS, Kind, Native, Subject, idle

BINARY = bytes(range(256)) * 400
AT_A_TIME = 32
CALLS = 200


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with httpbin() as running:
        yield running


def request(url: str, method: str = "GET", content: bytes = b"", **headers: str) -> OutgoingRequest:
    return OutgoingRequest(method, url, Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items())), Inline(content))


def parsed(response: Response) -> Any:
    assert response.status == 200
    return json.loads(response.body)


# ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("content", [b"", b"text", BINARY], ids=["nothing", "text", "binary"])
async def test_a_request_arrives_as_it_was(sender: Subject, url: str, method: str, content: bytes) -> None:
    heard = parsed(await sender.send(request(f"{url}/anything/a%20b?x=1&x=2&y=%C3%A9", method, content, X_Mine="mine")))
    assert (heard["method"], heard["url"], heard["args"]) == (method, f"{url}/anything/a%20b?x=1&x=2&y=é", {"x": ["1", "2"], "y": "é"})
    assert heard["headers"]["X-Mine"] == "mine"
    encoded = f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
    assert heard["data"] == (encoded if content is BINARY else content.decode())


async def test_the_credentials_arrive(sender: Subject, url: str) -> None:
    assert parsed(await sender.send(request(f"{url}/bearer"))) == {"authenticated": True, "token": SECRET}


# ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 202, 204, 205, 302, 304, 400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504, 599, 600])
async def test_each_status_comes_as_it_is_and_the_next_call_works(sender: Subject, url: str, status: int) -> None:
    assert (await sender.send(request(f"{url}/status/{status}"))).status == status
    assert parsed(await sender.send(request(f"{url}/get?next=1")))["args"] == {"next": "1"}


async def test_a_redirect_is_not_followed(sender: Subject, url: str) -> None:
    response = await sender.send(request(f"{url}/redirect-to?url=http://elsewhere.test/"))
    assert (response.status, response.headers.get("Location")) == (302, "http://elsewhere.test/")


async def test_a_header_that_comes_twice_comes_twice(sender: Subject, url: str) -> None:
    response = await sender.send(request(f"{url}/response-headers?X-Two=first&X-Two=second"))
    assert [value for name, value in response.headers if name.lower() == "x-two"] == ["first", "second"]


@pytest.mark.parametrize("size", [0, 1, 100_000])
async def test_a_body_of_a_stated_length(sender: Subject, url: str, size: int) -> None:
    assert len((await sender.send(request(f"{url}/bytes/{size}?seed=1"))).body) == size
    assert idle(sender.transport) == 1


@pytest.mark.parametrize("chunk_size", [1, 7, 10_000])
async def test_a_body_in_chunks(sender: Subject, url: str, chunk_size: int) -> None:
    whole = (await sender.send(request(f"{url}/bytes/3000?seed=1"))).body
    chunked = await sender.send(request(f"{url}/stream-bytes/3000?seed=1&chunk_size={chunk_size}"))
    assert chunked.headers.get("Transfer-Encoding") == "chunked"
    assert chunked.body == whole
    assert idle(sender.transport) == 0, "it said Connection: close"


async def test_a_body_that_drips(sender: Subject, url: str) -> None:
    assert (await sender.send(request(f"{url}/drip?duration=0.2&numbytes=20&delay=0"))).body == b"*" * 20


async def test_the_answer_to_head_has_no_body_and_the_connection_is_kept(sender: Subject, url: str) -> None:
    response = await sender.send(request(f"{url}/bytes/500", "HEAD"))
    assert (response.status, response.headers.get("Content-Length"), response.body) == (200, "500", b"")
    assert parsed(await sender.send(request(f"{url}/get?next=1")))["args"] == {"next": "1"}


@pytest.mark.parametrize(("path", "decompress"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
async def test_what_is_compressed_unasked_comes_as_it_was_sent(sender: Subject, url: str, path: str, decompress: Any) -> None:
    response = await sender.send(request(f"{url}/{path}"))
    assert response.headers.get("Content-Encoding") == path
    assert json.loads(decompress(response.body))["method"] == "GET"


# ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_interim_answer_that_none_follows_is_no_answer(sender: Subject, url: str) -> None:
    error = await sender.fails(request(f"{url}/status/100"))
    assert (error.kind, error.sent) == (FailureCause.READ, "maybe")


async def test_an_answer_that_is_late_is_ended_by_the_deadline_and_the_next_call_works(sender: Subject, url: str) -> None:
    error = await sender.fails(request(f"{url}/delay/1"), SHORT_SECONDS)
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "maybe")
    assert parsed(await sender.send(request(f"{url}/get?next=1")))["args"] == {"next": "1"}


async def test_many_at_a_time_over_few_connections_get_their_own_answers(native: Native, url: str) -> None:
    sender = native.make(Limits(connections_max=4))
    numbers = iter(range(CALLS))

    async def call_on() -> None:
        for number in numbers:
            path = "anything" if number % 3 else "stream/1"
            heard = json.loads((await sender.send(request(f"{url}/{path}", X_Number=str(number)))).body)
            assert heard["headers"]["X-Number"] == str(number)

    async with anyio.create_task_group() as group:
        for _ in range(AT_A_TIME):
            group.start_soon(call_on)
    assert sender.held == 0


# ── a whole client ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_client_speaks_with_it(native_kind: Kind, url: str) -> None:
    def checked(heard: Any) -> None:
        assert (heard["json"], heard["args"], heard["headers"]["Authorization"]) == ({"a": 1}, {"b": "2"}, "Bearer a-token")

    if native_kind == "sync":
        with SyncPlatformClient(url, "a-token", env={}) as blocking:
            checked(blocking.request("POST", "/anything", json={"a": 1}, params={"b": "2"}))
            assert blocking.request("GET", "/encoding/utf8").startswith(b"<h1>")
    else:
        async with PlatformClient(url, "a-token", env={}) as client:
            checked(await client.request("POST", "/anything", json={"a": 1}, params={"b": "2"}))
            assert (await client.request("GET", "/encoding/utf8")).startswith(b"<h1>")
