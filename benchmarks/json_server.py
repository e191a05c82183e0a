"""A server in a process of its own that answers every request at once with the same JSON: the same for all whom a run measures.

Run as a program it prints its port, and serves until its standard input ends.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from benchmarks.machine import pinned

ROOT = Path(__file__).resolve().parent.parent
EXECUTION_ID = "7f3c1c52-9a44-4f5e-8d0e-3c8e2b6f9d11"
RECORD = {
    "execution_id": EXECUTION_ID,
    "status": "running",
    "component_type": "code_block",
    "component_id": "0b9f2f3e-52f1-4f0e-9c58-2f0f6d3ad001",
    "result": None,
    "error": None,
    "created_at": "2026-11-25T09:00:00.000000Z",
    "started_at": "2026-11-25T09:00:00.250000Z",
    "finished_at": None,
    "progress": 0.25,
}
BODY = json.dumps(RECORD).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nServer: benchmark\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
_END = b"\r\n\r\n"


class _Answering(asyncio.Protocol):
    """One connection. Requests have no body, so that each ends with its head."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        came = self._rest + data
        count = came.count(_END)
        if count:
            self._transport.write(ANSWER * count)
        self._rest = b"" if came.endswith(_END) else came.rpartition(_END)[2]


@contextmanager
def json_server() -> Generator[str]:
    """The URL of a server on the last of this machine's cores."""
    command = [sys.executable, "-m", "benchmarks.json_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None, "a pipe"
        assert process.stdout is not None, "a pipe"
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def _fastest_loop() -> asyncio.AbstractEventLoop:
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415 -- there is none on Windows

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


if __name__ == "__main__":
    pinned(-1)
    with asyncio.Runner(loop_factory=_fastest_loop) as runner:
        runner.run(_serve())
