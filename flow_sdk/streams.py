"""What both clients do with bodies that flow: downloads, into a file or piece by piece, uploads, and the events of an agent."""

import os
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar, overload
from uuid import UUID

from platform_core import downloads, operations
from platform_core.agent_stream import Event
from platform_core.cancelling import Cancel, CancelCall, ReadyToCancel
from platform_core.cleanup import CLEANUP_SECONDS
from platform_core.downloads import Downloaded
from platform_core.errors import PlatformClientError
from platform_core.handles import OnAbandon
from platform_core.machine import Operation
from platform_core.messages import External
from platform_transports.contract import IDLE_SECONDS_MAX, AsyncFlow, AsyncTransport, SyncFlow, SyncTransport
from platform_transports.drive import run_async, run_sync, sync_clock
from platform_transports.journal import Journal
from platform_transports.runs import AsyncRuns, Closed
from platform_transports.tokens import AsyncTokens, SyncTokens

from .agent_streams import AsyncEvents, AsyncStreaming, Reading, SyncEvents, SyncStreaming
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

    def stream_agent(
        self,
        agent_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        execution_mode: str = "isolated",
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
        on_abandon: OnAbandon = "cancel",
    ) -> AsyncStream[Event]:
        """Run an agent, and yield its events as they come: an iterator of `Event(event, data, id, retry)`, to stand in a `with`.

        `data` is parsed where it is JSON, else it is a text. The iterator ends after the event that ends the run, whose data is the record;
        where that is not `completed`, it raises the error that `execute_agent` would have raised. So it does where the stream breaks off:
        the execution goes on then, and `resume(error.handle)` waits for its end.

        Arguments and deadlines are those of `execute_agent`; between two events there may pass as much time as `timeout`. Whoever leaves
        (by the end of the `with`, `async with` in the async client, by a cancellation, or by dropping the iterator) closes the connection
        and cancels the execution, if its id was told and unless `on_abandon` is "detach"; at the end of a `with` that is done. In the
        blocking client it is noticed with the next bytes that come. Nothing of it stands in a journal.
        """
        operation = operations.stream_agent(
            agent_id,
            input_data,
            context,
            execution_mode,
            ring_id,
            timeout_seconds,
            scope=scope,
            lifecycle_event=lifecycle_event,
            on_abandon=on_abandon,
            **self._wiring.built_with,
        )

        async def call(put: "AsyncPut[Event]") -> None:
            settings = self._wiring.config.settings
            reading = Reading(settings.limits)
            flow = AsyncFlow(sink=AsyncEvents(reading, put), idle_seconds_max=settings.timeout_seconds)
            await self._run(Fed(operation, reading.look), transport=AsyncStreaming(self._binding.get(self._runs).transport, flow))

        return AsyncStream(call)

    def _outgoing(self, content: object) -> tuple[bytes | External | None, AsyncFlow | None]:
        """The body as a request names it, and what it flows from; the answer may take as long as any other."""
        body, flow = async_body(content)
        return body, flow and flow._replace(idle_seconds_max=self._wiring.config.settings.timeout_seconds)

    def _incoming(self, sink: AsyncChunks | AsyncIntoFile) -> AsyncFlow:
        return AsyncFlow(sink=sink, idle_seconds_max=min(IDLE_SECONDS_MAX, self._wiring.config.settings.timeout_seconds))

    async def _run(
        self,
        operation: Operation[T],
        flow: AsyncFlow | None = None,
        journal: Journal | None = None,
        transport: AsyncTransport | None = None,
    ) -> T:
        bound = self._binding.get(self._runs)
        return await run_async(
            operation,
            transport=transport or bound.transport,
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

    def stream_agent(  # noqa: D102 -- `documented_by`
        self,
        agent_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        execution_mode: str = "isolated",
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
        on_abandon: OnAbandon = "cancel",
    ) -> SyncStream[Event]:
        operation = operations.stream_agent(
            agent_id,
            input_data,
            context,
            execution_mode,
            ring_id,
            timeout_seconds,
            scope=scope,
            lifecycle_event=lifecycle_event,
            on_abandon=on_abandon,
            **self._wiring.built_with,
        )
        settings = self._wiring.config.settings
        reading = Reading(settings.limits)

        def call(put: "SyncPut[Event]") -> None:
            flow = SyncFlow(sink=SyncEvents(reading, put), idle_seconds_max=settings.timeout_seconds)
            self._run(Fed(operation, reading.look), transport=SyncStreaming(self._binding.get(self._closed), flow))

        def cancel() -> None:
            """From another thread, where the one that reads hears nothing."""
            execution_id = reading.heard.execution_id
            if execution_id is not None:
                goal = CancelCall(**self._wiring.built_with, ends_at=CLEANUP_SECONDS)
                with suppress(
                    PlatformClientError
                ):  # whoever leaves is owed no error; the call itself tells the observers what became of it
                    self._run(ReadyToCancel(Cancel(goal, execution_id, sends=0)))

        return SyncStream(call, cancel if on_abandon == "cancel" else None)

    def _outgoing(self, content: object) -> tuple[bytes | External | None, SyncFlow | None]:
        body, flow = sync_body(content)
        return body, flow and flow._replace(idle_seconds_max=self._wiring.config.settings.timeout_seconds)

    def _incoming(self, sink: SyncChunks | SyncIntoFile) -> SyncFlow:
        return SyncFlow(sink=sink, idle_seconds_max=min(IDLE_SECONDS_MAX, self._wiring.config.settings.timeout_seconds))

    def _run(
        self,
        operation: Operation[T],
        flow: SyncFlow | None = None,
        journal: Journal | None = None,
        transport: SyncTransport | None = None,
    ) -> T:
        bound = self._binding.get(self._closed)
        return run_sync(
            operation,
            transport=transport or bound,
            clock=sync_clock(bound, self._closed),
            config=self._wiring.config,
            tokens=self._tokens,
            budget=self._wiring.budget,
            observers=self._wiring.observers,
            closed=self._closed,
            journal=journal,
            flow=flow,
        )
