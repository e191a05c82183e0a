"""The native transports, each over a server of scripts: what goes out, what comes in, which connection is used again."""

# Threads that were left behind are joined.
# pyright: reportPrivateUsage=false

import socket
import threading

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports import _native_common
from platform_transports.conformance.sender import LONG_SECONDS, SECRET, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, OK_BYTES, READ, RECEIVE, RESET, WAIT, Endless, Step
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import SHORT_SECONDS, Native, Subject, answering_lookups, echoed

# ── what goes out, and what comes in ──────────────────────────────────────────────────────────────────────────────────


async def test_nothing_goes_out_but_what_we_say(sender: Subject) -> None:
    with raw_server((READ, OK)) as server:
        await sender.send(request_to(server.url, headers=(("Accept", "application/json"), ("X-Request-ID", "1"))))
    assert server.requests == [
        (
            f"GET /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\nX-Request-ID: 1\r\n"
            f"Authorization: Bearer {SECRET}\r\n\r\n"
        ).encode()
    ]


async def test_a_request_that_cannot_be_said_opens_no_connection(sender: Subject) -> None:
    with raw_server((READ, OK)) as server:
        error = await sender.fails(request_to(server.url, headers=(("X-A", "a\r\nX-B: b"),)))
    assert (error.kind, error.sent, server.connections) == (FailureCause.LOCAL, "no", 0)


async def test_a_large_body_goes_out_and_a_large_one_comes_in(sender: Subject) -> None:
    body = bytes(range(256)) * 20_000
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body, READ, OK)) as server:
        response = await sender.send(request_to(server.url, "PUT", body))
        await sender.send(request_to(server.url))
    assert response.body == body
    assert server.requests[0].endswith(body)
    assert server.connections == 1


async def test_an_early_answer_ends_the_upload(sender: Subject) -> None:
    early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch"
    with raw_server((RECEIVE, early, WAIT), (READ, OK)) as server:
        response = await sender.send(request_to(server.url, "PUT", b"a" * 20_000_000))
        assert (response.status, response.body) == (413, b"much")
        await sender.send(request_to(server.url))
    assert server.connections == 2


async def test_an_answer_that_comes_byte_by_byte_is_whole(sender: Subject) -> None:
    with raw_server((READ, *[bytes([each]) for each in OK_BYTES])) as server:
        assert (await sender.send(request_to(server.url))).body == b"ok"


# ── which connection is used again ────────────────────────────────────────────────────────────────────────────────────


async def test_a_connection_is_kept(sender: Subject) -> None:
    with raw_server((READ, OK, READ, OK)) as server:
        for _ in range(2):
            await sender.send(request_to(server.url))
    assert server.connections == 1


