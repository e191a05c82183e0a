"""How Acme sends a request: over `http.client`, and it decides nothing. A real one would keep connections."""

import http.client
import time
from urllib.parse import urlsplit

from platform_core import FailureCause, Headers, Inline, Limits, OutgoingRequest, Response
from platform_core.outcomes import Sent


class NotAnswered(Exception):  # noqa: N818 -- it goes no further than the driver
    """A request without an answer: why, and whether the server may have seen it."""

    def __init__(self, cause: FailureCause) -> None:
        super().__init__(cause)
        self.cause = cause


class Transport:
    """One request, one answer. `sent` says at any time, also after an interrupt, whether the server may have seen the request."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.sent: Sent = "no"

    def send(self, request: OutgoingRequest, credentials: tuple[str, str], deadline: float) -> Response:
        """The answer, or `NotAnswered`."""
        if not isinstance(request.body, Inline):
            raise TypeError("this transport takes bodies as bytes")
        url = urlsplit(request.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.netloc, timeout=max(deadline - time.monotonic(), 0.001))
        try:
            try:
                connection.connect()
            except OSError:
                cause = FailureCause.CONNECT
            else:
                self.sent = "maybe"
                connection.request(
                    request.method,
                    url._replace(scheme="", netloc="").geturl(),
                    request.body.content,
                    dict([*request.headers, credentials]),
                )
                answer = connection.getresponse()
                body = answer.read(self._limits.response_body_bytes_max + 1)
                if len(body) <= self._limits.response_body_bytes_max:
                    return Response(answer.status, Headers(tuple(answer.getheaders())), body)
                cause = FailureCause.TOO_LARGE
        except TimeoutError:
            cause = FailureCause.TIMEOUT
        except (OSError, http.client.HTTPException):
            cause = FailureCause.READ
        finally:
            connection.close()
        raise NotAnswered(cause)  # outside of `except`: no chain into a library
