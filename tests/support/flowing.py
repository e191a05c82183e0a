"""Streams of either client in a scenario of three worlds (`worlds.py`): in the sync world they are iterated over at once."""

import inspect
from typing import Any


async def all_of(stream: Any, found: list[Any] | None = None) -> list[Any]:
    """Each piece of a stream, in `found` also where it ends in an error."""
    found = [] if found is None else found
    if hasattr(stream, "__aiter__"):
        async for piece in stream:
            found.append(piece)
    else:
        found.extend(stream)
    return found


async def next_of(stream: Any) -> Any:
    """Its next piece."""
    return await anext(stream) if hasattr(stream, "__anext__") else next(stream)


async def left(stream: Any) -> None:
    """Once it was left."""
    if hasattr(stream, "aclose"):
        await stream.aclose()
    else:
        stream.close()


async def got(value: Any) -> Any:
    """What a call answers with that is awaited in the async client alone."""
    return await value if inspect.isawaitable(value) else value
