"""The httpx adapters over both libraries: what goes out, what comes in, and what fails."""

import errno
import gc
import importlib
import socket
from typing import Any

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import closed_port
from platform_transports.conformance.sender import SECRET
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, READ, RECEIVE, RESET, WAIT, Endless, Step
from tests.platform_transports.httpx_subject import SHORT_SECONDS, Make, Subject, get, post

# ── what goes out, and what comes in ──────────────────────────────────────────────────────────────────────────────────


async def test_nothing_goes_out_but_what_we_say(subject: Subject) -> None:
    with raw_server((READ, OK)) as server:
        await subject.send(get(server, headers=(("Accept", "application/json"), ("X-Request-ID", "1"))))
    assert server.requests == [
        (
            f"GET /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\nX-Request-ID: 1\r\n"
            f"Authorization: Bearer {SECRET}\r\n\r\n"
        ).encode()
    ]


async def test_a_body_goes_out_with_its_length(subject: Subject) -> None:
    with raw_server((READ, OK), (READ, OK)) as server:
        await subject.send(post(server, b"\x00\xff" * 3))
        await subject.close()
    assert server.requests[0].endswith(b"\r\n\r\n" + b"\x00\xff" * 3)
    assert b"Content-Length: 6\r\n" in server.requests[0]


async def test_an_empty_post_says_that_it_is_empty(subject: Subject) -> None:
    with raw_server((READ, OK)) as server:
        await subject.send(post(server, b""))
    assert b"Content-Length: 0\r\n" in server.requests[0]


@pytest.mark.parametrize("target", ["/", "/a%2Fb%2e%7E/c", "/a/../b", "/a//b?x=%27&y='", "/a?x=[1]&y={z}|", "/a%C3%A4:@!$&'()*+,;=~"])
async def test_a_target_goes_out_byte_for_byte(subject: Subject, target: str) -> None:
    with raw_server((READ, OK)) as server:
        await subject.send(get(server, target))
    assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


async def test_a_latin_1_header_goes_out_and_comes_in_as_latin_1(subject: Subject) -> None:
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nX-Name: M\xfcller\r\nContent-Length: 0\r\n\r\n")) as server:
        response = await subject.send(get(server, headers=(("X-Name", "Müller"),)))
    assert b"X-Name: M\xfcller\r\n" in server.requests[0]
    assert response.headers.get("x-name") == "Müller"


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nraw", b"raw"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
async def test_a_body_comes_in_whole_and_as_it_was_sent(subject: Subject, raw: bytes, body: bytes) -> None:
    with raw_server((READ, raw)) as server:
        response = await subject.send(get(server))
    assert response.body == body


async def test_header_fields_keep_order_and_case(subject: Subject) -> None:
    fields = (("X-One", "1"), ("set-cookie", "a=b"), ("SET-COOKIE", "c=d"), ("Content-Length", "0"))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    with raw_server((READ, f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())) as server:
        response = await subject.send(get(server))
    assert response.headers.fields == fields


