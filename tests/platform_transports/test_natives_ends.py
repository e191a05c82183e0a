"""How a call over a native transport ends early: by its deadline, by cancellation, by closing; and what its error shows."""

import random
import traceback

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.sender import LONG_SECONDS, SECRET, request_to
from platform_transports.conformance.server import RawServer, raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, READ, RECEIVE, WAIT, Endless, Step
from platform_transports.contract import Progress, TransportError
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.httpx_subject import chained
from tests.platform_transports.native_subject import SHORT_SECONDS, Kind, Native, Subject, echoed

UPLOAD_SECONDS = 1.0
"""Enough to connect and to send a first byte on a machine that is busy with other tests."""

# ── deadlines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "script",
    [
        (READ, AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Le", AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nX-A: ", Endless(b"a", 0.01)),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", Endless(b"a", 0.01)),
        (READ, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Endless(b"1\r\na\r\n", 0.01)),
    ],
)
async def test_the_deadline_ends_an_answer_and_its_connection(sender: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script) as server:
        began = sender.now()
        error = await sender.fails(request_to(server.url), SHORT_SECONDS)
        assert SHORT_SECONDS - 0.01 <= sender.now() - began < 20 * SHORT_SECONDS
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "maybe")


async def test_the_deadline_ends_an_upload_that_nobody_reads(sender: Subject) -> None:
    with raw_server((RECEIVE, WAIT)) as server:
        error = await sender.fails(request_to(server.url, "PUT", b"a" * 20_000_000), UPLOAD_SECONDS)
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "maybe")


async def test_a_deadline_that_has_passed_sends_nothing(sender: Subject) -> None:
    with raw_server((READ, OK, READ)) as server:
        await sender.send(request_to(server.url))
        error = await sender.fails(request_to(server.url), seconds=-1.0)
        assert len(server.requests) == 1
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "no")


@pytest.mark.parametrize(
    ("connect_seconds", "deadline_seconds", "kind_of_error"),
    [(SHORT_SECONDS, LONG_SECONDS, FailureCause.CONNECT_TIMEOUT), (LONG_SECONDS, SHORT_SECONDS, FailureCause.TIMEOUT)],
)
async def test_a_handshake_that_stalls_is_never_sent(
    sender: Subject, connect_seconds: float, deadline_seconds: float, kind_of_error: FailureCause
) -> None:
    with raw_server((AWAIT_CLOSE,)) as server:
        url = server.url.replace("http", "https")
        error = await sender.fails(request_to(url), deadline_seconds, Limits(connect_seconds_max=connect_seconds))
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert (error.kind, error.sent) == (kind_of_error, "no")


async def test_the_bound_of_connecting_does_not_bind_the_answer(sender: Subject) -> None:
    with raw_server((READ, WAIT, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: sender.send(request_to(server.url), limits=Limits(connect_seconds_max=SHORT_SECONDS)))
            await anyio.sleep(2 * SHORT_SECONDS)
            server.release()


# ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scheme", "script", "sent"),
    [
        ("http", (READ, AWAIT_CLOSE), "maybe"),
        ("http", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE), "maybe"),
        ("https", (RECEIVE, AWAIT_CLOSE), "no"),
    ],
    ids=["head", "body", "handshake"],
)
async def test_calls_under_way_end_at_once_when_the_transport_is_closed(
    native: Native, scheme: str, script: tuple[Step, ...], sent: str
) -> None:
    sender = native.make(Limits(connections_max=1))
    errors: list[TransportError] = []

    async def send(server: RawServer) -> None:
        errors.append(await sender.fails(request_to(server.url.replace("http", scheme))))

    with raw_server(script) as server, anyio.fail_after(LONG_SECONDS / 2):
        async with anyio.create_task_group() as group:
            group.start_soon(send, server)
            await anyio.to_thread.run_sync(lambda: server.wait_for(connections=1))
            group.start_soon(send, server)
            await anyio.sleep(SHORT_SECONDS)
            await sender.close()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert sorted((error.kind.value, error.sent) for error in errors) == sorted([("closed", sent), ("closed", "no")])


async def test_a_closed_transport_sends_nothing_and_may_be_closed_again(sender: Subject) -> None:
    with raw_server((READ, OK, AWAIT_CLOSE)) as server:
        await sender.send(request_to(server.url))
        await sender.close()
        await sender.close()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
        error = await sender.fails(request_to(server.url))
    assert (error.kind, error.sent) == (FailureCause.CLOSED, "no")


async def test_a_transport_that_was_never_used_is_closed(sender: Subject) -> None:
    await sender.close()


# ── cancellation ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_wait_for_a_slot_costs_none(cancelling: Native) -> None:
    sender = cancelling.make(Limits(connections_max=1))
    progress = Progress()
    with raw_server((READ, WAIT, OK, READ, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(sender.send, request_to(server.url))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(lambda: sender.send(request_to(server.url), progress=progress))
                await anyio.wait_all_tasks_blocked()
                waiting.cancel_scope.cancel()
            server.release()
        assert progress.sent == "no"
        await sender.send(request_to(server.url))
    assert server.connections == 1


async def test_a_good_call_follows_two_hundred_cancelled_ones(cancelling: Native) -> None:
    sender = cancelling.make(Limits(connections_max=4))
    moments = random.Random(5)

    async def call(url: str, name: str) -> None:
        with anyio.move_on_after(moments.random() * 0.004):
            assert (await sender.send(echoed(url, name))).body == name.encode()

    with echo_server() as (url, _):
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(call, url, str(number))
        assert sender.held == 0
        for number in range(10):
            assert (await sender.send(echoed(url, f"good-{number}"))).body == f"good-{number}".encode()


async def test_a_cancelled_send_closes_its_connection(cancelling: Native) -> None:
    sender = cancelling.make()
    progress = Progress()
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: sender.send(request_to(server.url), progress=progress))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert (sender.held, progress.sent) == (0, "maybe")
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))


async def test_a_call_whose_coroutine_is_dropped_gives_its_slot_back(cancelling: Native, async_kind: Kind) -> None:
    sender = cancelling.make(Limits(connections_max=1))
    with raw_server((READ, OK, READ, OK), (READ, OK)) as server:
        await sender.send(request_to(server.url))
        coroutine = sender.send(request_to(server.url))
        if async_kind != "trio":  # a cancel scope of trio that is left outside of its task is trio's own error
            coroutine.send(None)
        coroutine.close()
        assert sender.held == 0
        assert (await sender.send(request_to(server.url))).body == b"ok"


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", [(READ,), (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), (READ, b"nonsense\r\n\r\n")])
async def test_an_error_has_nothing_hanging_on_it_and_no_token(sender: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script) as server:
        error = await sender.fails(request_to(server.url))
    assert chained(error) == [error]
    assert SECRET not in "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert SECRET not in f"{error!r}{error}{sender.transport!r}"


async def test_an_error_of_connecting_has_nothing_hanging_on_it(sender: Subject) -> None:
    with raw_server((b"no TLS\r\n",)) as server:
        error = await sender.fails(request_to(server.url.replace("http", "https")))
    assert (error.kind, error.sent) == (FailureCause.TLS, "no")
    assert chained(error) == [error]
