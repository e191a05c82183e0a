"""`python -m platform_emulator`: the platform until SIGTERM or an interrupt, its address and a token as two lines for a shell."""

import argparse
import contextlib
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

from .components import catalogue
from .fault_json import parsed_faults
from .faults import Fault
from .registration import Registered, registered

PORT_MAX = 65535
_NO_SIGNAL = 0
"""In place of the number of one: the server has ended by itself."""


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m platform_emulator") -> int:
    """Serve, or list the components; the exit status. Wrong arguments exit with 2, as argparse does.

    Raises `RuntimeError` where the server ends by a fault of its own: how it came to that is for us to read.
    """
    parser = _parser(program)
    options = parser.parse_args(arguments)
    try:
        functions = _functions(options.components)
    except (ImportError, TypeError, ValueError) as error:
        parser.error(f"--components {options.components}: {error}")
    if options.list:
        _say(json.dumps(catalogue(each.component for each in functions), indent=2))
        return 0
    signals = _caught_signals()
    try:
        from .emulator import Emulator  # noqa: PLC0415 -- `--list` needs no server
        from .keeping import DatabaseError  # noqa: PLC0415 -- the same
    except ImportError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    try:
        key = {} if options.key is None else {"key": options.key}
        emulator = Emulator(
            host=options.host,
            port=options.port,
            faults=_faults(options.faults),
            components=options.components or (),
            database=options.database,
            on_fault=lambda: signals.put(_NO_SIGNAL),
            **key,
        )
    except ValueError as error:
        parser.error(str(error))
    except (DatabaseError, ImportError) as error:
        parser.exit(1, f"{parser.prog}: --database: {error}\n")
    try:
        with emulator as platform:
            _say(f"export PLATFORM_API_URL={shlex.quote(platform.url)}\nexport AUTH_TOKEN={shlex.quote(platform.token)}")
            signals.get()
    except OSError as error:
        parser.exit(1, f"{parser.prog}: cannot serve on {options.host} port {options.port}: {error}\n")
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="The platform on this machine.", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve on (%(default)s)")
    parser.add_argument("--port", default=0, type=_port, help="the port; 0 takes a free one (%(default)s)")
    parser.add_argument("--key", metavar="TEXT", help="what tokens are signed with, in place of the fixed development key")
    parser.add_argument("--list", action="store_true", help="print the components as JSON, names to ids, and serve nothing")
    parser.add_argument("--components", metavar="MODULE", help="a module whose decorated functions run as components, each in a process")
    parser.add_argument("--faults", metavar="FILE", type=Path, help="a JSON list of faults to meet")
    parser.add_argument("--database", metavar="FILE", type=Path, help="keep the platform in this file, and go on with what is in it")
    return parser


def _functions(module: str | None) -> tuple[Registered, ...]:
    """What a module prints while it is imported is not for whoever reads our output."""
    if module is None:
        return ()
    with contextlib.redirect_stdout(sys.stderr):
        return registered(module)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(PORT_MAX)) and int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"must be from 0 to {PORT_MAX}")
    return int(text)


def _faults(file: Path | None) -> tuple[Fault, ...]:
    if file is None:
        return ()
    try:
        return parsed_faults(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from None


def _caught_signals() -> "SimpleQueue[int]":
    """What asks for the end, from now on: also what comes while the server is being loaded.

    A handler runs between any two bytecodes of this thread: a queue of this kind may be put to then, an Event may deadlock.
    """
    signals: SimpleQueue[int] = SimpleQueue()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: signals.put(number))
    return signals


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