LAST: list[tuple[str, tuple[Step, ...]]] = [
    ("says that it closes", (READ, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", AWAIT_CLOSE)),
    ("HTTP/1.0", (READ, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", AWAIT_CLOSE)),
    ("ends with the connection", (READ, b"HTTP/1.1 200 OK\r\n\r\nok")),
    ("more than an answer", (READ, OK_BYTES * 2, AWAIT_CLOSE)),
]


@pytest.mark.parametrize("script", [case[1] for case in LAST], ids=[case[0] for case in LAST])
async def test_an_answer_that_is_the_last_on_its_connection(sender: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script, (READ, OK)) as server:
        for _ in range(2):
            assert (await sender.send(request_to(server.url))).body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize("late", [(OK, AWAIT_CLOSE), (), (RESET,)], ids=["bytes", "close", "reset"])
async def test_what_happens_to_an_idle_connection_is_seen_before_it_is_used(sender: Subject, late: tuple[Step, ...]) -> None:
    with raw_server((READ, OK, WAIT, *late), (READ, OK)) as server:
        await sender.send(request_to(server.url))
        server.release()
        if late and late[0] is OK:
            await anyio.sleep(SHORT_SECONDS)
        else:
            await anyio.to_thread.run_sync(server._threads[-1].join)
        assert (await sender.send(request_to(server.url))).body == b"ok"
    assert server.connections == 2


async def test_an_idle_connection_expires(native: Native) -> None:
    subject = native.make(Limits(idle_seconds_max=SHORT_SECONDS / 2))
    with raw_server((READ, OK, AWAIT_CLOSE), (READ, OK)) as server:
        await subject.send(request_to(server.url))
        await anyio.sleep(SHORT_SECONDS)
        await subject.send(request_to(server.url))
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert server.connections == 2


@pytest.mark.parametrize("last", [(), (RESET,)], ids=["close", "reset"])
async def test_a_connection_that_is_closed_as_we_send_is_told_from_a_new_one(sender: Subject, last: tuple[Step, ...]) -> None:
    with raw_server((READ, OK, READ, *last)) as server:
        await sender.send(request_to(server.url))
        error = await sender.fails(request_to(server.url))
    assert (error.kind, error.sent, error.reused) == (FailureCause.DISCONNECTED, "maybe", True)


async def test_there_are_no_more_connections_than_the_limit_and_who_waits_has_not_sent(native: Native) -> None:
    subject = native.make(Limits(connections_max=1))
    with raw_server((READ, WAIT, OK, READ, OK, READ, OK)) as server:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(subject.send, request_to(server.url))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            error = await subject.fails(request_to(server.url), SHORT_SECONDS)
            assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "no")
            server.release()
    assert server.connections == 1


async def test_each_answer_is_that_of_its_request(native: Native) -> None:
    subject = native.make(Limits(connections_max=4))

    async def call(url: str, number: int) -> None:
        for turn in range(10):
            name = f"{number}-{turn}"
            assert (await subject.send(echoed(url, name))).body == name.encode()

    with echo_server() as (url, connections):
        async with anyio.create_task_group() as group:
            for number in range(24):
                group.start_soon(call, url, number)
    assert len(connections) <= 4


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FRESH: list[tuple[str, tuple[Step, ...], FailureCause]] = [
    ("closed before the answer", (READ,), FailureCause.DISCONNECTED),
    ("reset before the answer", (READ, RESET), FailureCause.DISCONNECTED),
    ("closed in the head", (READ, b"HTTP/1.1 200 OK\r\nA"), FailureCause.READ),
    ("closed in the body", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), FailureCause.READ),
    ("reset in the body", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", RESET), FailureCause.READ),
    ("no HTTP", (READ, b"SSH-2.0-OpenSSH_9.6\r\n", AWAIT_CLOSE), FailureCause.PROTOCOL),
    (
        "both framings",
        (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", AWAIT_CLOSE),
        FailureCause.PROTOCOL,
    ),
    ("endless interim answers", (READ, Endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 9)), FailureCause.TOO_LARGE),
    ("endless head", (READ, b"HTTP/1.1 200 OK\r\n", Endless(b"X-A: aaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1000)), FailureCause.TOO_LARGE),
    ("endless body", (READ, b"HTTP/1.1 200 OK\r\n\r\n", Endless(b"a" * 65536)), FailureCause.TOO_LARGE),
]


@pytest.mark.parametrize(("script", "kind_of_error"), [case[1:] for case in FRESH], ids=[case[0] for case in FRESH])
async def test_an_answer_that_fails_on_a_new_connection(sender: Subject, script: tuple[Step, ...], kind_of_error: FailureCause) -> None:
    with raw_server(script) as server:
        error = await sender.fails(request_to(server.url), limits=Limits(response_body_bytes_max=100_000))
    assert (error.kind, error.sent, error.reused) == (kind_of_error, "maybe", False)


async def test_a_refused_connection_was_not_sent_and_names_the_proxy_that_may_be_missing(
    sender: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@proxy.test")
    error = await sender.fails(request_to(url))
    assert (error.kind, error.sent) == (FailureCause.CONNECT, "no")
    assert error.detail.startswith("ECONNREFUSED; HTTP_PROXY is set")
    assert "HttpxTransport(proxy=…)" in error.detail
    assert SECRET not in str(error)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert (await sender.fails(request_to(url))).detail == "ECONNREFUSED"


async def test_an_unknown_host_is_not_sent(sender: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    answering_lookups(monkeypatch, unknown)
    error = await sender.fails(request_to("http://api.invalid"))
    assert (error.kind, error.sent) == (FailureCause.DNS, "no")


@pytest.mark.parametrize(
    ("connect_seconds", "deadline_seconds", "kind_of_error"),
    [(SHORT_SECONDS, LONG_SECONDS, FailureCause.CONNECT_TIMEOUT), (LONG_SECONDS, SHORT_SECONDS, FailureCause.TIMEOUT)],
)
async def test_a_lookup_that_hangs_is_left_behind(
    sender: Subject, monkeypatch: pytest.MonkeyPatch, connect_seconds: float, deadline_seconds: float, kind_of_error: FailureCause
) -> None:
    ended = threading.Event()

    def hang() -> None:
        ended.wait(LONG_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "never mind")

    answering_lookups(monkeypatch, hang)
    error = await sender.fails(request_to("http://api.invalid"), deadline_seconds, Limits(connect_seconds_max=connect_seconds))
    ended.set()
    assert (error.kind, error.sent) == (kind_of_error, "no")
    for thread in list(_native_common._left_behind):
        thread.join()


async def test_a_dead_address_leaves_time_for_the_next(sender: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server((READ, OK)) as server, socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        dead = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(dead)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", dead), (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
        answering_lookups(monkeypatch, lambda: found)
        response = await sender.send(request_to("http://api.test"), limits=Limits(connect_seconds_max=1.0))
        for each in fillers:
            each.close()
    assert response.body == b"ok"
