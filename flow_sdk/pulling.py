"""What a call hands on piece by piece, for whoever asks for one after another: the call goes on in a task or thread of its own.

It is never more than one piece ahead. Whoever leaves early (by the end of a `with`, `aclose` or `close`, a cancellation, or by dropping it)
interrupts the call, which then does whatever a call that is interrupted does.

asyncio and anyio are imported where an event loop runs, and has loaded them: a blocking client would pay for both and use neither.
"""

import atexit
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

from platform_core.errors import PlatformClientError
from platform_transports.clock import is_asyncio

T = TypeVar("T")
AsyncPut: TypeAlias = Callable[[T], Awaitable[None]]
"""Hands on one piece, and returns once the one before it was asked for."""
SyncPut: TypeAlias = Callable[[T], None]

LEAVE_SECONDS_MAX = 6.0
"""How long whoever leaves waits for the call to end: a clean-up has 5 s."""
STUCK_SECONDS = 1.0
"""How long a call in a thread may not hear that it was left, before something is done about it, or it is left to itself."""


class AsyncStream(AsyncIterator[T], Generic[T]):
    """An async iterator, for one event loop, which may stand in an `async with` so that its end is waited for."""

    def __init__(self, call: "Callable[[AsyncPut[T]], Awaitable[object]]") -> None:
        self._call: Callable[[AsyncPut[T]], Awaitable[object]] | None = call
        self._task: _Task[T] = _Task()
        # The task does not hold this object, so that it goes when nobody asks any more.
        self._leave = weakref.finalize(self, self._task.leave)
        self._leave.atexit = False

    async def __anext__(self) -> T:
        import anyio

        if self._call is not None:
            call, self._call = self._call, None
            self._task.begin(call)
        try:
            return await self._task.next()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(LEAVE_SECONDS_MAX, shield=True):
                await self.aclose()
            raise

    async def aclose(self) -> None:
        """Leave it, and return once the call has ended. What it was still to say is dropped, also an error. May be called twice."""
        self._call = None
        self._leave()
        await self._task.ended()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        import anyio

        with anyio.move_on_after(LEAVE_SECONDS_MAX, shield=True):
            await self.aclose()


class _Task(Generic[T]):
    """The call, which no cancellation of a waiter reaches, and the piece that nobody has asked for yet."""

    def __init__(self) -> None:
        self._pieces: deque[T] = deque()
        self._is_over = True
        self._is_left = False
        self._error: Exception | None = None

    def begin(self, call: "Callable[[AsyncPut[T]], Awaitable[object]]") -> None:
        """Let the call begin, in the running event loop."""
        import anyio

        self._is_over = False
        self._scope = anyio.CancelScope()
        self._changed = anyio.Event()
        if is_asyncio():
            import asyncio

            self._held = asyncio.get_running_loop().create_task(self._perform(call))  # a loop holds its tasks weakly
        else:
            import trio

            trio.lowlevel.spawn_system_task(self._perform, call)

    async def next(self) -> T:
        """The next piece. Raises what the call raised, and `StopAsyncIteration` where nothing more comes."""
        while not self._pieces:
            if self._is_over:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            await self._changed.wait()
        piece = self._pieces.popleft()
        self._change()
        return piece

    async def ended(self) -> None:
        """Once the call has ended; what it was still to say is dropped."""
        while not self._is_over:
            await self._changed.wait()
        self._pieces.clear()
        self._error = None

    def leave(self) -> None:
        """Interrupt the call."""
        if not self._is_over:
            self._is_left = True
            self._scope.cancel()

    async def _put(self, piece: T) -> None:
        while self._pieces:
            await self._changed.wait()
        self._pieces.append(piece)
        self._change()

    async def _perform(self, call: "Callable[[AsyncPut[T]], Awaitable[object]]") -> None:
        try:
            with self._scope:
                await call(self._put)
        except Exception as error:  # noqa: BLE001 -- raised where somebody asks
            self._error = error
        except BaseException:
            # The loop ends. What came so far must not be taken for all of it.
            self._error = PlatformClientError("the call was cancelled with its event loop")
            raise
        finally:
            self._is_over = True
            self._change()

    def _change(self) -> None:
        import anyio

        self._changed.set()
        self._changed = anyio.Event()


class SyncStream(Iterator[T], Generic[T]):
    """An iterator, which may stand in a `with` so that its end is waited for."""

    def __init__(self, call: "Callable[[SyncPut[T]], object]", when_stuck: Callable[[], object] | None = None) -> None:
        self._call: Callable[[SyncPut[T]], object] | None = call
        self._when_stuck = when_stuck
        """What may help a call to its end that waits for the network, and so does not hear that it was left."""
        self._thread: _Thread[T] = _Thread()
        self._leave = weakref.finalize(self, self._thread.leave)
        self._leave.atexit = False

    def __next__(self) -> T:
        if self._call is not None:
            call, self._call = self._call, None
            self._thread.begin(call)
        try:
            return self._thread.next()
        except KeyboardInterrupt:
            self.close()
            raise

    def close(self) -> None:
        """Leave it, and return once the call has ended, or could not be interrupted for a few seconds. May be called twice."""
        self._call = None
        self._leave()
        if not self._thread.wait(STUCK_SECONDS) and self._when_stuck is not None:
            self._when_stuck()
            self._thread.wait(LEAVE_SECONDS_MAX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Left(Exception):  # noqa: N818 -- no error: how a call in a thread hears that nobody asks for more
    """Whoever asked for the pieces of this call has left."""


class _Thread(Generic[T]):
    """The same in a thread, which no interrupt reaches."""

    def __init__(self) -> None:
        self._pieces: deque[T] = deque()
        self._changed = threading.Condition()
        self._is_over = True
        self._is_left = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def begin(self, call: "Callable[[SyncPut[T]], object]") -> None:
        """Let the call begin."""
        self._is_over = False
        # A daemon, since a server that says nothing for minutes must not keep a program from its end; it has some seconds for its own end.
        self._thread = threading.Thread(target=self._perform, args=(call,), name="platform-client stream", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def next(self) -> T:
        """The next piece. Raises what the call raised, and `StopIteration` where nothing more comes."""
        with self._changed:
            while not self._pieces:
                if self._is_over:
                    error, self._error = self._error, None
                    if error is not None:
                        raise error
                    raise StopIteration
                self._changed.wait()
            piece = self._pieces.popleft()
            self._changed.notify_all()
            return piece

    def wait(self, seconds: float) -> bool:
        """Whether the call has ended, within so much time; what it was still to say is dropped."""
        if self._thread is not None:
            self._thread.join(seconds)
        with self._changed:
            self._pieces.clear()
            self._is_over = True
            self._error = None
        return self._thread is None or not self._thread.is_alive()

    def leave(self) -> None:
        """Interrupt the call once it has something to hand on."""
        with self._changed:
            self._is_left = True
            self._changed.notify_all()

    def _at_exit(self) -> None:
        self.leave()
        self.wait(LEAVE_SECONDS_MAX)

    def _put(self, piece: T) -> None:
        with self._changed:
            while self._pieces and not self._is_left:
                self._changed.wait()
            if self._is_left:
                raise Left
            self._pieces.append(piece)
            self._changed.notify_all()

    def _perform(self, call: "Callable[[SyncPut[T]], object]") -> None:
        error: BaseException | None = None
        try:
            call(self._put)
        except Left:
            pass
        except BaseException as raised:  # noqa: BLE001 -- raised where somebody asks
            error = raised
        atexit.unregister(self._at_exit)
        with self._changed:
            self._is_over = True
            self._error = None if self._is_left else error
            self._changed.notify_all()
