"""Many runs at the same time, in a few tasks or threads: each of these takes whoever is due first, polls once, and puts the run back.

A run that waits is a value in a heap and no task: ten thousand of them cost the memory of a value each. Who is due, and how fast polls
may follow each other, is decided in `platform_core.schedule`.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from platform_core.machine import Operation
from platform_core.schedule import Due, Schedule

from .contract import Clock, SyncClock
from .drive import AsyncDriven, SyncDriven, alive
from .run import Run, left_unbegun
from .runs import AsyncRuns

K = TypeVar("K")
E = TypeVar("E")
Tell: TypeAlias = Callable[[Callable[[], E]], None]
"""Is handed each end, as what answers with it or raises it."""


class Driven(Protocol):
    """A run in progress, in tasks or threads."""

    @property
    def run(self) -> Run[Any]:
        """Where it is."""
        ...

    def result(self) -> Any:  # noqa: ANN401 -- whatever the operation ends in
        """What it ended in; raises its error."""
        ...


D = TypeVar("D", bound=Driven)


class _One(Generic[K, D]):
    """One of the runs: what it is called, what is to be run, and, from its first poll on, where that is."""

    __slots__ = ("driven", "key", "operation")

    def __init__(self, key: K, operation: Operation[Any]) -> None:
        self.key = key
        self.operation = operation
        self.driven: D | None = None


class _Many(Generic[K, D, E]):
    """What tasks and threads have in common: who waits, and what is told of those who have ended."""

    def __init__(
        self,
        runs: Iterable[tuple[K, Operation[Any]]],
        begin: Callable[[Operation[Any]], D],
        finish: Callable[[K, Any], E],
        at: float,
    ) -> None:
        self._begin = begin
        self._finish = finish
        self._lock = threading.Lock()
        self._schedule: Schedule[_One[K, D]] = Schedule()
        self.count: int = 0
        for key, operation in runs:
            self._schedule.add(_One(key, operation), at)
            self.count += 1

    def _take(self) -> Due[_One[K, D]] | None:
        with self._lock:
            return self._schedule.take()

    def _turn(self, at: float) -> float:
        with self._lock:
            return self._schedule.turn(at)

    def _driven(self, one: _One[K, D]) -> D:
        if one.driven is None:
            one.driven = self._begin(one.operation)
        return one.driven

    def _put_back(self, one: _One[K, D], driven: D, at: float | None, now: float, tell: Tell[E]) -> None:
        """Let the run wait until then, or tell its end where there is no more to wait for."""
        with self._lock:
            self._schedule.heard(driven.run.outcome, now)
            if at is not None:
                self._schedule.add(one, at)
                return
        self._tell_end(one, driven, tell)

    def _tell_end(self, one: _One[K, D], driven: D, tell: Tell[E]) -> None:
        try:
            end = driven.result()
        except Exception as error:  # noqa: BLE001 -- that is the end
            self._tell(one, error, tell)
        else:
            self._tell(one, end, tell)

    def _leave(self, one: _One[K, D], tell: Tell[E]) -> None:
        """Go on with it no longer, and send nothing more."""
        driven = one.driven
        if driven is None:
            self._tell(one, left_unbegun(one.operation), tell)
            return
        driven.run.give_up(driven.run.at)
        self._tell_end(one, driven, tell)

    def _leave_all(self, due: Due[_One[K, D]] | None, tell: Tell[E]) -> None:
        while due is not None:
            self._leave(due.run, tell)
            due = self._take()

    def _tell(self, one: _One[K, D], end: object, tell: Tell[E]) -> None:
        try:
            told = self._finish(one.key, end)
        except Exception as error:  # noqa: BLE001 -- raised where somebody waits for this end
            tell(partial(_raise, error))
        else:
            tell(partial(_same, told))


class AsyncMany(_Many[K, AsyncDriven[Any], E]):
    """Many runs for a few tasks of one event loop, each of which calls `work`."""

    def __init__(
        self,
        runs: Iterable[tuple[K, Operation[Any]]],
        begin: Callable[[Operation[Any]], AsyncDriven[Any]],
        finish: Callable[[K, Any], E],
        clock: Clock,
        alive: AsyncRuns,
    ) -> None:
        """Begin with all of them due at once.

        Args:
            runs: each with what it is called.
            begin: how to drive an operation; called at its first poll, since its clock starts then.
            finish: makes of a name and what its run ended in, a value or an exception, what is told of it; what it raises is raised there.
            clock: the one that `begin` drives with.
            alive: which runs they belong to: where these are closed, all are left.
        """
        super().__init__(runs, begin, finish, clock.now())
        self._clock = clock
        self._alive = alive

    async def work(self, tell: Tell[E]) -> None:
        """Go on with whoever is due first, again and again, until nobody is left to take."""
        with alive(self._clock):
            due = self._take()
            try:
                while due is not None:
                    await self._go_on(due, tell)
                    due = self._take()
            except BaseException:
                self._leave_all(due, tell)
                raise

    async def _go_on(self, due: Due[_One[K, AsyncDriven[Any]]], tell: Tell[E]) -> None:
        with self._alive.alive():
            await self._sleep_until(due.at)
            await self._sleep_until(self._turn(self._clock.now()))
        if self._alive.closed:
            self._leave(due.run, tell)
            return
        driven = self._driven(due.run)
        try:
            at = await driven.to_a_poll()
        except Exception as error:  # noqa: BLE001 -- the end of this run, and of no other
            self._tell(due.run, error, tell)
        else:
            self._put_back(due.run, driven, at, self._clock.now(), tell)

    async def _sleep_until(self, at: float) -> None:
        if at > self._clock.now() and not self._alive.closed:
            await self._clock.sleep_until(at)


class SyncMany(_Many[K, SyncDriven[Any], E]):
    """The same for threads. See `AsyncMany`; where `closed` is set, all runs are left."""

    def __init__(
        self,
        runs: Iterable[tuple[K, Operation[Any]]],
        begin: Callable[[Operation[Any]], SyncDriven[Any]],
        finish: Callable[[K, Any], E],
        clock: SyncClock,
        closed: threading.Event,
    ) -> None:
        super().__init__(runs, begin, finish, clock.now())
        self._clock = clock
        self._closed = closed

    def work(self, tell: Tell[E]) -> None:
        """See `AsyncMany`."""
        with alive(self._clock):
            due = self._take()
            try:
                while due is not None:
                    self._go_on(due, tell)
                    due = self._take()
            except BaseException:
                self._leave_all(due, tell)
                raise

    def _go_on(self, due: Due[_One[K, SyncDriven[Any]]], tell: Tell[E]) -> None:
        self._sleep_until(due.at)
        self._sleep_until(self._turn(self._clock.now()))
        if self._closed.is_set():
            self._leave(due.run, tell)
            return
        driven = self._driven(due.run)
        try:
            at = driven.to_a_poll()
        except Exception as error:  # noqa: BLE001 -- the end of this run, and of no other
            self._tell(due.run, error, tell)
        else:
            self._put_back(due.run, driven, at, self._clock.now(), tell)

    def _sleep_until(self, at: float) -> None:
        if at > self._clock.now() and not self._closed.is_set():
            self._clock.sleep_until(at)


def _same(end: E) -> E:
    return end


def _raise(error: Exception) -> NoReturn:
    raise error
