"""A server of bytes, in a process of its own: takes bodies and says how long they were, and sends as many bytes as it is asked for."""

import multiprocessing
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import BinaryIO

PIECE = bytes(range(256)) * 256
_START_SECONDS_MAX = 60.0


@contextmanager
def bytes_server() -> Generator[str]:
    """Where it is: `GET /api/v1/bytes/N` is answered with N bytes, `PUT` with the number of bytes that came."""
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_serve, args=(sending,), daemon=True)
    process.start()
    try:
        if not receiving.poll(_START_SECONDS_MAX):
            raise TimeoutError("the server has not started")
        yield f"http://127.0.0.1:{receiving.recv()}"
    finally:
        process.kill()
        process.join()
        receiving.close()


def _serve(sending: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sending.send(listener.getsockname()[1])
        while True:
            threading.Thread(target=_answer, args=(listener.accept()[0],), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as reader, suppress(ConnectionError):
        while line := reader.readline():
            fields = {name.lower(): value.strip() for name, _, value in (each.partition(b":") for each in iter(reader.readline, b"\r\n"))}
            came = _read_chunks(reader) if b"transfer-encoding" in fields else _read(reader, int(fields.get(b"content-length", 0)))
            if line.startswith(b"GET"):
                _send(connection, int(line.split()[1].rpartition(b"/")[2]))
            else:
                said = str(came).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))


def _send(connection: socket.socket, size: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
    for start in range(0, size, len(PIECE)):
        connection.sendall(PIECE[: size - start])


def _read_chunks(reader: BinaryIO) -> int:
    came = 0
    while size := int(reader.readline(), 16):
        came += _read(reader, size)
        reader.readline()
    reader.readline()
    return came


def _read(reader: BinaryIO, size: int) -> int:
    left = size
    while left:
        left -= len(reader.read(min(left, len(PIECE))))
    return size
