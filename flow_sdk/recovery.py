"""Going on with what a journal says that had not ended: every run at the same time, each told as it ends."""

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from platform_core.errors import PlatformClientError
from platform_core.handles import ExecutionHandle
from platform_core.machine import Operation
from platform_core.records import ExecutionRecord
from platform_core.resuming import handle_of_record, handle_of_run
from platform_transports.drive import AsyncRuns
from platform_transports.ends import AsyncEnds, sync_ends
from platform_transports.journal import Journal

from .wiring import HeldJournal

Recovered: TypeAlias = tuple[ExecutionHandle | None, ExecutionRecord | PlatformClientError]
"""Which execution, and what its run ended in. None for one that cannot be named: nothing had been sent, or without a key."""


class RunAsync(Protocol):
    """How a client runs one of these."""

    def __call__(self, operation: Operation[Any], *, journal: Journal, runs: AsyncRuns) -> Awaitable[ExecutionRecord]:
        """Run it to its end."""
        ...


class RunSync(Protocol):
    """The same for a blocking client."""

    def __call__(self, operation: Operation[Any], *, journal: Journal, closed: threading.Event) -> ExecutionRecord:
        """Run it to its end."""
        ...


def recover_async(held: HeldJournal, run: RunAsync, runs: AsyncRuns) -> AsyncEnds[Recovered]:
    """Go on with every run of the journal that had not ended, once the first end is asked for."""

    async def end(name: UUID, operation: Operation[Any], runs: AsyncRuns) -> Recovered:
        try:
            return _ended(await run(operation, journal=held.journal, runs=runs))
        except PlatformClientError as error:
            return error.handle or handle_of_run(operation), error
        finally:
            held.journal.release([name])

    def begin() -> Sequence[Callable[[AsyncRuns], Awaitable[Recovered]]]:
        return [partial(end, *each) for each in _claimed(held).items()]

    return AsyncEnds(begin, runs)


def recover_sync(held: HeldJournal, run: RunSync, closed: threading.Event) -> Iterator[Recovered]:
    """The same, in threads."""

    def end(name: UUID, operation: Operation[Any]) -> Recovered:
        try:
            return _ended(run(operation, journal=held.journal, closed=closed))
        except PlatformClientError as error:
            return error.handle or handle_of_run(operation), error
        finally:
            held.journal.release([name])

    claimed = _claimed(held)
    try:
        yield from sync_ends([partial(end, *each) for each in claimed.items()], closed)
    finally:
        held.journal.release(claimed)


def _claimed(held: HeldJournal) -> dict[UUID, Operation[Any]]:
    try:
        return held.journal.claim()
    finally:
        if not held.borrowed:
            held.journal.close()  # once these runs have ended


def _ended(record: ExecutionRecord) -> Recovered:
    return handle_of_record(record), record
