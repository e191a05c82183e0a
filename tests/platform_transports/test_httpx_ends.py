"""How a call over httpx ends early: by its deadline, by cancellation, by closing; and what its error shows."""

import importlib
import time
import traceback
from typing import Any

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, SECRET
from platform_transports.conformance.server import RawServer, raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, READ, WAIT, Endless, Step
from platform_transports.contract import Progress, TransportError
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports.httpx_subject import SHORT_SECONDS, Subject, chained, get

# ── deadlines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "script",
    [
        (READ, AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Le", AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE),
        (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", Endless(b"a", 0.01)),
    ],
)
async def test_the_deadline_ends_an_answer_and_its_connection(subject: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script) as server:
        began = subject.now()
        error = await subject.fails(get(server), SHORT_SECONDS)
        assert SHORT_SECONDS <= subject.now() - began < 20 * SHORT_SECONDS
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "maybe")


async def test_a_deadline_that_has_passed_sends_nothing(subject: Subject) -> None:
    with raw_server((READ, OK, READ)) as server:
        await subject.send(get(server))
        error = await subject.fails(get(server), seconds=-1.0)
        assert len(server.requests) == 1
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "no")


@pytest.mark.parametrize(
    ("connect_seconds", "deadline_seconds", "kind"),
    [(SHORT_SECONDS, LONG_SECONDS, FailureCause.CONNECT_TIMEOUT), (LONG_SECONDS, SHORT_SECONDS, FailureCause.TIMEOUT)],
)
async def test_a_handshake_that_stalls_is_never_sent(
    subject: Subject, connect_seconds: float, deadline_seconds: float, kind: FailureCause
) -> None:
    with raw_server((WAIT,)) as server:
        request = OutgoingRequest("GET", f"https://127.0.0.1:{server.port}/", Headers(), Inline(b""))
        error = await subject.fails(request, deadline_seconds, Limits(connect_seconds_max=connect_seconds))
    assert (error.kind, error.sent) == (kind, "no")


async def test_the_bound_of_connecting_does_not_bind_the_answer(subject: Subject) -> None:
    with raw_server((READ, WAIT, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: subject.send(get(server), limits=Limits(connect_seconds_max=SHORT_SECONDS)))
            await anyio.sleep(2 * SHORT_SECONDS)
            server.release()


async def test_trickling_heads_are_bound_by_the_deadline_of_the_async_transport(library: str) -> None:
    subject = Subject(HttpxTransport(library=library))
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nX-A: ", Endless(b"a", 0.01))) as server:
        error = await subject.fails(get(server), SHORT_SECONDS)
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert (error.kind, error.sent) == (FailureCause.TIMEOUT, "maybe")
    await subject.close()


def test_the_timeouts_of_a_blocking_call_are_cut_at_each_step(library: str) -> None:
    module = importlib.import_module(library)
    seen: list[dict[str, float]] = []

    def handle(request: Any) -> Any:
        for step in ("send_request_headers", "receive_response_headers", "receive_response_body"):
            began = time.monotonic()
            while time.monotonic() == began:
                pass
            request.extensions["trace"](f"http11.{step}.started", {})
            seen.append(dict(request.extensions["timeout"]))
        return module.Response(200)

    with module.Client(transport=module.MockTransport(handle)) as client:
        request = OutgoingRequest("GET", "http://127.0.0.1/", Headers(), Inline(b""))
        limits = Limits(connect_seconds_max=SHORT_SECONDS)
        HttpxSyncTransport(client).send(request, CREDENTIALS, time.monotonic() + LONG_SECONDS, limits, Progress())
    assert [each["connect"] for each in seen] == [SHORT_SECONDS] * 3
    for operation in ("read", "write", "pool"):
        assert LONG_SECONDS > seen[0][operation] > seen[1][operation] > seen[2][operation] > 0


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "script", [(READ, AWAIT_CLOSE), (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)], ids=["head", "body"]
)
async def test_a_cancelled_send_passes_the_cancellation_on_and_closes_its_connection(library: str, script: tuple[Step, ...]) -> None:
    subject = Subject(HttpxTransport(library=library))
    progress = Progress()
    with raw_server(script, (READ, OK)) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: subject.send(get(server), progress=progress))
            await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert progress.sent == "maybe"
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
        assert (await subject.send(get(server))).body == b"ok"
    await subject.close()


async def test_a_send_that_is_cancelled_while_connecting_was_not_sent(library: str) -> None:
    subject = Subject(HttpxTransport(library=library))
    progress = Progress()
    with raw_server((WAIT,)) as server:
        request = OutgoingRequest("GET", f"https://127.0.0.1:{server.port}/", Headers(), Inline(b""))
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: subject.send(request, progress=progress))
            await anyio.to_thread.run_sync(lambda: server.wait_for(connections=1))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
    assert progress.sent == "no"
    await subject.close()


async def test_calls_under_way_end_at_once_when_the_transport_is_closed(library: str) -> None:
    subject = Subject(HttpxTransport(library=library))
    errors: list[TransportError] = []

    async def send(server: RawServer) -> None:
        errors.append(await subject.fails(get(server)))

    with raw_server((READ, AWAIT_CLOSE), (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)) as server:
        with anyio.fail_after(LONG_SECONDS / 2):
            async with anyio.create_task_group() as group:
                group.start_soon(send, server)
                group.start_soon(send, server)
                await anyio.to_thread.run_sync(lambda: server.wait_for(requests=2))
                await subject.close()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=2))
    assert [(error.kind, error.sent) for error in errors] == [(FailureCause.CLOSED, "maybe")] * 2


@pytest.mark.parametrize("owned", [True, False])
async def test_a_blocking_call_under_way_notices_the_close_with_its_next_bytes(library: str, owned: bool) -> None:
    client = None if owned else importlib.import_module(library).Client()
    subject = Subject(HttpxSyncTransport(client, library=library))
    with raw_server((READ, WAIT, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)) as server:
        async with anyio.create_task_group() as group:

            async def close() -> None:
                await anyio.to_thread.run_sync(lambda: server.wait_for(requests=1))
                await subject.close()
                server.release()

            group.start_soon(close)
            began = subject.now()
            error = await subject.fails(get(server))
            assert (error.kind, error.sent) == (FailureCause.CLOSED, "maybe")
            assert subject.now() - began < LONG_SECONDS / 2
    if client is not None:
        client.close()


async def test_a_closed_transport_sends_nothing(subject: Subject) -> None:
    with raw_server((READ, OK, AWAIT_CLOSE)) as server:
        await subject.send(get(server))
        await subject.close()
        await subject.close()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
        error = await subject.fails(get(server))
    assert (error.kind, error.sent) == (FailureCause.CLOSED, "no")


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", [(READ,), (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), (READ, b"nonsense\r\n\r\n")])
async def test_an_error_has_nothing_of_the_library_and_no_token(subject: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script) as server:
        error = await subject.fails(get(server))
    assert chained(error) == [error]
    assert SECRET not in "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert SECRET not in f"{error!r}{error}{subject.transport!r}"
