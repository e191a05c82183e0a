"""What both clients do with many executions at a time: wait for all of them, or go on with those of a journal; each is told as it ends.

The rows of ends, with their pools of tasks and threads, are imported by whoever asks for one: few programs do.
"""

import os
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias, cast
from uuid import UUID

from platform_core.checks import checked_count
from platform_core.errors import PlatformClientError
from platform_core.handles import ExecutionHandle
from platform_core.machine import Operation
from platform_core.records import ExecutionRecord
from platform_core.resuming import handle_of_id, handle_of_record, handle_of_run, resume_execution
from platform_core.schedule import CONCURRENCY
from platform_transports.drive import AsyncDriven, SyncDriven, sync_clock
from platform_transports.journal import Journal
from platform_transports.runs import AsyncRuns, Closed
from platform_transports.tokens import AsyncTokens, SyncTokens

from .binding import AsyncBinding, SyncBinding
from .wiring import HeldJournal, Wired, Wiring, documented_by

End: TypeAlias = ExecutionRecord | PlatformClientError
"""What a run ended in: the record, `completed`, or the error that `execute_*` would have raised."""
Awaited: TypeAlias = tuple[ExecutionHandle, End]
"""The handle as it was given, or that of the id, and what its run ended in."""
Recovered: TypeAlias = tuple[ExecutionHandle | None, End]
"""Which execution, and what its run ended in. None for one that cannot be named: nothing had been sent, or without a key."""
OnProgress: TypeAlias = Callable[[int, int], object]
"""Is called with how many have ended, and of how many."""


class ManyRuns(Wired):
    """That part of the async client."""

    _tokens: AsyncTokens
    _runs: AsyncRuns
    _binding: AsyncBinding

    def await_all(
        self,
        handles_or_ids: Iterable[ExecutionHandle | UUID | str],
        *,
        concurrency: int = CONCURRENCY,
        on_progress: OnProgress | None = None,
    ) -> AsyncIterator[Awaited]:
        """Wait for many executions, and yield each as it ends: `(handle, end)`.

        An id is awaited as by `await_execution_result`, a handle as by `resume`. `end` is the record, `completed`, or the error, which is
        never raised, so that none is lost with another; `handle` is the one that was given. All are watched at the same time, by at most
        `concurrency` requests in flight and 500 polls a second. `on_progress` is called with two numbers as each ends, how many have and
        of how many, also while whoever loops does something else; by the blocking client in a thread of its own.

        Whoever leaves the loop, or closes the client, leaves the executions that are still running there: nothing more is sent.
        """
        named, part = _named(handles_or_ids, self._wiring), self._runs.part()
        progress = _Progress(len(named), on_progress, lambda: part.closed)
        return self._row(part, lambda: named, progress.finish, self._wiring.journal, checked_count(concurrency, "concurrency"))

    def recover(self, journal: Journal | str | os.PathLike[str]) -> AsyncIterator[Recovered]:
        """Go on with every run of a journal that had not ended when its process died, and yield each as it ends: `(handle, end)`.

        `end` is the execution's record, or the error that the run ends in, and is never raised. A run that was under way goes on with its
        deadline as far ahead as it was; a cancel that was decided is carried out. The journal is written on. Whoever leaves the loop, or
        closes the client, leaves the other runs in it, to be recovered another time.

        With the first one asked for, raises `PlatformJournalError` where the journal is in use, cannot be written or is none, and
        `ValueError` for a line that this version cannot read. A journal that yields nothing more may be removed.
        """
        held = self._wiring.journal_of(journal)
        return self._row(self._runs.part(), partial(_claimed, held), partial(_recovered, held.journal), held.journal, CONCURRENCY)

    def _row(
        self, part: AsyncRuns, runs: "Callable[[], _Named]", finish: Callable[[Any, Any], Any], journal: Journal | None, concurrency: int
    ) -> AsyncIterator[Any]:
        from platform_transports.ends import AsyncEnds
        from platform_transports.many import AsyncMany

        bound = self._binding.get(part)
        transport, clock = bound.transport, bound.clock

        def begin(operation: Operation[Any]) -> AsyncDriven[Any]:
            wiring = self._wiring
            return AsyncDriven(operation, transport, wiring.config, self._tokens, clock, wiring.budget, wiring.observers, part, journal)

        return AsyncEnds(lambda: AsyncMany(runs(), begin, finish, clock, part), part, concurrency)


