"""The command `platform-client`: what it needs besides the client comes with the extra `cli`.

Beside it: the commands (`cli_commands.py`), what they read (`cli_input.py`), how they end (`cli_ends.py`), the live view (`cli_view.py`).
"""

import sys
from collections.abc import Sequence

PROGRAM = "platform-client"
_LIBRARIES = frozenset({"rich", "typer"})
_USAGE = 2
"""As `cli_ends.ExitCode.USAGE`, which cannot be told where the extra is missing."""


def main() -> int:
    """Run the command line with the arguments of this process; it ends the process, unless the extra is missing."""
    try:
        from .cli_commands import app
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library not in _LIBRARIES:
            raise
        sys.stderr.write(f"{PROGRAM} needs {library}: pip install 'platform-client[cli]'\n")
        return _USAGE
    app(prog_name=PROGRAM)
    return 0


def emulator(arguments: Sequence[str]) -> int:
    """Serve the platform on this machine, as `python -m platform_emulator` does; the exit status."""
    from platform_emulator.cli import main as serve

    return serve(arguments, program=f"{PROGRAM} emulator")
