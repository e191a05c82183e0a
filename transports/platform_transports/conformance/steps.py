"""The language in which a server's part is written down: what it does on one connection, step by step."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from platform_core.messages import Headers, Response


@dataclass(frozen=True, slots=True)
class Read:
    """Read one request whole."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Read one request whole and answer with its `X-Request-ID`."""


@dataclass(frozen=True, slots=True)
class Receive:
    """Read whatever bytes come first; they count as a request."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the check releases the server, or ends."""


@dataclass(frozen=True, slots=True)
class AwaitClose:
    """Wait until the client closes the connection; `Server.closed` counts it."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection: by FIN, over TLS without a word (`close_notify`) before it."""


@dataclass(frozen=True, slots=True)
class CloseNotify:
    """End TLS as it should be ended, by `close_notify`."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection by RST."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Send bytes in these pieces, with a pause between them, so that the client gets them one by one."""

    pieces: tuple[bytes, ...]
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Endless:
    """Send these bytes again and again, until the client closes the connection; `Server.closed` counts it."""

    data: bytes
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A proper answer, whole: on the wire with its `Content-Length`, and for a stand-in without a wire as a `Response`."""

    status: int = 200
    body: bytes = b"ok"
    fields: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """As a value."""
        return Response(self.status, Headers((*self.fields, ("Content-Length", str(len(self.body))))), self.body)

    def encoded(self) -> bytes:
        """As bytes."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.response().headers)
        return f"HTTP/1.1 {self.status} Reason\r\n{head}\r\n".encode("latin-1") + self.body


Step: TypeAlias = bytes | Reply | Pieces | Endless | Read | Echo | Receive | Wait | AwaitClose | Close | CloseNotify | Reset
"""Bytes are sent. After the last step the connection is closed."""
Script: TypeAlias = Iterable[Step]

READ = Read()
ECHO = Echo()
RECEIVE = Receive()
WAIT = Wait()
AWAIT_CLOSE = AwaitClose()
CLOSE = Close()
CLOSE_NOTIFY = CloseNotify()
RESET = Reset()
OK = Reply()
OK_BYTES = OK.encoded()
