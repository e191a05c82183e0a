"""The runs of one client that are alive, and how the closing of the client ends them; of some of them, by themselves.

Every call of an async client enters a scope for it. On asyncio that is one of ours, which is all but free where nobody is closed:
entering and leaving that of anyio took as many instructions as both steps of a plain call in the core.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol
from weakref import WeakSet

from .clock import is_asyncio


class Scope(AbstractContextManager[object], Protocol):
    """What is left early once it is cancelled, and then as if nothing had been raised."""

    def cancel(self) -> None:
        """Leave it at the next await, whatever is awaited there."""
        ...


class AsyncRuns:
    """The runs of one client that are alive, so that closing the client ends them. For one event loop."""

    def __init__(self, whole: "AsyncRuns | None" = None) -> None:
        self.closed: bool = whole is not None and whole.closed
        self._whole = whole  # held, since it is through it that the closing of the client comes here
        self._scopes: set[Scope] = set()
        self._scope: Callable[[set[Scope]], AbstractContextManager[None]] | None = None
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
            self._scope = _asyncio_scope() if is_asyncio() else _trio_scope()
        return self._scope(self._scopes)

    def alive_shielded(self) -> AbstractContextManager[None]:
        """The same, where it is left early by nothing else."""
        import anyio

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

    def __init__(self, scopes: set[Scope], scope: Scope) -> None:
        self._scopes = scopes
        self._scope = scope

    def __enter__(self) -> None:
        self._scope.__enter__()
        self._scopes.add(self._scope)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._scopes.discard(self._scope)
        return self._scope.__exit__(kind, error, trace)


def _asyncio_scope() -> Callable[[set[Scope]], AbstractContextManager[None]]:
    from ._asyncio_scope import AsyncioScope

    return AsyncioScope


def _trio_scope() -> Callable[[set[Scope]], AbstractContextManager[None]]:
    import trio

    return lambda scopes: _Alive(scopes, trio.CancelScope())
