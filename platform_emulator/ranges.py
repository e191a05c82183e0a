"""Parts of what is stored, as `Range` and `If-Range` ask for them (RFC 9110, sections 13.1.5 and 14).

Rule 1: what cannot be read as one range of bytes is ignored, and the whole is sent, as section 14.2 says; so are several ranges at a time.
Rule 2: `If-Range` takes the strong entity tag of now, and nothing else: with any other the whole is sent.
"""

import re
from typing import Literal, NamedTuple, TypeAlias

from platform_core.messages import Headers

_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))", re.IGNORECASE)


class Part(NamedTuple):
    """From `start` up to `stop`, which is not in it: in bytes, at least one of them."""

    start: int
    stop: int


Asked: TypeAlias = Part | Literal["whole", "unsatisfiable"]


def asked_part(headers: Headers, size_bytes: int, etag: str) -> Asked:
    """What these headers ask for, of so many bytes with this entity tag."""
    found = _RANGE.fullmatch((headers.get("Range") or "").strip())
    if found is None or headers.get("If-Range") not in (None, etag):
        return "whole"
    first, last, suffix = found.groups()
    if first is None:
        start, stop = max(size_bytes - int(suffix), 0), size_bytes
    elif last is not None and int(last) < int(first):
        return "whole"  # section 14.1.1: that is no range
    else:
        start, stop = int(first), size_bytes if last is None else min(int(last) + 1, size_bytes)
    return Part(start, stop) if start < stop else "unsatisfiable"
