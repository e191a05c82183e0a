"""Clients of httpx that are handed in, and how the adapters are made."""

import gzip
import importlib
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause, Sent
from platform_transports.conformance.bench import closed_port
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, SECRET
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import OK, READ, WAIT, Step
from platform_transports.contract import AsyncTransport, Progress, SyncTransport, TransportError
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports.httpx_subject import Subject, World, chained, get

# ── clients that are handed in ────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def handed_in(library: str, world: World, **options: Any) -> AsyncGenerator[tuple[Any, Subject]]:
    module = importlib.import_module(library)
    if world == "async":
        async with module.AsyncClient(**options) as client:
            yield client, Subject(HttpxTransport(client))
    else:
        with module.Client(**options) as client:
            yield client, Subject(HttpxSyncTransport(client))


async def test_a_client_that_is_handed_in_adds_nothing(library: str, world: World) -> None:
    options = {
        "headers": {"X-Client": "1"},
        "auth": ("user", "password"),
        "cookies": {"a": "b"},
        "params": {"q": "1"},
        "base_url": "http://elsewhere.invalid",
        "follow_redirects": True,
        "timeout": 0.001,
        "trust_env": False,
    }
    with raw_server((READ, b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")) as server:
        async with handed_in(library, world, **options) as (_, subject):
            assert (await subject.send(get(server))).status == 302
    head = f"GET /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {SECRET}\r\n\r\n"
    assert server.requests == [head.encode()]


async def test_a_client_that_is_handed_in_is_not_closed(library: str, world: World) -> None:
    async with handed_in(library, world) as (client, subject):
        await subject.close()
        assert not client.is_closed
        with raw_server() as server:
            assert (await subject.fails(get(server))).kind is FailureCause.CLOSED


async def test_a_client_that_was_closed_by_its_owner_is_closed(library: str, world: World) -> None:
    async with handed_in(library, world) as (client, subject):
        if world == "async":
            await client.aclose()
        else:
            client.close()
        with raw_server() as server:
            error = await subject.fails(get(server))
    assert (error.kind, error.sent) == (FailureCause.CLOSED, "no")


async def test_a_library_is_known_by_the_client(library: str, world: World) -> None:
    module = importlib.import_module(library)
    async with handed_in(library, world) as (_, subject):
        assert subject.transport.name == f"{library}/{module.__version__}"


MOCKED: list[tuple[str, FailureCause, Sent]] = [
    ("ConnectError", FailureCause.CONNECT, "no"),
    ("ConnectTimeout", FailureCause.CONNECT_TIMEOUT, "no"),
    ("PoolTimeout", FailureCause.TIMEOUT, "no"),
    ("ProxyError", FailureCause.CONNECT, "no"),
    ("WriteError", FailureCause.WRITE, "maybe"),
    ("WriteTimeout", FailureCause.TIMEOUT, "maybe"),
    ("ReadTimeout", FailureCause.TIMEOUT, "maybe"),
    ("ReadError", FailureCause.DISCONNECTED, "maybe"),
    ("LocalProtocolError", FailureCause.PROTOCOL, "maybe"),
    ("RemoteProtocolError", FailureCause.PROTOCOL, "maybe"),
    ("DecodingError", FailureCause.PROTOCOL, "maybe"),
]


@pytest.mark.parametrize(("name", "kind", "sent"), MOCKED)
async def test_a_transport_that_tells_nothing_is_believed_to_have_sent(
    library: str, world: World, name: str, kind: FailureCause, sent: Sent
) -> None:
    module = importlib.import_module(library)
    seen: list[Sent] = []
    progress = Progress()

    def handle(_: object) -> Any:
        seen.append(progress.sent)
        raise getattr(module, name)(SECRET)

    async with handed_in(library, world, transport=module.MockTransport(handle)) as (_, subject):
        with raw_server() as server, pytest.raises(TransportError) as caught:
            await subject.send(get(server), progress=progress)
    error = caught.value
    assert (error.kind, error.sent, error.reused, error.detail) == (kind, sent, False, name)
    assert seen == ["maybe"]
    assert chained(error) == [error]
    assert SECRET not in f"{error!r}{error}"


async def test_a_transport_that_tells_is_not_believed_to_have_sent_while_it_connects(library: str, world: World) -> None:
    async with handed_in(library, world, trust_env=False) as (_, subject):
        error = await subject.fails(OutgoingRequest("GET", f"http://127.0.0.1:{closed_port()}/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.CONNECT, "no")


@pytest.mark.parametrize(
    ("content", "headers", "body"),
    [
        (b"{}", {}, b"{}"),
        ([b"{", b"}"], {}, b"{}"),
        (gzip.compress(b"{}", mtime=0), {"Content-Encoding": "gzip"}, gzip.compress(b"{}", mtime=0)),
    ],
)
async def test_an_answer_of_a_mock_is_taken_as_it_is(
    library: str, world: World, content: Any, headers: dict[str, str], body: bytes
) -> None:
    module = importlib.import_module(library)

    async def chunks() -> AsyncGenerator[bytes]:
        for chunk in content:
            yield chunk

    def handle(_: object) -> Any:
        streamed = world == "async" and not isinstance(content, bytes)
        return module.Response(200, content=chunks() if streamed else content, headers=headers)

    async with handed_in(library, world, transport=module.MockTransport(handle)) as (_, subject):
        with raw_server() as server:
            assert (await subject.send(get(server))).body == body


async def test_an_answer_with_an_interim_status_is_refused(library: str, world: World) -> None:
    module = importlib.import_module(library)

    def handle(_: object) -> Any:
        return module.Response(101)

    async with handed_in(library, world, transport=module.MockTransport(handle)) as (_, subject):
        with raw_server() as server:
            error = await subject.fails(get(server))
    assert error.kind is FailureCause.PROTOCOL


# ── construction ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [HttpxTransport, HttpxSyncTransport])
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"client": object()}, TypeError, "client must be a"),
        ({"library": "requests"}, ValueError, "library must be one of httpx2, httpx"),
        ({"verify": "/ca.pem"}, TypeError, "verify must be"),
        ({"proxy": "gopher://user:pass@proxy"}, ValueError, "proxy must be"),
    ],
)
def test_a_bad_argument_is_named(kind: type[Any], options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        kind(**options)
    assert "pass@" not in str(caught.value)


def test_a_client_of_the_other_world_is_refused(library: str) -> None:
    module = importlib.import_module(library)
    with module.Client() as client, pytest.raises(TypeError, match="client must be a AsyncClient"):
        HttpxTransport(client)


@pytest.mark.parametrize("options", [{"proxy": "http://127.0.0.1:1"}, {"verify": False}])
def test_what_belongs_to_a_client_is_not_taken_beside_one(library: str, options: dict[str, Any]) -> None:
    module = importlib.import_module(library)
    with module.Client() as client, pytest.raises(ValueError, match="belong to the client"):
        HttpxSyncTransport(client, **options)


def test_the_maintained_library_comes_first() -> None:
    transport = HttpxSyncTransport()
    assert transport.name.startswith("httpx2/")
    transport.close()


@pytest.mark.parametrize(
    ("options", "extras"), [({}, "platform-client[httpx2] or platform-client[httpx]"), ({"library": "httpx"}, "platform-client[httpx]")]
)
def test_without_a_library_the_error_names_the_extras(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], extras: str) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError) as caught:
        HttpxTransport(**options)
    assert str(caught.value).endswith(f"install {extras}")
    assert chained(caught.value) == [caught.value]


