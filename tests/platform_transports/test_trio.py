"""The trio transport alone: what its cancel scopes leave to others."""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import pytest
import trio

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import OK, READ, WAIT
from platform_transports.contract import Progress, TransportError
from platform_transports.trio import TrioTransport
from tests.platform_transports.native_subject import SHORT_SECONDS


def test_a_scope_around_the_call_is_not_taken_for_its_deadline() -> None:
    async def main(url: str) -> bool:
        transport = TrioTransport()
        with trio.move_on_after(SHORT_SECONDS) as scope:
            await transport.send(request_to(url), CREDENTIALS, trio.current_time() + LONG_SECONDS, DEFAULT_LIMITS, Progress())
        await transport.aclose()
        return scope.cancelled_caught

    with raw_server((READ, WAIT)) as server:
        assert trio.run(main, server.url)


def test_a_cancelled_scope_around_it_sends_nothing() -> None:
    async def main(url: str) -> int:
        transport = TrioTransport(Limits(connections_max=1))
        deadline = trio.current_time() + LONG_SECONDS
        progress = Progress()
        with trio.CancelScope() as scope:
            scope.cancel()
            await transport.send(request_to(url), CREDENTIALS, deadline, DEFAULT_LIMITS, progress)
        assert progress.sent == "no"
        await transport.send(request_to(url), CREDENTIALS, deadline, DEFAULT_LIMITS, Progress())
        await transport.aclose()
        return transport._pool.counts[0]

    with raw_server((READ, OK)) as server:
        assert trio.run(main, server.url) == 0


def test_a_second_event_loop_is_refused_before_anything_is_sent_or_closed() -> None:
    async def send(url: str) -> bytes:
        answer = await transport.send(request_to(url), CREDENTIALS, trio.current_time() + LONG_SECONDS, DEFAULT_LIMITS, Progress())
        return answer.body

    transport = TrioTransport()
    with raw_server((READ, OK, WAIT)) as server:
        assert trio.run(send, server.url) == b"ok"
        with pytest.raises(TransportError, match="another event loop"):
            trio.run(send, server.url)
        with pytest.raises(TransportError, match="another event loop"):
            trio.run(transport.aclose)
        assert (len(server.requests), transport._pool.counts) == (1, (0, 1, 0))
        transport._pool.close().idle[0].close()


def test_a_closed_transport_says_so_at_once() -> None:
    async def main() -> TransportError:
        transport = TrioTransport()
        await transport.aclose()
        with pytest.raises(TransportError) as caught:
            await transport.send(request_to("http://api.invalid"), CREDENTIALS, trio.current_time() + 1, DEFAULT_LIMITS, Progress())
        return caught.value

    assert trio.run(main).kind is FailureCause.CLOSED
