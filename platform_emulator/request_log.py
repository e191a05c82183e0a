"""The latest requests as they were received, without what is secret in them, in a bounded memory."""

from collections import deque
from itertools import islice
from typing import NamedTuple

from platform_core import routes
from platform_core.messages import NO_BODY, Body, Headers, Inline, Request

from .faults import Fault

REQUESTS_KEPT_MAX = 10_000
BYTES_KEPT_MAX = 256 * 1024 * 1024
"""Of their bodies together."""

_SECRET_HEADERS = frozenset({"authorization", "x-api-key"})


class Logged(NamedTuple):
    """A request as it was received, the how manieth it was, from 1 on, when it came in POSIX seconds, and what it met."""

    number: int
    at: float
    request: Request
    fault: Fault | None


class RequestLog:
    """Forgets the oldest where there are too many, or where their bodies are too large together."""

    def __init__(self) -> None:
        self._logged: deque[Logged] = deque()
        self._bytes = 0
        self.count: int = 0
        """How many there were, forgotten ones included."""

    def add(self, request: Request, at: float, fault: Fault | None) -> None:
        """Keep a request without its credentials: neither tokens nor, for a login, the body."""
        headers = Headers(tuple((name, value) for name, value in request.headers if name.lower() not in _SECRET_HEADERS))
        login = routes.LOGIN.match(request.method, request.path) is not None
        kept = Request(request.method, request.target, headers, NO_BODY if login else request.body)
        self.count += 1
        self._logged.append(Logged(self.count, at, kept, fault))
        self._bytes += _kept_bytes(kept.body)
        while len(self._logged) > REQUESTS_KEPT_MAX or self._bytes > BYTES_KEPT_MAX:
            self._bytes -= _kept_bytes(self._logged.popleft().request.body)

    @property
    def requests(self) -> tuple[Request, ...]:
        """In the order in which they came."""
        return tuple(each.request for each in self._logged)

    def latest(self, count_max: int) -> tuple[Logged, ...]:
        """The last of them, in the order in which they came."""
        return tuple(islice(self._logged, max(len(self._logged) - count_max, 0), None))


def _kept_bytes(body: Body) -> int:
    return len(body.content) if isinstance(body, Inline) else 0
