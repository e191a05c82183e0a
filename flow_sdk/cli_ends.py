"""How a command ends: its exit code, what it prints on standard output, and what it says on standard error.

Rule 1: standard output holds what was asked for and nothing else; with `--json` exactly one JSON value, the error's where it failed.
Rule 2: whatever else there is to say goes to standard error: errors as one message without a traceback, and what became of a run.
"""

import json
import re
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from platform_core.actions import Gone
from platform_core.errors import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from platform_core.machine import Decision
from platform_core.strange_texts import one_line
from platform_transports.journal import Journal

from .cli import PROGRAM
from .cli_view import View
from .sync_client import SyncPlatformClient

T = TypeVar("T")


class ExitCode(IntEnum):
    """What a command ends with. Scripts depend on these numbers: they never change."""

    ENDED_WELL = 0
    FAILED = 1
    USAGE = 2
    NOT_PERMITTED = 3
    NOT_FOUND = 4
    TIMED_OUT = 5
    CANCELLED = 6
    NO_ANSWER = 7
    UNKNOWN = 8
    REFUSED = 9
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: dict[ExitCode, str] = {
    ExitCode.ENDED_WELL: "it ended well",
    ExitCode.FAILED: "the execution failed, or the platform (500); replay: a difference",
    ExitCode.USAGE: "wrong usage: an argument, an input, a file or the environment",
    ExitCode.NOT_PERMITTED: "the token is not accepted, or lacks a right (401, 403)",
    ExitCode.NOT_FOUND: "not found (404)",
    ExitCode.TIMED_OUT: "a deadline passed, the platform's or our own",
    ExitCode.CANCELLED: "the execution was cancelled",
    ExitCode.NO_ANSWER: "no answer from the platform",
    ExitCode.UNKNOWN: "a submission may or may not have started",
    ExitCode.REFUSED: "any other refusal, or an answer that makes no sense",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
    ExitCode.TERMINATED: "ended by SIGTERM",
}

_BY_ERROR: dict[type[BaseException], ExitCode] = {
    PlatformAuthenticationError: ExitCode.NOT_PERMITTED,
    PlatformPermissionError: ExitCode.NOT_PERMITTED,
    PlatformNotFoundError: ExitCode.NOT_FOUND,
    PlatformExecutionError: ExitCode.FAILED,
    PlatformExecutionTimeoutError: ExitCode.TIMED_OUT,
    PlatformExecutionCancelledError: ExitCode.CANCELLED,
    PlatformTimeoutError: ExitCode.TIMED_OUT,
    PlatformConnectionError: ExitCode.NO_ANSWER,
    PlatformSubmissionUnknownError: ExitCode.UNKNOWN,
    PlatformClientError: ExitCode.REFUSED,
}
_LOOK_FIRST = "It may have started: look on the platform before you run it again."
_IN_A_SHELL: dict[type[PlatformClientError], str] = {
    PlatformAuthenticationError: "Set AUTH_TOKEN to a valid token.",
    PlatformExecutionError: "With --json, its whole record is printed.",
    PlatformExecutionTimeoutError: "The platform ended it at its deadline: give it a longer --timeout, or less to do.",
    PlatformTimeoutError: "Give it a longer --timeout.",
}
"""What to do next, where an error's own advice speaks of Python."""
_USAGE_WIDTH_MAX = 500
"""For what was typed and what would have been right: a long argument is not repeated whole."""
# What a terminal may take for a command (C1) or for a change of direction: in JSON it stands in strings alone.
_STEERS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Terminated(KeyboardInterrupt):
    """SIGTERM: it leaves a run as Ctrl-C does."""


class Commands(TyperGroup):
    """The commands, whose wrong usage is said as every other error is: typer's own way is four lines without a colour."""

    def main(self, *args: Any, **options: Any) -> NoReturn:  # noqa: ANN401 -- as typer's
        """Run the command that was typed, and end the process."""
        try:
            code = super().main(*args, **(options | {"standalone_mode": False}))
        except typer.TyperException as error:
            text = one_line(error.format_message(), _USAGE_WIDTH_MAX)
            say_error(f"{text}{'' if text.endswith(('.', '?')) else '.'} {_help_of(error)}")
            code = error.exit_code
        sys.exit(code)


