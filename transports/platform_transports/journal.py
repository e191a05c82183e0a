"""The journal: an observer that stores each decision of each execution, before it is performed, so that another process can go on.

Rule 1: the file is whole lines, and at most half a last one. What was written in part, by an interrupt or on a full disk, is written
        again or cut off before anything else is written.
Rule 2: one writer. Who goes on with the runs of another process must know that it is dead; a lock on the file says so.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, cast, get_args
from uuid import UUID

from platform_core.actions import Done, Gone, Raise
from platform_core.errors import PlatformJournalError
from platform_core.machine import Decision, Operation

from .journal_lines import MAGIC, InvalidJournal, check_beginning, unfinished, written

Sync: TypeAlias = Literal["always", "never"]
_OWNER_ALONE = stat.S_IRUSR | stat.S_IWUSR
_BLOCK_BYTES = 64 * 1024


class Journal:
    """Appends what executions decide to a file of JSON lines, readable by its owner alone.

    `sync="always"` has each line on the disk before its action is performed, so that it outlives a power cut; "never" leaves that to the
    operating system, and outlives the process alone. The file is opened with the first line, and then no other process may. It holds no
    token, but the inputs and the results of executions. Usable from many tasks and threads, and by several clients of one process.
    Raises `PlatformJournalError` where it cannot be written: give it to a client as `journal`, which then stops the run.
    """

    def __init__(self, path: str | os.PathLike[str], sync: Sync = "always") -> None:
        if sync not in get_args(Sync):
            raise ValueError(f"sync must be one of {', '.join(get_args(Sync))}, not {sync!r}")
        self.path: Path = _checked_path(path)
        self.sync = sync
        self._lock = threading.RLock()
        self._file: FileIO | None = None
        self._process = 0
        self._tail: tuple[int, tuple[bytes, ...]] = 0, ()
        """Where the whole lines end, and what is still to be written there: one value, so that an interrupt finds no half of it."""
        self._torn = False
        """Whether something may stand behind the whole lines that is not to be there."""
        self._alive: set[UUID] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r}, sync={self.sync!r})"

    def __call__(self, decision: Decision) -> None:
        """Store the decision, and return when it is stored."""
        line = written(decision)
        if line is None:
            return
        with self._lock:
            self._alive.add(decision.operation_id)
            try:
                self._append(line)
            except OSError as error:
                failed = f"the journal could not be written: {error.strerror or error}"
            except PlatformJournalError as error:
                failed = error.message
            else:
                failed = ""
            if failed or isinstance(decision.action, (Done, Raise, Gone)):
                self.release([decision.operation_id])
        if failed:
            raise PlatformJournalError(failed)

    def claim(self) -> dict[UUID, Operation[Any]]:
        """The runs that had not ended when whoever wrote them died; they are the caller's from now on, until each has ended.

        Raises `InvalidJournal` for what is no journal, `PlatformJournalError` where another process has it.
        """
        with self._lock:
            try:
                self._opened()
                found = unfinished(self.path)
            except OSError as error:
                message = f"the journal could not be read: {error.strerror or error}"
            else:
                claimed = {run: operation for run, operation in found.items() if run not in self._alive}
                self._alive.update(claimed)
                return claimed
        raise PlatformJournalError(message)

    def release(self, runs: Iterable[UUID]) -> None:
        """These runs have ended, or were left: nothing more will be written of them."""
        with self._lock:
            self._alive.difference_update(runs)
            if self._closed and not self._alive:
                self._close_file()

    def close(self) -> None:
        """Take no more runs, and close the file once those that are under way have ended. May be called twice."""
        with self._lock:
            self._closed = True
            self.release(())

    def _append(self, line: bytes) -> None:
        file = self._opened()
        end, lines = self._tail
        self._tail = end, (*lines, line)
        try:
            if self._torn:
                file.truncate(end)
                self._torn = False
            while self._tail[1]:
                end, lines = self._tail
                _write_at(file, end, lines[0])
                if self.sync == "always":
                    os.fsync(file.fileno())
                self._tail = end + len(lines[0]), lines[1:]
        except OSError:
            # Whoever asked for this is told that it is not stored, so that it must not be found later.
            self._tail, self._torn = (self._tail[0], ()), True
            with contextlib.suppress(OSError):
                file.truncate(self._tail[0])
            raise

    def _opened(self) -> FileIO:
        if self._file is None:
            if self._closed:
                raise PlatformJournalError("the journal is closed")
            file = FileIO(self.path, "r+", opener=_opener)
            try:
                end = _prepared(file)
                if self.sync == "always":
                    sync_folder(self.path.parent)
            except BaseException:
                file.close()
                raise
            self._tail, self._process, self._file = (end, ()), os.getpid(), file
        if self._process != os.getpid():
            raise PlatformJournalError("the journal belongs to the process that this one was forked from: make another one")
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _checked_path(path: object) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a path, not {type(path).__name__}")
    text = os.fspath(cast("str | os.PathLike[str]", path))
    if not text:
        raise ValueError("path must not be empty")
    return Path(text).absolute()


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), _OWNER_ALONE)


def _prepared(file: FileIO) -> int:
    """Lock the file, take others' right to read it, cut off half a last line, and answer where the whole lines end."""
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise PlatformJournalError("the journal is no regular file")
    _lock(file)
    try:
        check_beginning(file.read(len(MAGIC)))
    except InvalidJournal as error:
        message = f"the journal cannot be written: {error}"
    else:
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), _OWNER_ALONE)
        end = _end_of_lines(file)
        file.truncate(end)
        return end
    raise PlatformJournalError(message)


def _lock(file: FileIO) -> None:
    """Lock it as long as it is open. Where the system has no such locks, nobody is kept from two writers."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        return
    raise PlatformJournalError("the journal is in use: one that is alive goes on with its runs itself")


def _end_of_lines(file: FileIO) -> int:
    """Where the last whole line ends; a line may be longer than memory is worth, so that it is looked for from behind."""
    start = file.seek(0, os.SEEK_END)
    while start:
        block = min(_BLOCK_BYTES, start)
        start -= block
        file.seek(start)
        found = file.read(block).rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def _write_at(file: FileIO, at: int, line: bytes) -> None:
    file.seek(at)
    left = memoryview(line)
    while left:
        left = left[file.write(left) or 0 :]


def sync_folder(folder: Path) -> None:
    """Have the file's name on the disk as well, where a folder can be opened for that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
