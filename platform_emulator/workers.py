"""The workers of a running platform: one task that sleeps until something is due or has changed, and tells whoever waits for an end."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from platform_core.lifecycle import ExecutionStatus
from platform_core.records import ExecutionRecord

from . import keeping
from .keeping import DatabaseError
from .registration import Registered
from .runner import Runner
from .service import NOT_TERMINAL, Service


class _Waiter(NamedTuple):
    """Who waits for an execution to leave these statuses."""

    past: frozenset[ExecutionStatus]
    future: asyncio.Future[ExecutionRecord]


class Workers:
    """Belongs to one event loop. What they do and when is the model's business; here is only the waiting."""

    def __init__(self, service: Service, functions: Iterable[Registered] = ()) -> None:
        self._service = service
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner = Runner(service, functions, self._wake_from_thread)
        self._waiting: dict[str, list[_Waiter]] = {}

    def wake(self) -> None:
        """Look at the schedule again: a request may have changed it. Called in the loop."""
        self._changed.set()

    async def ended(self, execution_id: str) -> ExecutionRecord:
        """Wait for the end of an execution."""
        return await self.moved(execution_id, NOT_TERMINAL)

    async def moved(self, execution_id: str, past: frozenset[ExecutionStatus]) -> ExecutionRecord:
        """Wait until the status of an execution is none of these any more."""
        waiter = _Waiter(past, asyncio.get_running_loop().create_future())
        waiting = self._waiting.setdefault(execution_id, [])
        waiting.append(waiter)
        self.wake()
        try:
            return await waiter.future
        finally:
            waiting.remove(waiter)
            if not waiting:
                self._waiting.pop(execution_id, None)

    async def run(self) -> None:
        """Work until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                self._runner.look()
                self._tell()
                due = self._service.due()
                try:
                    async with asyncio.timeout(None if due is None else max(due - self._service.now(), 0.0)):
                        await self._changed.wait()
                except TimeoutError:
                    await self._advance()
        finally:
            self._runner.close()

    async def _advance(self) -> None:
        try:
            self._service.advance()
        except DatabaseError:
            await asyncio.sleep(keeping.AGAIN_SECONDS)

    def _tell(self) -> None:
        for execution_id, waiters in self._waiting.items():
            for past, future in waiters:
                record = None if future.done() else self._service.moved(execution_id, past)
                if record is not None:
                    future.set_result(record)

    def _wake_from_thread(self) -> None:
        assert self._loop is not None, "runs begin in the loop alone"
        self._loop.call_soon_threadsafe(self._changed.set)
