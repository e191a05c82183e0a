"""Where a download's bytes go: into a file that has its name once it is whole, or to whoever asks for one piece after another."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from platform_core.messages import Response
from platform_core.parts import Part
from platform_transports.contract import TransportError
from platform_transports.journal import sync_folder

from .pulling import AsyncPut, SyncPut

HELD_BYTES = 1024 * 1024
"""So much is written at once: a way into a worker thread and back for each piece of the network would cost more than the writing."""
_NAME_LENGTH_MAX = 100
"""Of the final name in that of the unfinished file, which has a bound of its own."""


class Taking:
    """What has come, for the operation to look at. `restartable`: what was handed on can be taken back."""

    def __init__(self, *, restartable: bool) -> None:
        self.part: Part = Part()
        self._restartable = restartable

    def look(self) -> Part:
        """See `Fed`."""
        return self.part

    def begin(self, head: Response) -> None:
        """Judge an answer. Raises `TransportError` where nothing of it is taken; the operation says why."""
        self.part = self.part.begun(head, restartable=self._restartable)
        self._check()

    def fresh(self, piece: bytes) -> bytes:
        """What of a piece had not come before; may be empty. Raises as `begin` does."""
        part, skipped = self.part.taken(len(piece))
        self.part = part
        self._check()
        return piece[skipped:] if skipped else piece

    def _check(self) -> None:
        if self.part.broken is not None:
            raise TransportError("protocol", "maybe", detail=self.part.broken.message)


class AsyncChunks:
    """An `AsyncSink` that hands each piece on."""

    def __init__(self, taking: Taking, put: "AsyncPut[bytes]") -> None:
        self._taking = taking
        self._put = put

    async def begin(self, head: Response) -> None:
        """See `AsyncSink`."""
        self._taking.begin(head)

    async def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        fresh = self._taking.fresh(piece)
        if fresh:
            await self._put(fresh)


class SyncChunks:
    """The same in a thread."""

    def __init__(self, taking: Taking, put: "SyncPut[bytes]") -> None:
        self._taking = taking
        self._put = put

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""
        self._taking.begin(head)

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        fresh = self._taking.fresh(piece)
        if fresh:
            self._put(fresh)


class PartFile:
    """The unfinished file, beside the one that it becomes, as `.NAME.XXXXXXXX.part`. Every method may block."""

    def __init__(self, to: object, seed: UUID) -> None:
        """Raise `TypeError` or `ValueError` for what names no file."""
        if not isinstance(to, (str, os.PathLike)):
            raise TypeError(f"to must be a path, not {type(to).__name__}")
        self._to = Path(os.fsdecode(cast("str | os.PathLike[str]", to))).absolute()
        if not self._to.name:
            raise ValueError("to must name a file")
        self._path = self._to.with_name(f".{self._to.name[:_NAME_LENGTH_MAX]}.{seed.hex[:8]}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make it. Raises `ValueError` where the name is a folder's, and `OSError` where it cannot be made."""
        if self._to.is_dir():
            raise ValueError(f"to must name a file, and {str(self._to)!r} is a folder")
        self._file = self._path.open("xb")

    def write(self, content: bytes) -> None:
        """At its end."""
        assert self._file is not None, "open first"
        self._file.write(content)

    def restart(self) -> None:
        """Empty it."""
        assert self._file is not None, "open first"
        self._file.seek(0)
        self._file.truncate()

    def finish(self) -> None:
        """Give it its name, in place of whatever had it, once it is on the disk: a power cut leaves the old or the whole new one."""
        assert self._file is not None, "open first"
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._to)
        sync_folder(self._to.parent)

    def discard(self) -> None:
        """Leave nothing behind, unless it has its name already."""
        if self._file is not None:
            with suppress(OSError):  # a full disk: what is thrown away need not be written
                self._file.close()
        self._path.unlink(missing_ok=True)


class _Held:
    """Bytes on their way into a file."""

    def __init__(self, taking: Taking, file: PartFile) -> None:
        self._taking = taking
        self._file = file
        self._pieces: list[bytes] = []
        self._held_bytes = 0

    def _hold(self, piece: bytes) -> bytes | None:
        """All that is held, where that is enough to be written."""
        self._pieces.append(self._taking.fresh(piece))
        self._held_bytes += len(self._pieces[-1])
        return self._all() if self._held_bytes >= HELD_BYTES else None

    def _all(self) -> bytes:
        content = b"".join(self._pieces)
        self._drop()
        return content

    def _drop(self) -> None:
        self._pieces.clear()
        self._held_bytes = 0

    def _begin(self, head: Response) -> bool:
        """Whether the file begins anew."""
        before = self._taking.part.received_bytes
        self._taking.begin(head)
        if not before or self._taking.part.received_bytes:
            return False
        self._drop()
        return True


class AsyncIntoFile(_Held):
    """An `AsyncSink` that writes, in worker threads."""

    async def open(self) -> None:
        """Before anything is sent."""
        from anyio import to_thread

        await to_thread.run_sync(self._file.open)

    async def begin(self, head: Response) -> None:
        """See `AsyncSink`."""
        if self._begin(head):
            from anyio import to_thread

            await to_thread.run_sync(self._file.restart)

    async def take(self, piece: bytes) -> None:
        """See `AsyncSink`."""
        content = self._hold(piece)
        if content is not None:
            from anyio import to_thread

            await to_thread.run_sync(self._file.write, content)

    async def finish(self) -> None:
        """All has come."""
        from anyio import to_thread

        await to_thread.run_sync(self._file.write, self._all())
        await to_thread.run_sync(self._file.finish)


class SyncIntoFile(_Held):
    """The same, in the caller's thread."""

    def open(self) -> None:
        """Before anything is sent."""
        self._file.open()

    def begin(self, head: Response) -> None:
        """See `SyncSink`."""
        if self._begin(head):
            self._file.restart()

    def take(self, piece: bytes) -> None:
        """See `SyncSink`."""
        content = self._hold(piece)
        if content is not None:
            self._file.write(content)

    def finish(self) -> None:
        """All has come."""
        self._file.write(self._all())
        self._file.finish()
