"""A transport under test, async or blocking, as one that is awaited."""

import inspect
import time
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import anyio
import anyio.to_thread
import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.contract import AsyncTransport, Credentials, Progress, SyncTransport, TransportError

SECRET = "s3cr3t-t0k3n"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
LONG_SECONDS = 10.0
T_co = TypeVar("T_co", bound=AsyncTransport | SyncTransport, covariant=True)


@dataclass(frozen=True)
class Awaited(Generic[T_co]):
    """Its deadlines are told in seconds from now, and a blocking call runs in a thread."""

    transport: T_co

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.transport.send)

    def now(self) -> float:
        return anyio.current_time() if self.is_async else time.monotonic()

    async def send(
        self,
        request: OutgoingRequest,
        seconds: float = LONG_SECONDS,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
    ) -> Response:
        progress = Progress() if progress is None else progress
        deadline = self.now() + seconds
        if self.is_async:
            return await cast("AsyncTransport", self.transport).send(request, CREDENTIALS, deadline, limits, progress)
        blocking = cast("SyncTransport", self.transport)
        return await anyio.to_thread.run_sync(blocking.send, request, CREDENTIALS, deadline, limits, progress)

    async def fails(self, request: OutgoingRequest, seconds: float = LONG_SECONDS, limits: Limits = DEFAULT_LIMITS) -> TransportError:
        progress = Progress()
        with pytest.raises(TransportError) as caught:
            await self.send(request, seconds, limits, progress)
        assert progress.sent == caught.value.sent
        return caught.value

    async def close(self) -> None:
        if self.is_async:
            await cast("AsyncTransport", self.transport).aclose()
        else:
            await anyio.to_thread.run_sync(cast("SyncTransport", self.transport).close)
