"""The scope of one run on asyncio, by which the closing of a client ends it. A module of its own: a blocking client loads no asyncio."""

import asyncio
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs import Scope


class AsyncioScope(AbstractContextManager[None]):
    """What `asyncio.timeout` does, without a time: one cancellation of the task, which is taken back at the end.

    A cancellation that comes from elsewhere meanwhile goes on its way.
    """

    __slots__ = ("_cancellations", "_is_cancelled", "_is_left", "_scopes", "_task")

    def __init__(self, scopes: "set[Scope]") -> None:
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
