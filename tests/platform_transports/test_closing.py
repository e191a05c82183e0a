"""Each transport closes itself at the end of its block, also when the block raises."""

import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_core.outcomes import FailureCause
from platform_transports.asyncio import AsyncioTransport
from platform_transports.closing import AsyncClosing, SyncClosing
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport

REQUEST = OutgoingRequest("GET", "http://127.0.0.1:9/api/v1/x", Headers(()), Inline(b""))
NEVER = float("inf")


def is_closed(error: TransportError) -> bool:
    return error.kind is FailureCause.CLOSED and error.sent == "no"


@pytest.mark.parametrize("make", [BlockingTransport, HttpxSyncTransport])
def test_a_blocking_transport_is_closed_after_its_block(make: type[BlockingTransport | HttpxSyncTransport]) -> None:
    transport = make()
    with pytest.raises(ZeroDivisionError), transport:
        raise ZeroDivisionError
    with pytest.raises(TransportError) as caught:
        transport.send(REQUEST, Credentials("Authorization", "Bearer t"), NEVER, DEFAULT_LIMITS, Progress())
    assert is_closed(caught.value)


async def test_an_async_transport_is_closed_after_its_block(anyio_backend_name: str) -> None:
    native = AsyncioTransport if anyio_backend_name == "asyncio" else TrioTransport
    for make in (native, HttpxTransport):
        transport = make()
        with pytest.raises(ZeroDivisionError):
            async with transport:
                raise ZeroDivisionError
        with pytest.raises(TransportError) as caught:
            await transport.send(REQUEST, Credentials("Authorization", "Bearer t"), NEVER, DEFAULT_LIMITS, Progress())
        assert is_closed(caught.value)


async def test_whoever_does_not_say_how_to_close_is_told() -> None:
    with pytest.raises(NotImplementedError):
        SyncClosing().close()
    with pytest.raises(NotImplementedError):
        await AsyncClosing().aclose()
