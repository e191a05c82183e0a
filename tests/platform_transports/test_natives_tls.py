"""TLS over the native transports: who is trusted, what an end is, and that it costs no time."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest

from platform_core.outcomes import FailureCause
from platform_transports._native_common import default_context
from platform_transports.conformance.certificates import authority, serving, trusting
from platform_transports.conformance.sender import LONG_SECONDS, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, OK, READ, RECEIVE, WAIT, Step
from tests.platform_transports.native_subject import TRANSPORTS, Native, Subject

HOST = "127.0.0.1"


@pytest.fixture
def secure(native: Native) -> Subject:
    return native.make(ssl_context=trusting())


async def test_calls_share_a_connection(secure: Subject) -> None:
    with raw_server((READ, OK, READ, OK, AWAIT_CLOSE), tls=serving(HOST)) as server:
        for _ in range(2):
            assert (await secure.send(request_to(server.url))).body == b"ok"
        await secure.close()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
    assert server.connections == 1


async def test_a_client_certificate_is_presented(secure: Subject) -> None:
    with raw_server((READ, OK), tls=serving(HOST, asks_client=True)) as server:
        assert (await secure.send(request_to(server.url))).body == b"ok"


async def test_large_bodies_pass_both_ways_byte_for_byte(secure: Subject) -> None:
    body = bytes(range(256)) * 10_000
    with raw_server((READ, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body), tls=serving(HOST)) as server:
        assert (await secure.send(request_to(server.url, "PUT", body))).body == body
    assert server.requests[0].endswith(body)


async def test_an_early_answer_ends_the_upload(secure: Subject) -> None:
    early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch"
    with raw_server((RECEIVE, early, WAIT), tls=serving(HOST)) as server:
        assert (await secure.send(request_to(server.url, "PUT", b"a" * 20_000_000))).status == 413


async def test_more_than_an_answer_ends_the_connection(secure: Subject) -> None:
    with raw_server((READ, OK, OK, AWAIT_CLOSE), (READ, OK), tls=serving(HOST)) as server:
        for _ in range(2):
            assert (await secure.send(request_to(server.url))).body == b"ok"
            await anyio.sleep(0.05)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("context", "detail"),
    [(serving(HOST, expired=True), "certificate has expired"), (serving("other.test"), "not valid for '127.0.0.1'")],
    ids=["expired", "wrong host"],
)
async def test_a_server_that_is_not_the_one_is_refused(secure: Subject, context: ssl.SSLContext, detail: str) -> None:
    with raw_server((READ, OK), tls=context) as server:
        error = await secure.fails(request_to(server.url))
    assert (error.kind, error.sent) == (FailureCause.TLS, "no")
    assert detail in error.detail
    assert server.requests == []


async def test_an_unknown_authority_is_refused(native: Native) -> None:
    with raw_server((READ, OK), tls=serving(HOST)) as server:
        error = await native.make().fails(request_to(server.url))
    assert (error.kind, error.sent) == (FailureCause.TLS, "no")
    assert "certificate refused" in error.detail


async def test_a_missing_client_certificate_is_an_error_of_tls_or_an_end(native: Native) -> None:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority().cert_pem.bytes().decode())
    with raw_server((READ, OK), tls=serving(HOST, asks_client=True)) as server:
        error = await native.make(ssl_context=context).fails(request_to(server.url))
    assert error.kind in {FailureCause.TLS, FailureCause.DISCONNECTED, FailureCause.WRITE}


async def test_a_port_for_plain_http_is_named(secure: Subject) -> None:
    with raw_server((RECEIVE, b"HTTP/1.1 400 Bad Request\r\n\r\n", AWAIT_CLOSE)) as server:
        error = await secure.fails(request_to(server.url.replace("http", "https")))
    assert (error.kind, error.sent) == (FailureCause.TLS, "no")
    assert "is it a port for plain HTTP?" in error.detail


async def test_a_port_for_tls_answers_plain_http_with_no_http(secure: Subject) -> None:
    with raw_server((READ, OK), tls=serving(HOST)) as server:
        error = await secure.fails(request_to(server.url.replace("https", "http")))
    assert error.kind in {FailureCause.PROTOCOL, FailureCause.DISCONNECTED}
    assert error.sent == "maybe"


ENDS: list[tuple[str, tuple[Step, ...]]] = [
    ("before the answer", (READ,)),
    ("in the body", (READ, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")),
    ("of a body that only its end delimits", (READ, b"HTTP/1.1 200 OK\r\n\r\nwhole?")),
]


@pytest.mark.parametrize("script", [case[1] for case in ENDS], ids=[case[0] for case in ENDS])
async def test_an_end_without_close_notify_is_no_end(secure: Subject, script: tuple[Step, ...]) -> None:
    with raw_server(script, tls=serving(HOST)) as server:
        error = await secure.fails(request_to(server.url))
    assert error.kind is (FailureCause.DISCONNECTED if script == (READ,) else FailureCause.READ)
    assert error.sent == "maybe"


async def test_a_body_that_only_its_end_delimits_ends_with_close_notify(secure: Subject) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with serving(HOST).wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(65536)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\n\r\nwhole")
            with suppress(OSError):  # not everybody answers
                wrapped.unwrap()

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        response = await secure.send(request_to(f"https://{HOST}:{listener.getsockname()[1]}"))
        await secure.close()
        await anyio.to_thread.run_sync(thread.join)
    assert response.body == b"whole"


async def test_a_whole_answer_needs_no_close_notify(secure: Subject) -> None:
    with raw_server((READ, OK), (READ, OK), tls=serving(HOST)) as server:
        for _ in range(2):
            assert (await secure.send(request_to(server.url))).body == b"ok"
            await anyio.sleep(0.05)
    assert server.connections == 2


async def test_closing_waits_for_nobody(secure: Subject) -> None:
    with raw_server((READ, OK, WAIT), tls=serving(HOST)) as server:
        await secure.send(request_to(server.url))
        with anyio.fail_after(LONG_SECONDS / 2):
            await secure.close()


def test_our_own_context_verifies_and_speaks_http_1_1() -> None:
    context = default_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("ssl_context", [True, "context"])
def test_what_is_no_context_is_refused(ssl_context: object) -> None:
    for make in TRANSPORTS.values():
        with pytest.raises(TypeError, match=r"ssl_context must be an ssl\.SSLContext or None"):
            make(ssl_context=cast(Any, ssl_context))