async def test_a_redirect_is_an_answer(subject: Subject) -> None:
    with raw_server((READ, b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")) as server:
        response = await subject.send(get(server))
    assert (response.status, len(server.requests)) == (302, 1)


async def test_a_redirect_to_nowhere_is_an_answer_of_httpx2_alone(subject: Subject) -> None:
    with raw_server((READ, b"HTTP/1.1 302 Found\r\nLocation: http://a:b/\r\nContent-Length: 0\r\n\r\n")) as server:
        if subject.transport.name.startswith("httpx2/"):
            assert (await subject.send(get(server))).status == 302
        else:
            assert (await subject.fails(get(server))).kind is FailureCause.PROTOCOL


async def test_a_cookie_is_neither_kept_nor_sent_back(subject: Subject) -> None:
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n", READ, OK)) as server:
        await subject.send(get(server))
        await subject.send(get(server))
    assert b"cookie" not in server.requests[1].lower()
    assert list(vars(subject.transport)["_client"].cookies.jar) == []


async def test_the_environment_names_no_proxy(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with raw_server((READ, OK)) as server:
        assert (await make().send(get(server))).body == b"ok"


async def test_a_given_proxy_is_used(make: Make) -> None:
    with raw_server((READ, OK)) as proxy:
        await make(proxy=proxy.url).send(OutgoingRequest("GET", "http://api.invalid/api/v1/a%2Fb", Headers(), Inline(b"")))
    assert proxy.requests[0].startswith(b"GET http://api.invalid/api/v1/a%2Fb HTTP/1.1\r\n")


async def test_a_proxy_that_refuses_a_tunnel_has_seen_nothing_of_the_request(make: Make) -> None:
    with raw_server((READ, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as proxy:
        request = OutgoingRequest("GET", "https://api.invalid/api/v1/things", Headers(), Inline(b""))
        error = await make(proxy=proxy.url).fails(request)
    assert (error.kind, error.sent) == (FailureCause.CONNECT, "no")
    assert proxy.requests[0].startswith(b"CONNECT api.invalid:443 HTTP/1.1\r\n")
    assert SECRET.encode() not in proxy.requests[0]


# ── connections ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_connection_is_kept(subject: Subject) -> None:
    with raw_server((READ, OK, READ, OK)) as server:
        await subject.send(get(server))
        await subject.send(get(server))
    assert server.connections == 1


async def test_an_idle_connection_is_not_kept_for_long(make: Make) -> None:
    subject = make(limits=Limits(idle_seconds_max=1e-6))
    with raw_server((READ, OK, AWAIT_CLOSE), (READ, OK)) as server:
        await subject.send(get(server))
        await subject.send(get(server))
    assert server.connections == 2


async def test_there_are_no_more_connections_than_the_limit(make: Make) -> None:
    subject = make(limits=Limits(connections_max=1))
    with raw_server((READ, WAIT, OK, READ, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(subject.send, get(server))
            group.start_soon(subject.send, get(server))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            server.release()
    assert server.connections == 1


async def test_waiting_for_a_slot_is_not_sending(make: Make) -> None:
    subject = make(limits=Limits(connections_max=1))
    with raw_server((READ, WAIT, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(subject.send, get(server))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            error = await subject.fails(get(server), SHORT_SECONDS)
            assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "no")
            server.release()


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FRESH: list[tuple[str, tuple[Step, ...], FailureCause]] = [
    ("closed before the answer", (READ,), FailureCause.DISCONNECTED),
    ("reset before the answer", (READ, RESET), FailureCause.DISCONNECTED),
    ("closed in the body", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), FailureCause.READ),
    ("closed in a chunk", (READ, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"), FailureCause.READ),
    ("no last chunk", (READ, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), FailureCause.READ),
    ("bad chunk", (READ, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nok\r\n"), FailureCause.PROTOCOL),
    ("no HTTP", (READ, b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), FailureCause.PROTOCOL),
    ("bad length", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"), FailureCause.PROTOCOL),
    ("unasked upgrade", (READ, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), FailureCause.PROTOCOL),
    ("endless head", (READ, b"HTTP/1.1 200 OK\r\n", Endless(b"X-A: aaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1000)), FailureCause.TOO_LARGE),
    ("long head", (READ, b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n", AWAIT_CLOSE), FailureCause.TOO_LARGE),
    ("many fields", (READ, b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 101 + b"\r\n", AWAIT_CLOSE), FailureCause.TOO_LARGE),
    ("endless body", (READ, b"HTTP/1.1 200 OK\r\n\r\n", Endless(b"a" * 65536)), FailureCause.TOO_LARGE),
    (
        "endless chunks",
        (READ, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Endless(b"a\r\naaaaaaaaaa\r\n" * 999)),
        FailureCause.TOO_LARGE,
    ),
    ("large body", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n" + b"a" * 100_001, AWAIT_CLOSE), FailureCause.TOO_LARGE),
]
SMALL = Limits(response_body_bytes_max=100_000)


@pytest.mark.parametrize(("script", "kind"), [case[1:] for case in FRESH], ids=[case[0] for case in FRESH])
async def test_an_answer_that_fails_on_a_new_connection(subject: Subject, script: tuple[Step, ...], kind: FailureCause) -> None:
    with raw_server(script) as server:
        error = await subject.fails(get(server), limits=SMALL)
    assert (error.kind, error.sent, error.reused) == (kind, "maybe", False)


@pytest.mark.parametrize(("script", "kind"), [case[1:] for case in FRESH], ids=[case[0] for case in FRESH])
async def test_an_answer_that_fails_on_a_kept_connection(subject: Subject, script: tuple[Step, ...], kind: FailureCause) -> None:
    with raw_server((READ, OK, *script)) as server:
        await subject.send(get(server))
        error = await subject.fails(get(server), limits=SMALL)
    assert (error.kind, error.sent, error.reused) == (kind, "maybe", True)
    assert server.connections == 1


@pytest.mark.parametrize("size", [99_999, 100_000])
async def test_a_body_up_to_the_limit_is_fine(subject: Subject, size: int) -> None:
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)) as server:
        assert len((await subject.send(get(server), limits=SMALL)).body) == size


@pytest.mark.parametrize(
    "end",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"a" * 150_000, AWAIT_CLOSE),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 101 + b"Content-Length: 9\r\n\r\n", AWAIT_CLOSE),
    ],
)
async def test_an_answer_that_is_not_read_whole_costs_its_connection(subject: Subject, end: tuple[Step, ...]) -> None:
    with raw_server((READ, *end), (READ, OK)) as server:
        await subject.fails(get(server), limits=SMALL)
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
        assert (await subject.send(get(server))).body == b"ok"
        gc.collect()  # a generator of the library that was left in the middle would warn now


async def test_a_refused_connection_is_never_sent(subject: Subject) -> None:
    error = await subject.fails(OutgoingRequest("GET", f"http://127.0.0.1:{closed_port()}/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.CONNECT, "no")


def no_such_name(*_: object, **__: object) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def test_a_name_that_is_not_known_is_never_sent(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    error = await subject.fails(OutgoingRequest("GET", "http://platform.invalid/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.DNS, "no")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL])
async def test_no_file_descriptor_to_spare_is_local(subject: Subject, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def exhausted(*_: object, **__: object) -> Any:
        raise OSError(number, "exhausted")

    with raw_server() as server, monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", exhausted)
        patch.setattr(importlib.import_module("asyncio").BaseEventLoop, "sock_connect", exhausted, raising=False)
        patch.setattr(importlib.import_module("asyncio").BaseEventLoop, "create_connection", exhausted)
        patch.setattr(importlib.import_module("trio").socket, "socket", exhausted)
        error = await subject.fails(get(server))
    assert (error.kind, error.sent) == (FailureCause.LOCAL, "no")


async def test_tls_to_a_plain_port_is_tls_and_never_sent(subject: Subject) -> None:
    with raw_server((b"HTTP/1.1 400 Bad Request\r\n\r\n", WAIT)) as server:
        error = await subject.fails(OutgoingRequest("GET", f"https://127.0.0.1:{server.port}/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.TLS, "no")


@pytest.mark.parametrize("script", [(RECEIVE,), (RECEIVE, RESET), (RESET,)])
async def test_a_close_in_the_tls_handshake_is_connect_and_never_sent(subject: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script) as server:
        error = await subject.fails(OutgoingRequest("GET", f"https://127.0.0.1:{server.port}/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.CONNECT, "no")


async def test_a_request_that_cannot_be_said_in_http_was_not_sent(subject: Subject) -> None:
    error = await subject.fails(OutgoingRequest("GET", "ftp://127.0.0.1/", Headers(), Inline(b"")))
    assert (error.kind, error.sent) == (FailureCause.LOCAL, "no")
    assert "no absolute http or https URL" in error.detail
