"""The platform's state in a file of SQLite, so that it outlives the process, however that ends.

Rule 1: one transaction for each change, committed before anyone learns of the change. In WAL mode a commit is in the operating
        system's hands and outlives `kill -9`; a power cut may take the last commits (`synchronous=NORMAL`), never a part of one.
Rule 2: one emulator has the file; SQLite's exclusive lock says so, which the system takes back when a process dies.
Rule 3: a file that is not ours stays as it is. (SQLite may fold another program's left `-wal` into its file, as any reader would.)
"""

import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from . import rows
from .components import Component
from .executions import reopened
from .frozen_map import FrozenMap
from .keeping import DatabaseError, DatabaseInUseError, NotADatabaseError, UnknownSchemaError
from .rows import Kept, Row
from .state import Behaviour, State
from .tokens import Identity

T = TypeVar("T")
_OWNER_ALONE = stat.S_IRUSR | stat.S_IWUSR
_PRIMARY_CODE = 0xFF
"""SQLite's extended result codes carry the primary one in their last byte."""


class Database:
    """A file and the lock on it, until `close`; usable from many threads.

    A file that is not there, or that is empty, becomes a new one, readable by its owner alone. Raises `DatabaseError`: see
    `keeping.py` for its kinds.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self._file = Path(file).absolute()  # `:memory:` is a file like any other
        self._lock = threading.Lock()
        with _told(self._file):
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ALONE))
            self._connection = sqlite3.connect(self._file, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            with _told(self._file):
                self._take()
                self.api_keys: Mapping[bytes, Identity] = dict(self._read(rows.API_KEYS, rows.api_key_of))
        except BaseException:
            self._connection.close()
            raise

    def begin(self, seed: UUID | None, behaviour: Behaviour, components: Iterable[Component], at: float) -> State:
        """The platform as a new start at this time (or later, where the file knows of a later one) finds it; that much is kept at once.

        Raises `ValueError` for another `seed` than the file's (None takes that), and for `components` that lack one of which an
        execution is pending: it could never be run.
        """
        components = tuple(components)
        with _told(self._file):
            kept = self._kept() or self._new(seed or uuid4())
        if seed not in (None, kept.seed):
            raise ValueError(f"seed: {self._file} was begun with another one")
        before = State(
            kept.seed,
            behaviour,
            FrozenMap({each.execution_id: each for each in kept.executions}),
            components=components,
            objects=FrozenMap(kept.objects),
        )
        after = reopened(before, kept.executions, max(at, rows.latest_at(kept.executions)))
        self._check_components(after)
        self.keep(before, after)
        return after

    def keep(self, before: State, after: State) -> None:
        """Commit what `after` has beyond `before`, which was kept."""
        executions = after.executions.changes_since(before.executions)
        objects = after.objects.changes_since(before.objects)
        if executions or objects:
            with self._transaction() as connection:
                connection.executemany(rows.PUT_EXECUTION, [rows.row_of_execution(each) for _, each in executions])
                connection.executemany(rows.PUT_OBJECT, [rows.row_of_object(*each) for each in objects])

    def keep_api_key(self, digest: bytes, identity: Identity) -> None:
        """Commit a key that was given out."""
        with self._transaction() as connection:
            connection.execute(rows.PUT_API_KEY, rows.row_of_api_key(digest, identity))

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    def _take(self) -> None:
        """Lock the file, and make a new one ours. Only then is its mode set: that would change the file of another program."""
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        with self._connection as connection:
            connection.execute("BEGIN EXCLUSIVE")
            if self._is_new():
                self._file.chmod(_OWNER_ALONE)
                for statement in rows.CREATE_TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {rows.APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {rows.SCHEMA}")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _is_new(self) -> bool:
        """Whether there is nothing in it yet. Raises `DatabaseError` for what is not ours."""
        ((application_id,),), ((schema,),), ((tables,),) = (
            self._connection.execute(question).fetchall()
            for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if (application_id, schema, tables) == (0, 0, 0):
            return True
        if application_id != rows.APPLICATION_ID:
            raise NotADatabaseError(f"{self._file} is the database of another program")
        if schema != rows.SCHEMA:
            raise UnknownSchemaError(f"{self._file} is written in schema {schema}, and this emulator reads schema {rows.SCHEMA} alone")
        return False

    def _kept(self) -> Kept | None:
        seeds = self._read(rows.PLATFORM, lambda row: UUID(row[0]))
        if not seeds:
            return None
        return Kept(seeds[0], self._read(rows.EXECUTIONS, rows.execution_of), dict(self._read(rows.OBJECTS, rows.object_of)))

    def _new(self, seed: UUID) -> Kept:
        self._connection.execute(rows.PUT_PLATFORM, (str(seed),))
        return Kept(seed, (), {})

    def _read(self, question: str, made: Callable[[Row], T]) -> tuple[T, ...]:
        try:
            return tuple(made(row) for row in self._connection.execute(question))
        except (TypeError, ValueError) as error:
            raise DatabaseError(f"{self._file} is damaged: {error}") from error

    def _check_components(self, state: State) -> None:
        there = {each.component_id for each in state.components}
        for each in state.waiting:
            component = state.executions[each].component
            if component.component_id not in there:
                what = f"{component.kind} {component.name} ({component.component_id})"
                raise ValueError(f"components: there must be {what}, of which an execution is pending in {self._file}")

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock, _told(self._file), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection


@contextlib.contextmanager
def _told(file: Path) -> Generator[None]:
    """What may be wrong with this file, in our own words and types."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a bug of ours
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE  # those of Python's own, as for a closed connection, have none
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DatabaseInUseError(f"{file} is in use by another emulator") from None
        if code == sqlite3.SQLITE_NOTADB:
            raise NotADatabaseError(f"{file} is not a database") from None
        raise DatabaseError(f"{file}: {error}") from error
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}") from None
