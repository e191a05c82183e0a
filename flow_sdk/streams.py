"""What both clients do with bodies of any size: downloads, in a file or piece by piece, and whatever else flows."""

import os
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, overload

from platform_core import downloads
from platform_core.downloads import Downloaded
from platform_core.machine import Operation
from platform_core.messages import External
from platform_transports.contract import IDLE_SECONDS_MAX, AsyncFlow, SyncFlow
from platform_transports.drive import run_async, run_sync
from platform_transports.journal import Journal
from platform_transports.runs import AsyncRuns, Closed
from platform_transports.tokens import AsyncTokens, SyncTokens

from .binding import AsyncBinding, SyncBinding
from .bodies import async_body, sync_body
from .downloads import AsyncChunks, AsyncIntoFile, PartFile, SyncChunks, SyncIntoFile, Taking
from .fed import Fed
from .pulling import AsyncPut, AsyncStream, SyncPut, SyncStream
from .wiring import Wired, documented_by

T = TypeVar("T")


class Streams(Wired):
    """That part of the async client."""

    _tokens: AsyncTokens
    _runs: AsyncRuns
    _binding: AsyncBinding

    @overload
    def download(
        self,
        path: str,
        to: None = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncStream[bytes]: ...
    @overload
    def download(
        self,
        path: str,
        to: str | os.PathLike[str],
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Coroutine[Any, Any, Downloaded]: ...
    def download(
        self,
        path: str,
        to: str | os.PathLike[str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncStream[bytes] | Coroutine[Any, Any, Downloaded]:
        """Fetch a content of any size: into the file `to`, or, without it, as an iterator of its pieces.

        What is cut is gone on with where the server allows it, by a strong `ETag` and `Range`, as long as something comes of it, and its
        length is checked. `timeout_seconds` is for all of it, an hour where None; the network may stand still for a minute.

        With `to`: answers with `Downloaded(size_bytes, content_type, etag)`. The file has its name once it is whole and on the disk,
        in place of what had that name; before that it is `.NAME.XXXXXXXX.part` beside it, of which nothing is left where the call fails.

        Without: an iterator, to be looped over or to stand in a `with` (`async with` in the async client), at whose end the connection is
        closed. What was handed on cannot be taken back, so that a content without a strong `ETag` is not gone on with after a cut.
        """
        operation = downloads.download(
            path,
            params=params,
            headers=headers,
            timeout_seconds=timeout_seconds,
            restartable=to is not None,
            **self._wiring.built_with,
        )
        if to is not None:
            return self._download_into(operation, PartFile(to, operation.seed))

        async def call(put: "AsyncPut[bytes]") -> None:
            taking = Taking(restartable=False)
            await self._run(Fed(operation, taking.look), self._incoming(AsyncChunks(taking, put)))

        return AsyncStream(call)

    async def _download_into(self, operation: Operation[Downloaded], file: PartFile) -> Downloaded:
        taking = Taking(restartable=True)
        sink = AsyncIntoFile(taking, file)
        try:
            await sink.open()
            downloaded = await self._run(Fed(operation, taking.look), self._incoming(sink))
            await sink.finish()
        finally:
            file.discard()
        return downloaded

    def _outgoing(self, content: object) -> tuple[bytes | External | None, AsyncFlow | None]:
        """The body as a request names it, and what it flows from; the answer may take as long as any other."""
        body, flow = async_body(content)
        return body, flow and flow._replace(idle_seconds_max=self._wiring.config.settings.timeout_seconds)

    def _incoming(self, sink: AsyncChunks | AsyncIntoFile) -> AsyncFlow:
        return AsyncFlow(sink=sink, idle_seconds_max=min(IDLE_SECONDS_MAX, self._wiring.config.settings.timeout_seconds))

    async def _run(self, operation: Operation[T], flow: AsyncFlow | None = None, journal: Journal | None = None) -> T:
        bound = self._binding.get(self._runs)
        return await run_async(
            operation,
            transport=bound.transport,
            clock=bound.clock,
            config=self._wiring.config,
            tokens=self._tokens,
            budget=self._wiring.budget,
            observers=self._wiring.observers,
            runs=self._runs,
            journal=journal,
            flow=flow,
        )


@documented_by(Streams)
class SyncStreams(Wired):
    """That part of the blocking client."""

    _tokens: SyncTokens
    _closed: Closed
    _binding: SyncBinding

    @overload
    def download(
        self,
        path: str,
        to: None = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> SyncStream[bytes]: ...
    @overload
    def download(
        self,
        path: str,
        to: str | os.PathLike[str],
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Downloaded: ...
    def download(  # noqa: D102 -- `documented_by`
        self,
        path: str,
        to: str | os.PathLike[str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> SyncStream[bytes] | Downloaded:
        operation = downloads.download(
            path,
            params=params,
            headers=headers,
            timeout_seconds=timeout_seconds,
            restartable=to is not None,
            **self._wiring.built_with,
        )
        if to is not None:
            return self._download_into(operation, PartFile(to, operation.seed))

        def call(put: "SyncPut[bytes]") -> None:
            taking = Taking(restartable=False)
            self._run(Fed(operation, taking.look), self._incoming(SyncChunks(taking, put)))

        return SyncStream(call)

    def _download_into(self, operation: Operation[Downloaded], file: PartFile) -> Downloaded:
        taking = Taking(restartable=True)
        sink = SyncIntoFile(taking, file)
        try:
            sink.open()
            downloaded = self._run(Fed(operation, taking.look), self._incoming(sink))
            sink.finish()
        finally:
            file.discard()
        return downloaded

    def _outgoing(self, content: object) -> tuple[bytes | External | None, SyncFlow | None]:
        body, flow = sync_body(content)
        return body, flow and flow._replace(idle_seconds_max=self._wiring.config.settings.timeout_seconds)

    def _incoming(self, sink: SyncChunks | SyncIntoFile) -> SyncFlow:
        return SyncFlow(sink=sink, idle_seconds_max=min(IDLE_SECONDS_MAX, self._wiring.config.settings.timeout_seconds))

    def _run(self, operation: Operation[T], flow: SyncFlow | None = None, journal: Journal | None = None) -> T:
        return run_sync(
            operation,
            transport=self._binding.get(self._closed),
            config=self._wiring.config,
            tokens=self._tokens,
            budget=self._wiring.budget,
            observers=self._wiring.observers,
            closed=self._closed,
            journal=journal,
            flow=flow,
        )
