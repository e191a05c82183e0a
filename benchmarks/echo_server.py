"""A server in a process of its own, whose answers carry the id of their request, each in one of many ways.

Run as a program it prints its port, and serves until its standard input ends. `/gate` answers how many requests stood at the gate
together: it opens when as many stand there as its query says, or after some seconds. `/stats` answers what became of its connections.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from zlib import crc32

_REQUEST = re.compile(rb"GET /(\w+)(?:\?(\d+))? HTTP/1\.1\r\n(?:.*\r\n)*?x-request-id: *([\w-]+)\r\n", re.IGNORECASE)
_ROOT = Path(__file__).resolve().parent.parent
_SLOW_SECONDS = 0.002
_GATE_SECONDS_MAX = 2.0
_WAYS = ("at once", "at once", "at once", "late", "body late", "in chunks", "byte by byte", "and closes")


class Counts:
    """What became of the connections, and who stands at the gate."""

    def __init__(self) -> None:
        self.accepted = 0
        self.open = 0
        self.open_max = 0
        self._at_gate: list[Callable[[bytes], None]] = []
        self._opening: asyncio.TimerHandle | None = None

    def stand_at_gate(self, wanted: int, answer: Callable[[bytes], None]) -> None:
        """Answer once so many stand there, or when the first of them has stood for too long."""
        if not self._at_gate:
            self._opening = asyncio.get_running_loop().call_later(_GATE_SECONDS_MAX, self._open_gate)
        self._at_gate.append(answer)
        if len(self._at_gate) >= wanted:
            self._open_gate()

    def _open_gate(self) -> None:
        """Tell all who stand there how many they are."""
        assert self._opening is not None, "somebody stands there"
        self._opening.cancel()
        answers, self._at_gate = self._at_gate, []
        for answer in answers:
            answer(b"%d" % len(answers))

    def as_json(self) -> bytes:
        """What `/stats` answers."""
        return json.dumps({"accepted": self.accepted, "open": self.open, "open_max": self.open_max}).encode()


class Echo(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._came = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._counts.accepted += 1
        self._counts.open += 1
        self._counts.open_max = max(self._counts.open_max, self._counts.open)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._counts.open -= 1
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._came += data
        if not self._came.endswith(b"\r\n\r\n"):
            return
        found = _REQUEST.match(self._came)
        self._came = b""
        if found is None:
            self._write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        path, number, name = found.groups()
        match path:
            case b"gate":
                self._counts.stand_at_gate(int(number), lambda body: self._answer(body, "at once"))
            case b"stats":
                self._answer(self._counts.as_json(), "at once")
            case _:
                self._answer(name, _WAYS[crc32(name) % len(_WAYS)])

    def _answer(self, body: bytes, way: str) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        match way:
            case "late":
                self._write_later(_SLOW_SECONDS, head + body)
            case "body late":
                self._write(head + body[:1])
                self._write_later(_SLOW_SECONDS, body[1:])
            case "in chunks":
                self._write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n%b\r\n" % body[:1])
                self._write_later(_SLOW_SECONDS / 2, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body) - 1, body[1:]))
            case "byte by byte":
                for byte in head + body:
                    self._write(bytes([byte]))
            case "and closes":
                self._write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                if self._transport is not None:
                    self._transport.close()
            case _:
                self._write(head + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _write_later(self, seconds: float, data: bytes) -> None:
        asyncio.get_running_loop().call_later(seconds, self._write, data)


@contextmanager
def echo_server() -> Generator[str]:
    """The URL of a server that runs in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.echo_server"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None, "a pipe"
        assert process.stdout is not None, "a pipe"
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


async def _serve() -> None:
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(counts), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
