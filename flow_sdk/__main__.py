"""`python -m flow_sdk replay FILE`: the decisions of a journal, with their reasons, and whether they would be taken again."""

import argparse
import sys
from collections.abc import Sequence

from .replaying import print_replay


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a journal; the exit status, see `print_replay`."""
    parser = argparse.ArgumentParser(prog="python -m flow_sdk", description="The platform's client, from a shell.")
    commands = parser.add_subparsers(dest="command", required=True)
    told = commands.add_parser("replay", help="decide all of a journal again, and print each decision with its reason")
    told.add_argument("file", help="what `journal=` of a client named")
    file = parser.parse_args(arguments).file
    return print_replay(file, lambda text: sys.stderr.write(f"{parser.prog}: error: {text}\n"))


if __name__ == "__main__":
    raise SystemExit(main())
