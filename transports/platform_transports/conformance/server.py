"""A server on loopback that plays scripts, one for each connection: for answers that no proper server gives."""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import assert_never

from .ends import CheckFailedError
from .steps import AwaitClose, Close, CloseNotify, Echo, Endless, Pieces, Read, Receive, Reply, Reset, Script, Step, Wait

_STEP_SECONDS_MAX = 10.0
"""A check that waits for longer has failed already."""
_WAIT_SECONDS_MAX = 5.0
_RETRY_SECONDS = 0.01
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked *(?:\r|$)", re.IGNORECASE)
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_REQUEST_ID = re.compile(rb"\r\nx-request-id: *([^\r]*)\r\n", re.IGNORECASE)


class _Ended(Exception):  # noqa: N818 -- how a script ends, not an error
    """The connection is to be closed now."""


class RawServer:
    """What the scripts have come to: requests as they were received, connections, and how many of them the client closed."""

    def __init__(self, scripts: Iterable[Script], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.requests: list[bytes] = []
        self.connections: int = 0
        self.closed: int = 0
        self.port: int = self._listener.getsockname()[1]
        self.url: str = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._threads[0].start()

    def release(self) -> None:
        """Let every `Wait` end."""
        self._released.set()

    def wait_for(self, *, requests: int = 0, closed: int = 0, connections: int = 0) -> None:
        """Block until so many requests have been read, and connections been made and closed by the client."""
        with self._changed:
            reached = self._changed.wait_for(
                lambda: len(self.requests) >= requests and self.closed >= closed and self.connections >= connections,
                _WAIT_SECONDS_MAX,
            )
        if not reached:
            message = (
                f"after {_WAIT_SECONDS_MAX} s the server has read {len(self.requests)} requests (waited for {requests}) on "
                f"{self.connections} connections (waited for {connections}), of which the client has closed {self.closed} "
                f"(waited for {closed})"
            )
            raise CheckFailedError(message)

    def ended(self) -> None:
        """Block until every script that was begun has ended."""
        for thread in tuple(self._threads[1:]):
            thread.join(_WAIT_SECONDS_MAX)

    def stop(self) -> None:
        """Close everything and join the threads."""
        self._stopped.set()
        self._released.set()
        # A thread in accept() is woken by a connection, not by the closing of its socket.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in tuple(self._threads):
            thread.join(_STEP_SECONDS_MAX)
        self._listener.close()

    def _accept(self) -> None:
        for script in self._scripts:
            connection = self._accepted()
            if connection is None:
                return
            connection.settimeout(_STEP_SECONDS_MAX)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with self._changed:
                self._open.append(connection)
                self.connections += 1
                self._changed.notify_all()
            thread = threading.Thread(target=self._play, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _accepted(self) -> socket.socket | None:
        """The next connection; None where the server is stopped."""
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:  # there may be no descriptor to spare for a while
                time.sleep(_RETRY_SECONDS)
                continue
            if not self._stopped.is_set():
                return connection
            connection.close()
        return None

    def _play(self, connection: socket.socket, script: Script) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            for step in script:
                self._perform(connection, step)
        except (OSError, _Ended):
            pass  # the client went away in the middle of the script, or the script says so
        finally:
            connection.close()

    def _perform(self, connection: socket.socket, step: Step) -> None:
        match step:
            case bytes() | Reply() | Pieces() | Endless():
                self._send(connection, step)
            case Read():
                self._read(connection)
            case Echo():
                found = _REQUEST_ID.search(self._read(connection))
                connection.sendall(Reply(200, found[1] if found else b"").encoded())
            case Receive():
                self._note(_received(connection))
            case Wait():
                self._released.wait(_STEP_SECONDS_MAX)
            case AwaitClose() | Close() | CloseNotify() | Reset():
                self._end(connection, step)
                raise _Ended
            case _:
                assert_never(step)

    def _send(self, connection: socket.socket, step: bytes | Reply | Pieces | Endless) -> None:
        """A client that has closed while there was more to send has closed, whether the script waits for that later or not."""
        try:
            match step:
                case bytes():
                    connection.sendall(step)
                case Reply():
                    connection.sendall(step.encoded())
                case Pieces(pieces, pause_seconds):
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause_seconds)
                case Endless(data, pause_seconds):
                    while not self._stopped.wait(pause_seconds):
                        connection.sendall(data)
                case _:
                    assert_never(step)
        except (ConnectionError, ssl.SSLError):
            self._count_closed()
            raise _Ended from None

    def _end(self, connection: socket.socket, step: AwaitClose | Close | CloseNotify | Reset) -> None:
        match step:
            case AwaitClose():
                with suppress(ConnectionError, ssl.SSLError):
                    while connection.recv(65536):
                        pass
                self._count_closed()
            case Close():
                pass
            case CloseNotify():
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap()  # waits for the client's, or its end
            case Reset():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case _:
                assert_never(step)

    def _read(self, connection: socket.socket) -> bytes:
        request = _read_request(connection)
        self._note(request)
        return request

    def _note(self, request: bytes) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def _count_closed(self) -> None:
        with self._changed:
            self.closed += 1
            self._changed.notify_all()


@contextmanager
def raw_server(*scripts: Script, tls: ssl.SSLContext | None = None) -> Generator[RawServer]:
    """Serve these scripts, one for each connection in turn; further connections get no answer."""
    server = RawServer(scripts, tls)
    try:
        yield server
    finally:
        server.stop()


def _read_request(connection: socket.socket) -> bytes:
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if _CHUNKED.search(head):
        while not data.endswith(_LAST_CHUNK):
            data += _received(connection)
        return bytes(data)
    length = _CONTENT_LENGTH.search(head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0:
        chunk = _received(connection)
        data += chunk
        missing -= len(chunk)
    return bytes(data)


def _received(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionAbortedError
    return chunk
