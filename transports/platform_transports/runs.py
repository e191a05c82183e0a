"""The runs of one client that are alive, and how the closing of the client ends them; of some of them, by themselves.

Every call of an async client enters a scope for it. On asyncio that is one of ours, which is all but free where nobody is closed:
entering and leaving that of anyio took as many instructions as both steps of a plain call in the core.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

import anyio

from .clock import is_asyncio


class _Scope(AbstractContextManager[object], Protocol):
    """What is left early once it is cancelled, and then as if nothing had been raised."""

    def cancel(self) -> None:
        """Leave it at the next await, whatever is awaited there."""
        ...


class AsyncRuns:
    """The runs of one client that are alive, so that closing the client ends them. For one event loop."""

    def __init__(self, whole: "AsyncRuns | None" = None) -> None:
        self.closed: bool = whole is not None and whole.closed
        self._whole = whole  # held, since it is through it that the closing of the client comes here
        self._scopes: set[_Scope] = set()
        self._scope: Callable[[set[_Scope]], AbstractContextManager[None]] | None = None
        self._parts: WeakSet[AsyncRuns] = WeakSet()

    def part(self) -> "AsyncRuns":
        """Some of these runs, which can be ended by themselves, and are with all others."""
        part = AsyncRuns(self)
        self._parts.add(part)
        return part

    @property
    def is_part(self) -> bool:
        """Whether these are some of the runs of a client, and not all of them."""
        return self._whole is not None

    def close(self) -> None:
        """End every run at once; each raises an error that carries its handle."""
        self.closed = True
        for part in tuple(self._parts):
            part.close()
        for scope in tuple(self._scopes):
            scope.cancel()

    def alive(self) -> AbstractContextManager[None]:
        """A run is alive inside it; it is left early where the client is closed."""
        if self._scope is None:
            self._scope = _AsyncioScope if is_asyncio() else _trio_scope()
        return self._scope(self._scopes)

    def alive_shielded(self) -> AbstractContextManager[None]:
        """The same, where it is left early by nothing else."""
        return _Alive(self._scopes, anyio.CancelScope(shield=True))


class Closed(threading.Event):
    """Set once the runs of a blocking client are to end: what `AsyncRuns` is to an async one. For any number of threads."""

    def __init__(self, whole: "Closed | None" = None) -> None:
        super().__init__()
        self._whole = whole
        self._parts: WeakSet[Closed] = WeakSet()

    def part(self) -> "Closed":
        """Of some of these runs, which can be ended by themselves, and are with all others."""
        part = Closed(self)
        self._parts.add(part)
        if self.is_set():  # also where that came between these lines
            part.set()
        return part

    @property
    def is_part(self) -> bool:
        """Whether it ends some of the runs of a client, and not all of them."""
        return self._whole is not None

    def set(self) -> None:
        """End every run."""
        super().set()
        for part in tuple(self._parts):
            part.set()


class _Alive(AbstractContextManager[None]):
    """A scope of another library's. As a class: it takes half as long as a generator."""

    __slots__ = ("_scope", "_scopes")

    def __init__(self, scopes: set[_Scope], scope: _Scope) -> None:
        self._scopes = scopes
        self._scope = scope

    def __enter__(self) -> None:
        self._scope.__enter__()
        self._scopes.add(self._scope)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._scopes.discard(self._scope)
        return self._scope.__exit__(kind, error, trace)


class _AsyncioScope(AbstractContextManager[None]):
    """What `asyncio.timeout` does, without a time: one cancellation of the task, which is taken back at the end.

    A cancellation that comes from elsewhere meanwhile goes on its way.
    """

    __slots__ = ("_cancellations", "_is_cancelled", "_is_left", "_scopes", "_task")

    def __init__(self, scopes: set[_Scope]) -> None:
        self._scopes = scopes
        self._is_cancelled = self._is_left = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine of asyncio runs in a task"
        self._task = task
        self._cancellations = task.cancelling()
        self._scopes.add(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self._scopes.discard(self)
        self._is_left = True
        if not self._is_cancelled:
            return False
        return self._task.uncancel() <= self._cancellations and kind is not None and issubclass(kind, asyncio.CancelledError)

    def cancel(self) -> None:
        """Cancel the task once it waits. While it runs, it might leave the scope before the cancellation reaches it."""
        with suppress(RuntimeError):  # the loop is closed: nothing runs there any more
            self._task.get_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        if not self._is_left and not self._is_cancelled:
            self._is_cancelled = True
            self._task.cancel()


def _trio_scope() -> Callable[[set[_Scope]], AbstractContextManager[None]]:
    import trio

    return lambda scopes: _Alive(scopes, trio.CancelScope())
