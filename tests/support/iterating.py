"""Iterators that a client of any world answers with: async ones are awaited, those of the blocking client are not."""

from collections.abc import AsyncIterator, Iterator
from typing import TypeVar, cast

T = TypeVar("T")


async def all_of(found: AsyncIterator[T]) -> list[T]:
    """All that it yields."""
    if isinstance(found, Iterator):
        return list(cast("Iterator[T]", found))
    return [each async for each in found]


async def first_of(found: AsyncIterator[T]) -> T:
    """The next one that it yields, after which the loop is left."""
    return next(cast("Iterator[T]", found)) if isinstance(found, Iterator) else await anext(found)
