"""What both clients make for some of their calls: a client with other options, which shares all else with the one that it comes from."""

from collections.abc import Mapping
from typing import Self

from platform_core.retry import RetryPolicy
from platform_transports.runs import AsyncRuns, Closed

from .wiring import Wired, documented_by


class Options(Wired):
    """That part of the async client."""

    _runs: AsyncRuns

    def with_options(
        self, *, timeout: float | None = None, retry: RetryPolicy | None = None, headers: Mapping[str, str] | None = None
    ) -> Self:
        """Make a client for calls with other options: `await client.with_options(timeout=5).get_execution_status(execution_id)`.

        It costs next to nothing, asks nobody, and shares all else with this one: connections, tokens, retry budget, observers, journal.
        What is left out stays as it is here; `headers` are added to each request, override those of this client of the same name, and are
        overridden by those of a call. Headers that each request has for itself (`Accept`, `Content-Type`, `Idempotency-Key`,
        `X-Request-ID`) are `ValueError`, as are those of authentication and framing.

        There is no need to close it. Closed all the same, it ends its own calls and takes no more; this client is not touched by that.
        Whoever closes this client closes it too.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._wiring = self._wiring.with_options(timeout=timeout, retry=retry, headers=headers)
        other._runs = self._runs.part()
        return other


@documented_by(Options)
class SyncOptions(Wired):
    """That part of the blocking client."""

    _closed: Closed

    def with_options(  # noqa: D102 -- `documented_by`
        self, *, timeout: float | None = None, retry: RetryPolicy | None = None, headers: Mapping[str, str] | None = None
    ) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._wiring = self._wiring.with_options(timeout=timeout, retry=retry, headers=headers)
        other._closed = self._closed.part()
        return other
