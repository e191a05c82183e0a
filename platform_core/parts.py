"""What has come of a content that is fetched in one answer or in several, and what the next answer must be to go on with it.

Rule 1: parts are joined only where the same strong entity tag says that they are of the same content (RFC 9110, sections 8.8.1, 13.1.5
        and 15.3.7.3). A weak one says that two are alike, and not that each byte is the same.
Rule 2: without such a tag nothing is gone on with: a content begins anew (RFC 9110, section 14.2, lets a server ignore any `Range`).
Rule 3: what an answer says of lengths and places must fit what was known before; what does not is nonsense and never a guess.
"""

import re
from typing import NamedTuple

from .messages import Headers, Response
from .responses import Nonsense, is_compressed

PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416

_STRONG_TAG = '"[\x21\x23-\x7e\x80-\xff]*"'
_LENGTH = r"[0-9]{1,18}"
_OF_A_PART = r"(?i)bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)"
_OF_NO_PART = r"(?i)bytes \*/([0-9]{1,18})"
"""The two forms of a `Content-Range` (RFC 9110, section 14.4): with a 206, and with a 416."""


class Part(NamedTuple):
    """So many bytes from the start on, and what is known of the whole: a value that whoever takes the bytes keeps up to date.

    `begun` comes before an answer's body and `taken` after each piece of it; once one of them has made it `broken`, neither is asked again.
    """

    received_bytes: int = 0
    total_bytes: int | None = None
    etag: str | None = None
    """A strong one: None where the server gave none."""
    content_type: str | None = None
    skip_bytes: int = 0
    """What is still to come of this answer that was received already."""
    stop_bytes: int | None = None
    """Where this answer ends, in the whole; None where that is not known."""
    head: Response | None = None
    broken: Nonsense | None = None
    """Why nothing more is taken, of the answer with this `head`."""

    @property
    def can_go_on(self) -> bool:
        """Whether the next request may ask for the rest alone."""
        return self.received_bytes > 0 and self.etag is not None

    @property
    def is_complete(self) -> bool:
        """Whether all has come, where an answer has come to its end."""
        return self.total_bytes in (None, self.received_bytes) and not self.skip_bytes

    def range_headers(self) -> tuple[tuple[str, str], ...]:
        """What asks for the rest, if it is still the same (RFC 9110, section 13.1.5); nothing where all is needed."""
        if not self.can_go_on or self.etag is None:
            return ()
        return ("Range", f"bytes={self.received_bytes}-"), ("If-Range", self.etag)

    def begun(self, head: Response, *, restartable: bool) -> "Part":
        """After the head of a 2xx answer. `restartable` says whether what was received can be taken back, and so may begin anew."""
        if is_compressed(head.headers):
            return self._broken(head, "the content has a content encoding, which was not asked for")
        if head.status == PARTIAL_CONTENT:
            return self._continued(head)
        etag, length = strong_tag(head.headers), _length(head.headers)
        fresh = Part(0, length, etag, head.headers.get("Content-Type"), stop_bytes=length, head=head)
        if not self.received_bytes:
            return fresh
        if etag is not None and etag == self.etag:
            if None not in (length, self.total_bytes) and length != self.total_bytes:
                return self._broken(head, "the content has another length than before, and the same entity tag")
            whole = self.total_bytes if length is None else length
            return fresh._replace(received_bytes=self.received_bytes, total_bytes=whole, skip_bytes=self.received_bytes, stop_bytes=whole)
        return fresh if restartable else self._broken(head, "the content is another one than before, and some of that was handed on")

    def taken(self, piece_bytes: int) -> "tuple[Part, int]":
        """After so many bytes of the body; and how many of these, from their start, were received before and are to be dropped."""
        skipped = min(self.skip_bytes, piece_bytes)
        received = self.received_bytes + piece_bytes - skipped
        if self.stop_bytes is not None and received > self.stop_bytes:
            return self._broken(self.head, "the answer has more bytes than it said"), piece_bytes
        return self._replace(received_bytes=received, skip_bytes=self.skip_bytes - skipped), skipped

    def _continued(self, head: Response) -> "Part":
        found = _content_range(head.headers, _OF_A_PART)
        if not self.can_go_on:
            return self._broken(head, "the answer is a part, and the whole was asked for")
        if found is None:
            return self._broken(head, "the answer is a part, and does not say of what")
        start, stop, total = int(found[1]), int(found[2]) + 1, None if found[3] == "*" else int(found[3])
        whole = self.total_bytes if total is None else total
        rules = (
            (start != self.received_bytes, "the answer is another part than was asked for"),
            (stop <= start or (whole is not None and stop > whole), "the answer's Content-Range makes no sense"),
            (None not in (total, self.total_bytes) and total != self.total_bytes, "the content has another length than before"),
            (_length(head.headers) not in (None, stop - start), "the answer's length is not that of its Content-Range"),
            (head.headers.get("ETag") not in (None, self.etag), "the part is one of another content"),
        )
        for is_broken, text in rules:
            if is_broken:
                return self._broken(head, text)
        return self._replace(total_bytes=whole, skip_bytes=0, stop_bytes=stop, head=head)

    def _broken(self, head: Response | None, text: str) -> "Part":
        return self._replace(head=head, broken=Nonsense(text))


def strong_tag(headers: Headers) -> str | None:
    """The strong entity tag (RFC 9110, section 8.8.3), with its quotes; else None."""
    tag = headers.get("ETag")
    return tag if tag is not None and re.fullmatch(_STRONG_TAG, tag) else None


def whole_length(headers: Headers) -> int | None:
    """The length that a 416 tells (RFC 9110, section 15.5.17); else None."""
    found = _content_range(headers, _OF_NO_PART)
    return None if found is None else int(found[1])


def _content_range(headers: Headers, form: str) -> re.Match[str] | None:
    text = headers.get("Content-Range")
    return None if text is None else re.fullmatch(form, text)


def _length(headers: Headers) -> int | None:
    text = headers.get("Content-Length")
    return int(text) if text is not None and re.fullmatch(_LENGTH, text) else None
