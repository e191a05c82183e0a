"""The latest requests as they were received, without what is secret in them, in a bounded memory."""

from collections import deque

from platform_core import routes
from platform_core.messages import NO_BODY, Body, Headers, Inline, Request

REQUESTS_KEPT_MAX = 10_000
BYTES_KEPT_MAX = 256 * 1024 * 1024
"""Of their bodies together."""

_SECRET_HEADERS = frozenset({"authorization", "x-api-key"})


class RequestLog:
    """Forgets the oldest where there are too many, or where their bodies are too large together."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self._bytes = 0

    def add(self, request: Request) -> None:
        """Keep a request without its credentials: neither tokens nor, for a login, the body."""
        headers = Headers(tuple((name, value) for name, value in request.headers if name.lower() not in _SECRET_HEADERS))
        login = routes.LOGIN.match(request.method, request.path) is not None
        self._requests.append(Request(request.method, request.target, headers, NO_BODY if login else request.body))
        self._bytes += _kept_bytes(self._requests[-1].body)
        while len(self._requests) > REQUESTS_KEPT_MAX or self._bytes > BYTES_KEPT_MAX:
            self._bytes -= _kept_bytes(self._requests.popleft().body)

    @property
    def requests(self) -> tuple[Request, ...]:
        """In the order in which they came."""
        return tuple(self._requests)


def _kept_bytes(body: Body) -> int:
    return len(body.content) if isinstance(body, Inline) else 0
