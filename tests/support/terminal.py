"""A program on a terminal of its own, 80 columns wide: what a person would see.

with Terminal([sys.executable, "-m", …], env=…) as terminal:
    terminal.wait_for("running")
    terminal.press("\\x03")                  # Ctrl-C
    assert terminal.end() == 130
    print(terminal.screen())
"""

import os
import pty
import selectors
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte
from pyte.screens import Char

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, LINES = 80, 40
SECONDS_MAX = 60.0
"""For anything to come to pass, on the busiest of machines."""


class Terminal:
    """Runs the command from `__enter__` to `__exit__`. What it wrote stays on the screen."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        self._command = command
        self._env = {**env, "TERM": "xterm-256color"}
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._main = -1
        self._process: subprocess.Popen[bytes]
        self.frames: list[str] = []
        """The screen after each piece that was written."""

    def __enter__(self) -> Self:
        self._main, other = pty.openpty()
        termios.tcsetwinsize(other, (LINES, COLUMNS))
        self._process = subprocess.Popen(
            self._command, stdin=other, stdout=other, stderr=other, env=self._env, cwd=ROOT, start_new_session=True
        )
        os.close(other)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._main)

    def screen(self) -> str:
        """The lines that are not empty."""
        return "\n".join(line.rstrip() for line in self._screen.display if line.strip())

    def cells(self) -> list[list[Char]]:
        """The same lines, a character with its colours for each column."""
        rows = [[self._screen.buffer[line][column] for column in range(COLUMNS)] for line in range(LINES)]
        return [row for row in rows if any(cell.data.strip() for cell in row)]

    def wait_for(self, text: str) -> None:
        """Read until this stands on the screen."""
        ends_at = time.monotonic() + SECONDS_MAX
        while text not in self.screen():
            assert self._read(ends_at), f"it ended, or nothing came, without {text!r}:\n{self.screen()}"

    def send(self, number: signal.Signals) -> None:
        """A signal to the program."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Read to the end, and answer with the exit code."""
        ends_at = time.monotonic() + SECONDS_MAX
        while self._read(ends_at):
            pass
        return self._process.wait(SECONDS_MAX)

    def _read(self, ends_at: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._main, selectors.EVENT_READ)
            if not selector.select(max(0.0, ends_at - time.monotonic())):
                return False
        try:
            piece = os.read(self._main, 65536)
        except OSError:  # Linux: nobody has the other side open any more
            return False
        self._stream.feed(piece)
        self.frames.append(self.screen())
        return bool(piece)