def test_a_library_that_is_there_and_broken_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError(name="httpcore")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError) as caught:
        HttpxTransport()
    assert caught.value.name == "httpcore"


def test_importing_the_adapter_imports_no_library() -> None:
    code = "import sys, platform_transports.httpx; sys.exit(bool({'httpx', 'httpx2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_blocking_transport_serves_many_threads(library: str) -> None:
    transport = HttpxSyncTransport(library=library)
    scripts: tuple[tuple[Step, ...], ...] = ((READ, WAIT, OK),) * 4
    answers: list[Response] = []
    with raw_server(*scripts) as server:

        def send() -> None:
            answers.append(transport.send(get(server), CREDENTIALS, time.monotonic() + LONG_SECONDS, DEFAULT_LIMITS, Progress()))

        threads = [threading.Thread(target=send) for _ in scripts]
        for thread in threads:
            thread.start()
        server.wait_for(requests=4)
        server.release()
        for thread in threads:
            thread.join()
    assert [answer.body for answer in answers] == [b"ok"] * 4
    transport.close()


def test_both_transports_have_the_contract() -> None:
    asynchronous: AsyncTransport = HttpxTransport()
    blocking: SyncTransport = HttpxSyncTransport()
    assert asynchronous.name == blocking.name
    blocking.close()
