"""What a connection makes of the bytes of an answer, and the ways in which a network may cut them, for properties and fuzzing."""

from collections.abc import Sequence
from typing import NamedTuple

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import NO_BODY, Headers, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.http1.connection import Connection
from platform_transports.http1.request import EncodedRequest, encoded

SMALL = Limits(header_bytes_max=200, headers_count_max=4, interim_answers_max=2, response_body_bytes_max=20)
"""So small that short texts go beyond each of them."""


class Ending(NamedTuple):
    """How it ended: with an answer or an error of ours, and whether another request may use the connection."""

    answer: Response | FailureCause
    reusable: bool


def ending(pieces: Sequence[bytes], method: str = "GET", limits: Limits = DEFAULT_LIMITS) -> Ending:
    """The end after these pieces, none of them empty, and the close after them."""
    request = encoded(OutgoingRequest(method, "https://api.test/a", Headers(), NO_BODY), Credentials("Authorization", "Bearer s3cr3t"))
    assert isinstance(request, EncodedRequest)
    connection = Connection()
    connection.begin(request, limits, Progress())
    for number, piece in enumerate((*pieces, b""), 1):
        found = connection.receive(piece, is_sent=True)
        if found is not None:
            extra = any(pieces[number:])  # as the transports see to it
            return Ending(found.kind if isinstance(found, TransportError) else found, connection.reusable and not extra)
    raise AssertionError("a close ends every answer")


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The bytes in pieces, cut at these places; in any order, and those outside of the bytes cut nothing."""
    inside = sorted({place for place in places if 0 < place < len(data)})
    return [data[start:end] for start, end in zip([0, *inside], [*inside, len(data)], strict=True) if start < end]


def check_cuts(data: bytes, places: Sequence[int] = (), method: str = "GET", limits: Limits = DEFAULT_LIMITS) -> Ending:
    """The end of these bytes, which is the same in one piece, byte by byte, and cut at these places."""
    whole = ending(cut(data, ()), method, limits)
    assert ending(cut(data, range(len(data))), method, limits) == whole, "byte by byte it ends in another way"
    assert ending(cut(data, places), method, limits) == whole, f"cut at {places} it ends in another way"
    if isinstance(whole.answer, Response):
        assert len(whole.answer.body) <= limits.response_body_bytes_max
        assert len(whole.answer.headers) <= limits.headers_count_max
        assert 200 <= whole.answer.status <= 999
    return whole