def exit_code(error: PlatformClientError) -> ExitCode:
    """What a script should be told of this error."""
    if error.handle is not None and error.handle.execution_id is None:
        return ExitCode.UNKNOWN  # whatever has kept the answer away: nobody should submit it again unawares
    return next(_BY_ERROR[each] for each in type(error).__mro__ if each in _BY_ERROR)


def perform(
    call: Callable[[SyncPlatformClient], T],
    show: Callable[[T], None],
    *,
    as_json: bool = False,
    view: View | None = None,
    journal: Journal | str | None = None,
) -> None:
    """Call the platform, show what came of it, and end the command."""
    try:
        with _terminated_by_signal():
            code = _ended(call, show, as_json=as_json, view=view, journal=journal)
    except KeyboardInterrupt as interruption:  # before the call or after it
        code = _interrupted(interruption)
    raise typer.Exit(code)


def show_json(value: Any) -> None:  # noqa: ANN401 -- any JSON value
    """Print a value as JSON, for a person and for a program alike."""
    typer.echo(json_text(value), nl=False)


def json_text(value: Any) -> bytes:  # noqa: ANN401 -- any JSON value
    """A value as JSON that a terminal can be shown."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def write(content: bytes) -> None:
    """Print bytes as they are. A terminal is spared them."""
    if sys.stdout.isatty():
        say(f"{len(content)} bytes, which are not for a terminal: --output FILE takes them.")
    else:
        typer.echo(content, nl=False)


def write_to(file: Path, content: bytes) -> None:
    """Write an answer to a file. Raises `typer.BadParameter` where it cannot."""
    try:
        file.write_bytes(content)
    except OSError as error:
        fault = f"cannot write {file}: {error.strerror}"
    else:
        return
    raise typer.BadParameter(fault, param_hint="--output")


def say(text: str, *, style: str = "", label: str = "") -> None:
    """Say something to whoever sits before the terminal; on one line where nobody does."""
    console = Console(stderr=True, highlight=False)
    console.print(Text(label, style) + Text(text), soft_wrap=not console.is_terminal)


def say_error(text: str) -> None:
    """Say what went wrong, and what to do next."""
    say(text, label="Error: ", style="red")


def _ended(
    call: Callable[[SyncPlatformClient], T],
    show: Callable[[T], None],
    *,
    as_json: bool,
    view: View | None,
    journal: Journal | str | None,
) -> ExitCode:
    left = _Left()
    try:
        with SyncPlatformClient(observers=[left, *([] if view is None else [view.observer])], journal=journal) as client:
            if view is None:
                value = call(client)
            else:
                with view:
                    value = call(client)
    except PlatformClientError as error:
        if as_json:
            show_json(error.to_dict())
        text = str(error).removesuffix(error.advice).rstrip()
        say_error(f"{text} {_next_step(error)}".rstrip())
        return exit_code(error)
    except (TypeError, ValueError) as error:  # bad arguments, before anything was sent
        say_error(str(error))
        return ExitCode.USAGE
    except KeyboardInterrupt as interruption:
        return _interrupted(interruption, left.fate)
    show(value)
    return ExitCode.ENDED_WELL


class _Left:
    """An observer that remembers what became of a run that was left."""

    def __init__(self) -> None:
        self.fate = ""

    def __call__(self, decision: Decision) -> None:
        if isinstance(decision.action, Gone):
            self.fate = str(decision.action.report)


def _interrupted(interruption: KeyboardInterrupt, fate: str = "") -> ExitCode:
    code = ExitCode.TERMINATED if isinstance(interruption, Terminated) else ExitCode.INTERRUPTED
    say(f"Interrupted: {fate}." if fate else "Interrupted.")
    return code


def _help_of(error: typer.TyperException) -> str:
    """Where the command that was meant is explained."""
    context = getattr(error, "ctx", None)  # an error of usage has it, and typer gives the class no public name
    return f"Try: {PROGRAM if context is None else context.command_path} --help"


def _next_step(error: PlatformClientError) -> str:
    """The error's own advice, but where that speaks of Python."""
    if error.handle is not None and error.execution is None and exit_code(error) is not ExitCode.NOT_FOUND:
        execution_id = error.handle.execution_id
        return _LOOK_FIRST if execution_id is None else f"It may still be running: {PROGRAM} wait {execution_id}"
    return _IN_A_SHELL.get(type(error), error.advice)


@contextmanager
def _terminated_by_signal() -> Generator[None, None, None]:
    """SIGTERM is an interrupt inside it, so that a stopped job leaves nothing running on the platform."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
