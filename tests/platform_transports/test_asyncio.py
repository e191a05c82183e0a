"""The asyncio transport alone: one event loop, and a module whose name is that of another."""

# The server is waited for.
# pyright: reportPrivateUsage=false

import asyncio
import subprocess
import sys

import anyio.to_thread
import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import OK, OK_BYTES, READ, WAIT, Endless
from platform_transports.contract import Progress, TransportError
from tests.platform_transports.native_subject import BACKENDS
from tests.support.patience import HANG_SECONDS


def test_a_second_event_loop_is_refused_before_anything_is_sent() -> None:
    async def send(url: str) -> Response:
        deadline = asyncio.get_running_loop().time() + LONG_SECONDS
        return await transport.send(request_to(url), CREDENTIALS, deadline, DEFAULT_LIMITS, Progress())

    async def send_and_close(url: str) -> Response:
        answer = await send(url)
        await transport.aclose()
        return answer

    transport = AsyncioTransport()
    with raw_server((READ, OK)) as server:
        assert asyncio.run(send_and_close(server.url)).body == b"ok"
        with pytest.raises(TransportError) as caught:
            asyncio.run(send(server.url))
        assert (caught.value.kind, caught.value.sent) == (FailureCause.LOCAL, "no")
        assert len(server.requests) == 1


def test_an_end_that_the_loop_has_not_seen_yet_is_seen_before_the_connection_is_used() -> None:
    async def main() -> int:
        transport = AsyncioTransport()
        deadline = asyncio.get_running_loop().time() + LONG_SECONDS
        await transport.send(request_to(server.url), CREDENTIALS, deadline, DEFAULT_LIMITS, Progress())
        server.release()
        server._threads[-1].join()  # blocks the loop
        await transport.send(request_to(server.url), CREDENTIALS, deadline, DEFAULT_LIMITS, Progress())
        await transport.aclose()
        return server.connections

    with raw_server((READ, OK, WAIT), (READ, OK)) as server:
        assert asyncio.run(main()) == 2


@pytest.mark.parametrize("anyio_backend", [BACKENDS["asyncio"], BACKENDS["uvloop"]], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("chatter", [b"a" * 65536, OK_BYTES], ids=["noise", "answers"])
async def test_what_nobody_asked_for_ends_an_idle_connection_at_once(anyio_backend: object, chatter: bytes) -> None:
    transport = AsyncioTransport()
    with raw_server((READ, OK, WAIT, Endless(chatter))) as server:
        deadline = asyncio.get_running_loop().time() + LONG_SECONDS
        await transport.send(request_to(server.url), CREDENTIALS, deadline, DEFAULT_LIMITS, Progress())
        server.release()
        await anyio.to_thread.run_sync(lambda: server.wait_for(closed=1))
        await transport.aclose()


def test_a_lookup_that_hangs_does_not_keep_the_program_from_ending() -> None:
    program = """
import asyncio, socket, threading
from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_transports.asyncio import AsyncioTransport
from platform_transports.contract import Credentials, Progress, TransportError
real = socket.getaddrinfo
def hang(*args, **options):
    return real(*args, **options) if options.get("flags") else threading.Event().wait()
socket.getaddrinfo = hang
async def main():
    request = OutgoingRequest("GET", "http://api.invalid/", Headers(), Inline(b""))
    deadline = asyncio.get_running_loop().time() + 0.05
    try:
        await AsyncioTransport().send(request, Credentials("A", "b"), deadline, DEFAULT_LIMITS, Progress())
    except TransportError as error:
        print(error.kind)
asyncio.run(main())
"""
    found = subprocess.run([sys.executable, "-c", program], check=True, timeout=HANG_SECONDS, capture_output=True, text=True)
    assert found.stdout == "timeout\n"


@pytest.mark.parametrize("module", ["asyncio", "trio", "sync"])
def test_a_module_named_like_the_library_imports_the_library(module: str) -> None:
    subprocess.run([sys.executable, "-m", f"platform_transports.{module}"], check=True, timeout=HANG_SECONDS)
