"""A transport under test, async or blocking, as one that is awaited: so that each check is written once."""

import inspect
import time
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import anyio
import anyio.to_thread

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_transports.contract import AsyncTransport, BringsClock, BringsSyncClock, Credentials, Progress, SyncTransport, TransportError

from .ends import CheckFailedError

SECRET = "s3cr3t-t0k3n"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
TARGET = "/api/v1/things"
LONG_SECONDS = 10.0
"""A deadline that is not meant to be reached."""
SHORT_SECONDS = 0.1
"""One that is, on a machine that has time for it: see `Bench.pace`."""
T_co = TypeVar("T_co", bound=AsyncTransport | SyncTransport, covariant=True)


@dataclass(frozen=True)
class Sender(Generic[T_co]):
    """`transport` is what the user wrote."""

    transport: T_co

    @property
    def is_async(self) -> bool:
        """Whether it is awaited."""
        return inspect.iscoroutinefunction(self.transport.send)

    def now(self) -> float:
        """The time in which its deadlines are."""
        transport: object = self.transport
        if isinstance(transport, (BringsClock, BringsSyncClock)):
            return transport.clock.now()
        return anyio.current_time() if self.is_async else time.monotonic()

    async def send(
        self,
        request: OutgoingRequest,
        seconds: float = LONG_SECONDS,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
    ) -> Response:
        """Send with the credentials and the deadline in so many seconds."""
        progress = Progress() if progress is None else progress
        deadline = self.now() + seconds
        transport: object = self.transport
        if self.is_async:
            return await cast("AsyncTransport", transport).send(request, CREDENTIALS, deadline, limits, progress)
        send = cast("SyncTransport", transport).send
        # Abandoned: where a check gives up, the thread ends once the server has closed.
        return await anyio.to_thread.run_sync(send, request, CREDENTIALS, deadline, limits, progress, abandon_on_cancel=True)

    async def fails(self, request: OutgoingRequest, seconds: float = LONG_SECONDS, limits: Limits = DEFAULT_LIMITS) -> TransportError:
        """The error of a send that must fail."""
        progress = Progress()
        try:
            answer = await self.send(request, seconds, limits, progress)
        except TransportError as error:
            if progress.sent != error.sent:
                message = f"progress.sent is {progress.sent!r}, but the error says {error.sent!r}"
                raise CheckFailedError(message) from error
            return error
        message = f"answered with {answer!r} where no answer can be"
        raise CheckFailedError(message)

    async def close(self) -> None:
        """Close it."""
        transport: object = self.transport
        if self.is_async:
            await cast("AsyncTransport", transport).aclose()
        else:
            await anyio.to_thread.run_sync(cast("SyncTransport", transport).close)


def request_to(
    url: str,
    method: str = "GET",
    content: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    target: str = TARGET,
) -> OutgoingRequest:
    """A request as the driver would make it."""
    return OutgoingRequest(method, url + target, Headers(headers), Inline(content))
