"""The ways of a single call to an echo server, for the tests that cut it off anywhere."""

import ssl
from typing import NamedTuple

from platform_core.messages import OutgoingRequest, Response
from platform_transports.conformance.certificates import serving, trusting
from platform_transports.conformance.sender import Flow, request_to

UPLOAD = bytes(4_000_000)
"""More than a connection takes before anybody has read of it."""

PIECE_BYTES = 1_000_000


class Taking:
    """A sink that takes what comes."""

    def begin(self, head: Response) -> None: ...
    def take(self, piece: bytes) -> None: ...


class Sending(NamedTuple):
    """One way."""

    host: str = "127.0.0.1"
    is_secure: bool = False
    is_warm: bool = False
    """A call has been there before, whose connection is kept."""
    content: bytes = b""
    flows: bool = False
    """Piece by piece, and the answer too."""

    @property
    def flow(self) -> Flow | None:
        """What flows, if anything does."""
        pieces = [self.content[at : at + PIECE_BYTES] for at in range(0, len(self.content), PIECE_BYTES)]
        return Flow(lambda: iter(pieces), len(self.content), Taking()) if self.flows else None

    @property
    def server_context(self) -> ssl.SSLContext | None:
        return serving("127.0.0.1") if self.is_secure else None

    @property
    def client_context(self) -> ssl.SSLContext | None:
        return trusting() if self.is_secure else None

    def request(self, url: str, name: str) -> OutgoingRequest:
        """A request to the server at this URL, which answers with its name."""
        return request_to(self._at(url), "PUT" if self.content else "GET", self.content, (("X-Request-ID", name),), flow=self.flow)

    def short_request(self, url: str, name: str) -> OutgoingRequest:
        """One without content, for the calls before and after."""
        return request_to(self._at(url), headers=(("X-Request-ID", name),))

    def _at(self, url: str) -> str:
        return url.replace("127.0.0.1", self.host)


SENDINGS = {
    "new": Sending(),
    "new, by name": Sending(host="localhost"),
    "new, TLS": Sending(is_secure=True),
    "kept": Sending(is_warm=True),
    "kept, TLS": Sending(is_secure=True, is_warm=True),
    "upload": Sending(content=UPLOAD),
    "upload, TLS": Sending(is_secure=True, content=UPLOAD),
    "flows": Sending(content=UPLOAD, flows=True),
    "flows, TLS": Sending(is_secure=True, content=UPLOAD, flows=True),
}
