"""Answers that are sent piece by piece as they come to be, and what a fault makes of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

from starlette.types import Send

from platform_core.messages import Headers, Response

from .faults import Trickle, Truncated

Pieces: TypeAlias = AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Flowing:
    """Status and headers, and the body as it comes. `length` in bytes, None where nobody knows it before the end.

    `cut` says that the connection ends after the last piece, before the end of the answer.
    """

    head: Response
    pieces: Pieces
    length: int | None = None
    cut: bool = False


def cut_off(effect: Truncated, flowing: Flowing) -> Flowing:
    """The answer without its end: so many bytes, else half of it, else all that comes before the last piece."""
    sent_bytes = effect.sent_bytes
    if sent_bytes is None and flowing.length is not None:
        sent_bytes = flowing.length // 2
    headers = flowing.head.headers
    if effect.framing == "chunked":
        headers = Headers(tuple(each for each in headers if each[0].lower() != "content-length"))
    pieces = _without_the_last(flowing.pieces) if sent_bytes is None else _first(flowing.pieces, sent_bytes)
    return replace(flowing, head=flowing.head._replace(headers=headers), pieces=pieces, cut=True)


def trickled(effect: Trickle, flowing: Flowing, stopped_within: Callable[[float], Awaitable[bool]]) -> Flowing:
    """The answer with its body one byte at a time."""

    async def bytewise() -> Pieces:
        async with aclosing(flowing.pieces) as pieces:
            async for piece in pieces:
                for at in range(len(piece)):
                    yield piece[at : at + 1]
                    if await stopped_within(effect.interval_seconds):
                        return

    return replace(flowing, pieces=bytewise())


async def flow(flowing: Flowing, head: Response, send: Send, transport: asyncio.Transport) -> None:
    """Send it all, as fast as it is read; `head` is that of the answer, with all its headers."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head.headers]
    await send({"type": "http.response.start", "status": head.status, "headers": headers})
    async with aclosing(flowing.pieces) as pieces:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(
                0
            )  # sending waits only for a slow reader: without this others would not be served, nor one who left be seen
    if flowing.cut:
        transport.close()
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _first(pieces: Pieces, sent_bytes: int) -> Pieces:
    async with aclosing(pieces):
        async for piece in pieces:
            if len(piece) >= sent_bytes:
                if sent_bytes:
                    yield piece[:sent_bytes]
                return
            sent_bytes -= len(piece)
            yield piece


async def _without_the_last(pieces: Pieces) -> Pieces:
    held = b""
    async with aclosing(pieces):
        async for piece in pieces:
            if held:
                yield held
            held = piece
