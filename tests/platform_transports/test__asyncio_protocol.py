"""The timer of a connection: calls that come one after the other have one, and each ends at its own deadline all the same."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace

import anyio.to_thread
import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.sender import CREDENTIALS, request_to
from platform_transports.conformance.server import RawServer, raw_server
from platform_transports.conformance.steps import OK, READ, WAIT
from platform_transports.contract import AsyncFlow, Progress, TransportError

HOUR = 3600.0
LIMITS = replace(DEFAULT_LIMITS, idle_seconds_max=10 * HOUR)
FLOW = AsyncFlow(idle_seconds_max=10 * HOUR)


class LoopAhead(asyncio.SelectorEventLoop):
    """An event loop whose clock can be set ahead."""

    seconds = 0.0

    def time(self) -> float:
        return super().time() + self.seconds

    async def ahead(self, seconds: float) -> None:
        """Set it ahead, and let everything happen that is due then."""
        self.seconds += seconds
        for _ in range(5):
            await asyncio.sleep(0)


class Calls:
    """A transport, and calls to a server, one after the other."""

    def __init__(self, server: RawServer, loop: LoopAhead) -> None:
        self.transport = AsyncioTransport(LIMITS)
        self._server = server
        self._loop = loop

    async def send(self, seconds: float, flow: AsyncFlow | None = None) -> Response:
        """A call with so much time."""
        request, deadline = request_to(self._server.url), self._loop.time() + seconds
        return await self.transport.send(request, CREDENTIALS, deadline, LIMITS, Progress(), flow)

    async def sent(self, seconds: float, flow: AsyncFlow | None = None) -> asyncio.Task[Response]:
        """A call whose request, the second one, has come to the server."""
        call = asyncio.create_task(self.send(seconds, flow))
        await anyio.to_thread.run_sync(lambda: self._server.wait_for(requests=2))
        return call


def run(main: Coroutine[object, object, None], loop: LoopAhead) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main)


@pytest.mark.parametrize("flow", [None, FLOW], ids=["whole", "flowing"])
def test_a_call_outlasts_the_deadline_of_the_one_before_it(flow: AsyncFlow | None) -> None:
    async def main() -> None:
        calls = Calls(server, loop)
        await calls.send(HOUR)
        call = await calls.sent(3 * HOUR, flow)
        await loop.ahead(2 * HOUR)
        assert not call.done()
        server.release()
        assert (await call).body == b"ok"
        assert server.connections == 1
        await calls.transport.aclose()

    loop = LoopAhead()
    with raw_server((READ, OK, READ, WAIT, OK)) as server:
        run(main(), loop)


@pytest.mark.parametrize(("before", "own", "meanwhile"), [(1, 3, 2), (3, 1, 0.5)], ids=["later", "earlier"])
def test_a_call_ends_at_its_own_deadline_whatever_that_of_the_one_before_it(before: float, own: float, meanwhile: float) -> None:
    async def main() -> None:
        calls = Calls(server, loop)
        await calls.send(before * HOUR)
        call = await calls.sent(own * HOUR)
        await loop.ahead(meanwhile * HOUR)
        assert not call.done()
        await loop.ahead((own - meanwhile) * HOUR)
        with pytest.raises(TransportError) as caught:
            await call
        assert caught.value.kind is FailureCause.TIMEOUT
        assert server.connections == 1
        await calls.transport.aclose()

    loop = LoopAhead()
    with raw_server((READ, OK, READ, WAIT)) as server:
        run(main(), loop)


def test_an_idle_connection_outlasts_the_deadline_of_its_last_call() -> None:
    async def main() -> None:
        calls = Calls(server, loop)
        await calls.send(HOUR)
        await loop.ahead(2 * HOUR)
        assert (await calls.send(HOUR)).body == b"ok"
        assert server.connections == 1
        await calls.transport.aclose()

    loop = LoopAhead()
    with raw_server((READ, OK, READ, OK), (READ, OK)) as server:
        run(main(), loop)
