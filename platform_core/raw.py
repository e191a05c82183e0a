"""An answer as it came, and what its call took: for those who want more than what it holds."""

from typing import NamedTuple

from .exchange import Answered
from .messages import Headers
from .responses import answered_request_id


class RawResponse(NamedTuple):
    """A 2xx answer, neither parsed nor decoded."""

    status: int
    headers: Headers
    """As they came, in order: `headers.get("Content-Type")` whatever the case, `headers.get_all(...)`, and `(name, value)` for a loop."""
    body: bytes
    attempts: int
    """Requests that were sent, a repeat with a new token included."""
    elapsed: float
    """Seconds of the whole call, its pauses included."""
    request_id: str
    """The `X-Request-ID` of the last request: that of the answer where it has a usable one."""

    def __repr__(self) -> str:
        return f"RawResponse({self.status}, {len(self.body)} bytes, attempts={self.attempts}, request_id={self.request_id!r})"


def raw_response(answer: Answered) -> RawResponse:
    """The answer to a whole call."""
    response, facts = answer.response, answer.facts
    request_id = answered_request_id(response) or facts.request_id
    assert request_id is not None, "every request is sent with an id"
    return RawResponse(response.status, response.headers, response.body, facts.attempts, facts.elapsed, request_id)