@documented_by(ManyRuns)
class SyncManyRuns(Wired):
    """That part of the blocking client."""

    _tokens: SyncTokens
    _closed: Closed
    _binding: SyncBinding

    def await_all(  # noqa: D102 -- `documented_by`
        self,
        handles_or_ids: Iterable[ExecutionHandle | UUID | str],
        *,
        concurrency: int = CONCURRENCY,
        on_progress: OnProgress | None = None,
    ) -> Iterator[Awaited]:
        named, part = _named(handles_or_ids, self._wiring), self._closed.part()
        progress = _Progress(len(named), on_progress, part.is_set)
        return self._row(part, lambda: named, progress.finish, self._wiring.journal, checked_count(concurrency, "concurrency"))

    def recover(self, journal: Journal | str | os.PathLike[str]) -> Iterator[Recovered]:  # noqa: D102 -- `documented_by`
        held = self._wiring.journal_of(journal)
        return self._row(self._closed.part(), partial(_claimed, held), partial(_recovered, held.journal), held.journal, CONCURRENCY)

    def _row(
        self,
        part: Closed,
        runs: "Callable[[], _Named]",
        finish: Callable[[Any, Any], Any],
        journal: Journal | None,
        concurrency: int,
    ) -> Iterator[Any]:
        from platform_transports.ends import sync_ends
        from platform_transports.many import SyncMany

        transport = self._binding.get(part)
        clock = sync_clock(transport, part)

        def begin(operation: Operation[Any]) -> SyncDriven[Any]:
            wiring = self._wiring
            return SyncDriven(operation, transport, wiring.config, self._tokens, clock, wiring.budget, wiring.observers, part, journal)

        return sync_ends(lambda: SyncMany(runs(), begin, finish, clock, part), part, concurrency)


_Named: TypeAlias = list[tuple[Any, Operation[Any]]]
"""Operations, each with what it is called by its `finish`."""


class _Progress:
    """Tells how many have ended; not of those that are left."""

    def __init__(self, total: int, on_progress: object, is_left: Callable[[], bool]) -> None:
        if on_progress is not None and not callable(on_progress):
            raise TypeError(f"on_progress must be callable, not {type(on_progress).__name__}")
        self._on_progress = cast("OnProgress | None", on_progress)
        self._total = total
        self._ended = 0
        self._is_left = is_left
        self._lock = threading.Lock()

    def finish(self, handle: ExecutionHandle, end: ExecutionRecord | Exception) -> Awaited:
        """One more has ended."""
        with self._lock:
            self._ended += 1
            if self._on_progress is not None and not self._is_left():
                try:
                    self._on_progress(self._ended, self._total)
                except Exception as error:  # noqa: BLE001 -- it must not decide what becomes of a run
                    self._on_progress = None
                    message = f"on_progress failed and is not called again: {type(error).__name__}: {error}"
                    warnings.warn(message, RuntimeWarning, stacklevel=2)
        return handle, _end(end)


def _named(handles_or_ids: object, wiring: Wiring) -> _Named:
    if isinstance(handles_or_ids, (str, bytes)) or not isinstance(handles_or_ids, Iterable):
        raise TypeError(f"handles_or_ids must be an iterable of handles or ids, not {type(handles_or_ids).__name__}")
    named: _Named = []
    for number, given in enumerate(cast("Iterable[object]", handles_or_ids)):
        name = f"handles_or_ids[{number}]"
        handle = given if isinstance(given, ExecutionHandle) else handle_of_id(cast("str", given), name)
        try:
            named.append((handle, resume_execution(handle, **wiring.built_with)))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return named


def _claimed(held: HeldJournal) -> _Named:
    try:
        return [(operation, operation) for operation in held.journal.claim().values()]
    finally:
        if not held.borrowed:
            held.journal.close()  # once these runs have ended


def _recovered(journal: Journal, operation: Operation[Any], end: ExecutionRecord | Exception) -> Recovered:
    journal.release([operation.seed])
    found = _end(end)
    return (found.handle or handle_of_run(operation), found) if isinstance(found, PlatformClientError) else (handle_of_record(found), found)


def _end(end: ExecutionRecord | Exception) -> End:
    if isinstance(end, Exception) and not isinstance(end, PlatformClientError):
        raise end  # a bug: raised where somebody waits
    return end
