"""A server on loopback that plays a script of bytes, one for each connection: for answers that no proper server gives."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

_STEP_SECONDS_MAX = 10.0
"""A test that waits for longer has failed already."""
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Read:
    """Read one request whole."""


@dataclass(frozen=True)
class Receive:
    """Read whatever bytes come first."""


@dataclass(frozen=True)
class Wait:
    """Wait until the test releases the server, or ends."""


@dataclass(frozen=True)
class AwaitClose:
    """Wait until the client closes the connection; `RawServer.closed` counts it."""


@dataclass(frozen=True)
class Reset:
    """End the connection by RST."""


@dataclass(frozen=True)
class Endless:
    """Send these bytes again and again, until the client closes the connection; `RawServer.closed` counts it."""

    data: bytes
    pause_seconds: float = 0.0


Step: TypeAlias = bytes | Read | Receive | Wait | AwaitClose | Reset | Endless
"""Bytes are sent. After the last step the connection is closed."""

READ = Read()
RECEIVE = Receive()
WAIT = Wait()
AWAIT_CLOSE = AwaitClose()
RESET = Reset()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RawServer:
    """What the script has come to: requests as they were received, connections, and how many of them the client closed."""

    def __init__(self, scripts: tuple[tuple[Step, ...], ...], tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = 0
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._threads[0].start()

    def release(self) -> None:
        """Let every `Wait` end."""
        self._released.set()

    def wait_for(self, *, requests: int = 0, closed: int = 0, connections: int = 0) -> None:
        """Block until so many requests have been read, and connections been made and closed by the client."""
        with self._changed:
            reached = self._changed.wait_for(
                lambda: len(self.requests) >= requests and self.closed >= closed and self.connections >= connections,
                _STEP_SECONDS_MAX,
            )
        assert reached, f"{len(self.requests)} requests, {self.closed} closed, {self.connections} connections"

    def stop(self) -> None:
        """Close everything and join the threads."""
        self._stopped.set()
        self._released.set()
        # A thread in accept() is woken by a connection, not by the closing of its socket.
        socket.create_connection(("127.0.0.1", self.port)).close()
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(_STEP_SECONDS_MAX)
        self._listener.close()

    def _accept(self) -> None:
        for script in self._scripts:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                return
            connection.settimeout(_STEP_SECONDS_MAX)
            with self._changed:
                self._open.append(connection)
                self.connections += 1
                self._changed.notify_all()
            thread = threading.Thread(target=self._play, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, connection: socket.socket, script: tuple[Step, ...]) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            for step in script:
                self._perform(connection, step)
        except OSError:
            pass  # the client went away in the middle of the script
        finally:
            connection.close()

    def _perform(self, connection: socket.socket, step: Step) -> None:
        match step:
            case bytes():
                connection.sendall(step)
            case Read():
                request = _read_request(connection)
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
            case Receive():
                _received(connection)
            case Wait():
                self._released.wait(_STEP_SECONDS_MAX)
            case AwaitClose():
                try:
                    while connection.recv(65536):
                        pass
                except ConnectionError:
                    pass
                self._count_closed()
            case Reset():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            case Endless(data, pause_seconds):
                try:
                    while not self._stopped.wait(pause_seconds):
                        connection.sendall(data)
                except ConnectionError:
                    self._count_closed()

    def _count_closed(self) -> None:
        with self._changed:
            self.closed += 1
            self._changed.notify_all()


@contextmanager
def raw_server(*scripts: tuple[Step, ...], tls: ssl.SSLContext | None = None) -> Generator[RawServer]:
    """Serve these scripts, one for each connection in turn; further connections get no answer."""
    server = RawServer(scripts, tls)
    try:
        yield server
    finally:
        server.stop()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0:
        chunk = _received(connection)
        data += chunk
        missing -= len(chunk)
    return data


def _received(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionAbortedError
    return chunk
