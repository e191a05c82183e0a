"""What the blocking and the trio transport do with a socket that never blocks: each step as a generator that yields what to wait for.

So a request is written and an answer read in one place only; the two worlds differ in how they wait. A generator returns its
error instead of raising it, so that nothing hangs on the one that is raised.
"""

import errno
import select
import socket
import ssl
import sys
import time
import traceback
from collections.abc import Generator
from contextlib import suppress
from enum import Enum
from math import ceil
from typing import NamedTuple, TypeAlias, TypeVar

from platform_core.limits import Limits
from platform_core.messages import Response

from ._native_common import PIECE_BYTES, RECEIVE_BYTES, broken_detail
from .contract import Progress, TransportError
from .http1.connection import Connection
from .http1.request import EncodedRequest

T = TypeVar("T")
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY})
_POLL_SECONDS_MAX = 1000.0


class Wait(Enum):
    """What a socket must be ready for."""

    READ = "read"
    WRITE = "write"
    EITHER = "either"


class Next(Enum):
    """The next piece of the body that flows in is wanted; an empty one at its end."""

    PIECE = "piece"


class Begin(NamedTuple):
    """The head of the answer whose body flows out."""

    head: Response


class Take(NamedTuple):
    """Some of it."""

    piece: bytes


Steps: TypeAlias = Generator[Wait, None, T]
FlowSteps: TypeAlias = Generator[Wait | Next | Begin | Take, bytes | None, Response | TransportError]
"""What a socket must be ready for, or what is to be asked of the caller's own code; the answer to `Next` is sent in."""


