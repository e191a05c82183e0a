"""What `content` of a request may be besides bytes: a file, its path, or whatever yields bytes; and how it is handed on piece by piece.

Rule 1: a path, a file that can be rewound and an iterable that can be iterated over again are sent again where a call is; an iterator, and
        a file that cannot be rewound, are sent once, whatever becomes of it.
Rule 2: nothing of a body is held but the piece that is being sent.
Rule 3: in the async client whatever may block is read in a worker thread: files, and sync iterables but lists and tuples.
"""

import io
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from platform_core.messages import External
from platform_transports.contract import AsyncFlow, SyncFlow

PIECE_BYTES = 256 * 1024
"""Of a file that is read: large enough that the way into a worker thread and back is no cost, small enough to be held many times."""

T = TypeVar("T")
Pieces: TypeAlias = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """A content that yields bytes, with its length in bytes where that is known: it is then sent with a `Content-Length`.

    Without one it is sent in chunks, which some servers refuse. One that yields more or less ends the call by `ValueError`.
    """

    content: "Iterable[bytes] | AsyncIterable[bytes] | BinaryIO"
    length: int | None = None

    def __post_init__(self) -> None:
        length = cast("object", self.length)
        if length is not None:
            if isinstance(length, bool) or not isinstance(length, int):
                raise TypeError(f"length must be a whole number, not {type(length).__name__}")
            if length < 0:
                raise ValueError(f"length must not be negative, not {length}")


SyncContent: TypeAlias = bytes | os.PathLike[str] | BinaryIO | Iterable[bytes] | Body
"""What `content` of the blocking client takes."""
AsyncContent: TypeAlias = SyncContent | AsyncIterable[bytes]
"""The same of the async client."""


def async_body(content: Any) -> tuple[Any, AsyncFlow | None]:  # noqa: ANN401 -- what the core refuses comes back as it was given
    """The content as the core takes it, and what its bytes flow from; None for bytes, and for what the core refuses.

    Raises `TypeError` or `ValueError`, and `OSError` for a path that cannot be read.
    """
    if content is None or type(content) is bytes:  # nearly every call
        return content, None
    if isinstance(content, AsyncIterable) or (isinstance(content, Body) and isinstance(content.content, AsyncIterable)):
        length = content.length if isinstance(content, Body) else None
        source = cast("AsyncIterable[bytes]", content.content if isinstance(content, Body) else content)
        is_once = isinstance(source, AsyncIterator) or hasattr(source, "read")  # the latter are the files of the event loops
        return External(length, replayable=not is_once), AsyncFlow(source.__aiter__)
    found = _source(content)
    if found is None:
        return content, None
    body, opened, blocks = found
    return body, AsyncFlow(lambda: _in_thread(opened()) if blocks else _at_once(opened()))


def sync_body(content: Any) -> tuple[Any, SyncFlow | None]:  # noqa: ANN401 -- as above
    """The same for the blocking client."""
    if content is None or type(content) is bytes:
        return content, None
    if isinstance(content, AsyncIterable) or (isinstance(content, Body) and isinstance(content.content, AsyncIterable)):
        raise TypeError("content must not be asynchronous: that is for PlatformClient")
    found = _source(content)
    if found is None:
        return content, None
    body, opened, _ = found
    return body, SyncFlow(opened)


@runtime_checkable
class _Readable(Protocol):
    def read(self, size: int, /) -> object: ...


_WITHOUT_LENGTH: tuple[type, ...] = (str, bytes, bytearray, memoryview, os.PathLike)
"""What tells its length itself, and what yields no bytes."""
_Opener: TypeAlias = Callable[[], Iterator[bytes]]
_Source: TypeAlias = tuple[External, _Opener, bool]
"""The body as the core knows it, what opens its pieces for one sending, and whether they may block."""


def _source(content: object) -> _Source | None:
    """None for bytes, for no content at all, and for what the core refuses."""
    source, length = content, None
    if isinstance(content, Body):
        source, length = cast("object", content.content), content.length
        if source is None or isinstance(source, _WITHOUT_LENGTH):
            raise TypeError(f"Body must have a content that yields bytes, not {type(source).__name__}")
    match source:
        case None | str() | bytes() | bytearray() | memoryview() | Mapping() | External():
            return None
        case os.PathLike():
            return _of_path(cast("os.PathLike[str]", source))
        case _Readable():
            return _of_file(source, length)
        case Iterable():
            pieces = cast("Iterable[bytes]", source)
            return External(length, replayable=not isinstance(source, Iterator)), pieces.__iter__, not isinstance(source, (list, tuple))
        case _:
            return None


def _of_path(path: "os.PathLike[str]") -> _Source:
    found = os.stat(path)  # noqa: PTH116 -- any path-like object will do
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("content must be the path of a file: open what is none, and hand that in")

    def opened() -> Generator[bytes, None, None]:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- as above
            yield from _read(file)

    return External(found.st_size, replayable=True), opened, True


def _of_file(file: _Readable, length: int | None) -> _Source:
    """From where it stands; a file stays open, and is whoever's it was."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("content must be a binary file, not a text file: open it with 'rb'")
    if getattr(file, "closed", False):
        raise ValueError("content is a closed file")
    seekable: Any = getattr(file, "seekable", None)
    if seekable is None or not seekable():
        return External(length, replayable=False), lambda: _read(file), True
    rewound = cast("BinaryIO", file)
    start = rewound.tell()
    if length is None:
        length = max(rewound.seek(0, io.SEEK_END) - start, 0)
        rewound.seek(start)

    def opened() -> Generator[bytes, None, None]:
        rewound.seek(start)
        yield from _read(file)

    return External(length, replayable=True), opened, True


def _read(file: _Readable) -> Generator[bytes, None, None]:
    while True:
        piece = file.read(PIECE_BYTES)
        if piece is None:
            raise ValueError("content is a file that does not block, and has nothing to read now")
        if not isinstance(piece, bytes):
            raise TypeError(f"content must be a binary file: it reads {type(piece).__name__}")
        if not piece:
            return
        yield piece


async def _at_once(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


async def _in_thread(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Each piece is asked for in a worker thread, which nobody leaves before it has answered: so no two ask at a time."""
    from anyio import to_thread

    end: Any = object()  # a StopIteration cannot leave a thread
    try:
        while (piece := await to_thread.run_sync(next, pieces, end)) is not end:
            yield piece
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
