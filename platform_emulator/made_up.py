"""Objects of any size that lie nowhere: what is read is made as it is sent, what is written is counted and hashed.

`generated-1073741824` can be read, and has so many bytes; `discarded` can be written, and is answered by size and hash.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from platform_core import routes
from platform_core.messages import External, Request, Response

from .ranges import Part

DISCARDED = "discarded"
INLINE_BYTES_MAX = 1024 * 1024
"""An answer with more of a generated object has no body of its own: whoever sends it makes the pieces of `missing_part`."""
BLOCK_BYTES = 64 * 1024

_NAME = re.compile(r"generated-([0-9]{1,15})")
_NUMBER = b"%016d"
_FILLER = b"".join(sha256(b"%d" % number).digest() for number in range(BLOCK_BYTES // 32))[16:]


@dataclass(frozen=True, slots=True)
class Measured(External):
    """A body that was taken in and not kept: `length` in bytes, never None, and what is known of its content besides."""

    sha256: str


def generated_bytes(name: str) -> int | None:
    """The size of the object of this name; None where the name is that of no generated one."""
    found = _NAME.fullmatch(name)
    return None if found is None else int(found[1])


def pieces(part: Part) -> Iterator[bytes]:
    """A part of a generated object. Each block begins with its number, so that none can stand for another."""
    at = part.start
    while at < part.stop:
        block, offset = divmod(at, BLOCK_BYTES)
        piece = (_NUMBER % block + _FILLER)[offset : offset + part.stop - at]
        at += len(piece)
        yield piece


def missing_part(request: Request, response: Response) -> Part | None:
    """What belongs into the body of this answer and was too much for it; else None."""
    segments = routes.READ_OBJECT.match(request.method, request.path)
    if segments is None or generated_bytes(segments["name"]) is None or response.body or not response.is_success:
        return None
    content_range = response.headers.get("Content-Range")
    start = 0 if content_range is None else int(content_range.removeprefix("bytes ").partition("-")[0])
    part = Part(start, start + int(response.headers.get("Content-Length") or 0))
    return part if part.start < part.stop else None


def is_discarded(request: Request) -> bool:
    """Whether the body of this request is measured as it comes, and not kept, so that it may be of any size."""
    segments = routes.WRITE_OBJECT.match(request.method, request.path)
    return segments is not None and segments["name"] == DISCARDED
