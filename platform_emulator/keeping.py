"""Where a running platform keeps what it knows, before anyone learns of it: what is asked of such a place, and what may be wrong with it.

`database.Database` is one; this module needs no SQLite, as a Python without it has a platform in memory all the same.
"""

from collections.abc import Mapping
from typing import Protocol

from .state import State
from .tokens import Identity

AGAIN_SECONDS = 0.5
"""What nobody can be told of, because it could not be kept, is tried again after so long: a disk may have room again."""


class DatabaseError(Exception):
    """A database cannot be had, read or written; the text names the file and says why."""


class DatabaseInUseError(DatabaseError):
    """Another emulator has the file."""


class NotADatabaseError(DatabaseError):
    """The file is none of the emulator's: no database at all, or that of another program."""


class UnknownSchemaError(DatabaseError):
    """The file was written by an emulator of another version, in a shape that this one does not know."""


class Keeper(Protocol):
    """Keeps changes. Each method raises `DatabaseError` where a change could not be kept: then it is as if it had never been."""

    @property
    def api_keys(self) -> Mapping[bytes, Identity]:
        """Whose the keys are that were kept before, by `credentials.digest`."""
        ...

    def keep(self, before: State, after: State) -> None:
        """Keep what `after` has beyond `before`, which was kept, all of it or nothing."""
        ...

    def keep_api_key(self, digest: bytes, identity: Identity) -> None:
        """Keep a key that was given out, as its digest."""
        ...

    def close(self) -> None:
        """Nothing is kept any more. May be called twice."""
        ...


class Nowhere:
    """Keeps nothing: the platform in memory, forgotten at its end."""

    api_keys: Mapping[bytes, Identity] = {}

    def keep(self, before: State, after: State) -> None:
        """Do nothing."""

    def keep_api_key(self, digest: bytes, identity: Identity) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


NOWHERE = Nowhere()
