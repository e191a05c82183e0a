"""A KeyboardInterrupt at any line, but where no signal can come: Python looks for signals after calls and at jumps alone."""

# Tracing needs the frame that called.
# pyright: reportPrivateUsage=false

import ast
import dis
import gc
import linecache
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias

import platform_core
import platform_transports
from platform_core.machine import Decision

Trace: TypeAlias = Callable[[FrameType, str, Any], Any]
_CORE = Path(platform_core.__file__).parent
_TRANSPORTS = Path(platform_transports.__file__).parent


def traced(*modules: str) -> frozenset[str]:
    """The files of the core, and of these modules of the transports."""
    return frozenset({str(path) for path in _CORE.glob("*.py")} | {str(_TRANSPORTS / f"{name}.py") for name in modules})


@cache
def unreachable(code: CodeType) -> frozenset[int]:
    """The offsets at which a line begins that no signal can come before.

    Python looks for none between a `with` block and its `__exit__`, and none before the first line of a `finally`.
    """
    source = linecache.getlines(code.co_filename)
    finals = {node.finalbody[0].lineno for node in ast.walk(ast.parse("".join(source))) if isinstance(node, ast.Try) and node.finalbody}
    offsets: set[int] = set()
    for instruction in dis.get_instructions(code):
        line = 0 if instruction.positions is None or instruction.positions.lineno is None else instruction.positions.lineno
        leaves = instruction.opname == "LOAD_CONST" and source[line - 1].lstrip().startswith("with ")
        if line in finals or leaves:
            offsets.add(instruction.offset)
    return frozenset(offsets)


class Interrupts:
    """Raises a KeyboardInterrupt at the lines of these numbers, counted from 0 over all traced files."""

    def __init__(self, files: frozenset[str], *numbers: int) -> None:
        self.lines = 0
        self._files = files
        self._numbers = set(numbers)

    def run(self, function: Callable[[], object]) -> BaseException | None:
        """What the function raised."""
        before = sys.gettrace()
        gc.disable()  # else the end of an earlier run's frames would be traced in the middle of this one
        sys.settrace(self._called)
        try:
            function()
        except BaseException as error:  # noqa: BLE001 -- handed to the test
            return error
        finally:
            sys.settrace(before)
            gc.enable()
        return None

    def go_on(self, _decision: Decision) -> None:
        """As an observer: trace again, since Python gives it up for good once a trace function has raised."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename in self._files:
                frame.f_trace = self._line
            frame = frame.f_back
        sys.settrace(self._called)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        if event == "line" and frame.f_lasti not in unreachable(frame.f_code):
            self.lines += 1
            if self.lines - 1 in self._numbers:
                raise KeyboardInterrupt
        return self._line
