"""An emulator in a process of its own, to be killed and started again on the same port with the same database.

    with EmulatorProcess(tmp_path / "platform.sqlite3") as emulator:
        …                                        # a client at emulator.url with emulator.token
        emulator.kill()
        emulator.start()                         # the same URL; the first token is still accepted
    assert emulator.executions() == …            # what the database says, once nobody serves

`dying(moment, commits)` as `program` makes one that kills itself at a commit; the next `start` serves on without that.
"""

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from platform_emulator.rows import EXECUTIONS, execution_of
from platform_emulator.state import Execution

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("-m", "platform_emulator")
END_SECONDS_MAX = 60.0
"""For a killed process and its workers to be gone, on the busiest of machines."""


def dying(moment: Literal["before", "after"], commits: int) -> tuple[str, ...]:
    """The program of an emulator that is killed by SIGKILL immediately before or after it commits for this time."""
    return ("-m", "tests.support.dying_emulator", moment, str(commits))


class EmulatorProcess:
    """Serves from `__enter__` to `__exit__`, but between `kill` and `start`. The port is a free one, and stays the same."""

    def __init__(self, database: Path, *arguments: str, program: Sequence[str] = PROGRAM) -> None:
        self.database = database
        self.url = self.token = ""
        self._arguments = arguments
        self._program = program
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Serve, and return when requests are taken. Raises `RuntimeError` with what it says where it ends instead."""
        assert self._process is None, "it serves already"
        port = urlsplit(self.url).port or 0
        command = [sys.executable, *self._program, "--port", str(port), "--database", str(self.database), *self._arguments]
        self._program = PROGRAM
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        lines = [shlex.split(self._process.stdout.readline()) for _ in range(2)]
        if not all(lines):
            raise RuntimeError(self.ended())
        self.url, self.token = (assignment.partition("=")[2] for _, assignment in lines)

    def kill(self) -> None:
        """SIGKILL, where it serves; returns when it is gone with all its workers."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self.ended()

    def ended(self) -> str:
        """Wait for its end, that of its workers included: they hold its standard error, which is the answer."""
        assert self._process is not None, "it does not serve"
        process, self._process = self._process, None
        try:
            return process.communicate(timeout=END_SECONDS_MAX)[1]
        finally:
            process.kill()  # as far as it is not gone
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def executions(self) -> list[Execution]:
        """What the database says, in the order of submission. While an emulator serves, nobody else may look."""
        assert self._process is None, "the database is in use"
        with closing(sqlite3.connect(self.database)) as connection:
            return [execution_of(row) for row in connection.execute(EXECUTIONS)]