class Stream:
    """A connected socket that never blocks, with TLS or without, and what HTTP has come to on it."""

    __slots__ = ("http", "sock")

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0.0)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.http = Connection()

    def close(self) -> None:
        """Close; politely, where nothing is under way, but never waiting for the peer to be polite (RFC 9112, section 9.8)."""
        if self.http.is_settled and isinstance(self.sock, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self.sock.unwrap()  # sends close_notify, and then wants to wait: a socket that never blocks does not
        self.sock.close()

    def drop(self) -> None:
        """Close our copy without a word: after a fork the connection is the other process's."""
        self.sock.close()

    def interrupt(self) -> None:
        """From another thread: let whoever waits for this socket wake, and find it closed."""
        with suppress(OSError):
            # Not the method of SSLSocket, which would make a plain socket of it under the hands of the other thread.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def is_quiet(stream: Stream) -> bool:
    """Whether nothing has come on an idle connection: neither its end nor bytes that belong to no answer of ours.

    With TLS a ticket for a later session may have come: it is taken, and is nothing.
    """
    stream.http.reusable = False  # also where an interrupt comes between the look and what follows from it
    stream.http.reusable = _received(stream.sock) is Wait.READ
    return stream.http.reusable


def ready(sock: socket.socket, wait: Wait, until: float) -> bool:
    """Block until the socket is ready; False where it has not been by then, a time of `time.monotonic`."""
    while (left := until - time.monotonic()) > 0:
        if _is_ready(sock, wait, min(left, _POLL_SECONDS_MAX)):
            return True
    return False


def connect(sock: socket.socket, sockaddr: tuple[str | int | bytes, ...]) -> Steps[Exception | None]:
    """Connect to one address; answers with why not."""
    code = sock.connect_ex(sockaddr)
    if code in _UNDER_WAY:
        yield Wait.WRITE
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return OSError(code, "connect") if code else None


def wrapped(sock: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """With TLS, before the handshake. That an end without close_notify is none (RFC 9112, section 9.8) is for us to judge."""
    try:
        return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    except BaseException as error:
        # For a moment both own the descriptor. An interrupt just then would close it twice: the second time it may be another socket's.
        for frame, _ in traceback.walk_tb(error.__traceback__):
            half_made = frame.f_locals.get("self")
            if isinstance(half_made, ssl.SSLSocket) and half_made.fileno() == sock.fileno():
                sock.detach()
        raise


def handshake(sock: ssl.SSLSocket) -> Steps[Exception | None]:
    """Agree on keys; answers with why not."""
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            wait = Wait.READ
        except ssl.SSLWantWriteError:
            wait = Wait.WRITE
        except (OSError, ValueError) as error:
            return error.with_traceback(None)
        else:
            return None
        yield wait


def exchange(stream: Stream, request: EncodedRequest, limits: Limits, progress: Progress) -> Steps[Response | TransportError]:
    """Send the request and read the answer, the one while the other is blocked: an answer may come early."""
    sock, http = stream.sock, stream.http
    unsent = _Unsent(http.begin(request, limits, progress))
    while True:
        wait = unsent.send(sock)
        if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            yield wait
        data = _received(sock)
        if isinstance(data, Wait):
            if data is Wait.WRITE:
                yield data
        elif isinstance(data, OSError) or (not data and unsent.error is not None and not http.is_begun):
            return http.lost(broken_detail(unsent.error or data or None), while_sending=unsent.error is not None)
        else:
            answer = http.receive(data, is_sent=unsent.is_empty)
            if answer is not None:
                return answer


def exchange_flowing(stream: Stream, request: EncodedRequest, limits: Limits, progress: Progress, *, sinks: bool) -> FlowSteps:
    """The same, piece by piece: the next one is asked for when the last one has gone, and only a look is taken in between."""
    sock, http = stream.sock, stream.http
    unsent = _Unsent(http.begin(request, limits, progress, flows=sinks))
    flowing = request.flowing
    is_told = False
    while True:
        if flowing is not None and not flowing.is_over and unsent.is_empty:
            unsent.add(flowing.framed((yield Next.PIECE) or b""))
        wait = unsent.send(sock)
        more = flowing is not None and not flowing.is_over
        is_looking = more and unsent.is_empty
        if not is_looking and not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            yield wait
        data = _received(sock)
        answer: Response | TransportError | None = None
        if isinstance(data, Wait):
            if data is Wait.WRITE:
                yield data
        elif isinstance(data, OSError) or (not data and unsent.error is not None and not http.is_begun):
            return http.lost(broken_detail(unsent.error or data or None), while_sending=unsent.error is not None)
        else:
            answer = http.receive(data, is_sent=unsent.is_empty and not more)
        is_told = yield from _hand_on(http, is_told=is_told)
        if answer is not None:
            return answer


def _hand_on(http: Connection, *, is_told: bool) -> Generator[Begin | Take, bytes | None, bool]:
    """Hand on what has come of a body that flows; answers whether its head is told by now."""
    if http.flowing is None:
        return False
    if not is_told:
        yield Begin(http.flowing)
    came = http.came()
    if came:
        yield Take(came)
    return True


class _Unsent:
    """What is left to send. When it cannot be sent any more, the answer may still be there to be read."""

    __slots__ = ("_pieces", "error")

    def __init__(self, pieces: tuple[bytes, ...]) -> None:
        self._pieces = [memoryview(each) for each in reversed(pieces)]
        self.error: OSError | None = None

    @property
    def is_empty(self) -> bool:
        return not self._pieces

    def add(self, piece: bytes) -> None:
        """Some more, once all is sent."""
        if piece:
            self._pieces.append(memoryview(piece))

    def send(self, sock: socket.socket) -> Wait:
        """Send as much as goes, and tell what to wait for then."""
        while self._pieces and self.error is None:
            piece = self._pieces[-1]
            try:
                sent = sock.send(piece[:PIECE_BYTES])
            except ssl.SSLWantReadError:
                return Wait.READ
            except (BlockingIOError, ssl.SSLWantWriteError):
                return Wait.EITHER
            except OSError as error:
                self.error = error.with_traceback(None)
            else:
                self._pieces[-1] = piece[sent:]
                if sent == len(piece):
                    self._pieces.pop()
        return Wait.READ


def _received(sock: socket.socket) -> bytes | OSError | Wait:
    try:
        return sock.recv(RECEIVE_BYTES)
    except (BlockingIOError, ssl.SSLWantReadError):
        return Wait.READ
    except ssl.SSLWantWriteError:
        return Wait.WRITE
    except OSError as error:
        return error.with_traceback(None)


if sys.platform == "win32":

    def _is_ready(sock: socket.socket, wait: Wait, seconds: float) -> bool:
        reading = [] if wait is Wait.WRITE else [sock]
        writing = [] if wait is Wait.READ else [sock]
        return any(select.select(reading, writing, writing, seconds))

else:
    _EVENTS = {Wait.READ: select.POLLIN, Wait.WRITE: select.POLLOUT, Wait.EITHER: select.POLLIN | select.POLLOUT}

    def _is_ready(sock: socket.socket, wait: Wait, seconds: float) -> bool:
        poller = select.poll()
        poller.register(sock, _EVENTS[wait])
        return bool(poller.poll(ceil(seconds * 1000)))
