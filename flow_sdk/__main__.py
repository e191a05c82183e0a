"""`python -m flow_sdk replay FILE`: the decisions of a journal, with their reasons, and whether they would be taken again."""

import argparse
import sys
from collections.abc import Sequence

from platform_transports.journal_lines import InvalidJournal
from platform_transports.replay import Replayed, steps, told_step


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay a journal; 0 where all was decided the same again, 1 where something was not, 2 where the file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m flow_sdk", description="The platform's client, from a shell.")
    commands = parser.add_subparsers(dest="command", required=True)
    told = commands.add_parser("replay", help="decide all of a journal again, and print each decision with its reason")
    told.add_argument("file", help="what `journal=` of a client named")
    file = parser.parse_args(arguments).file
    try:
        return _replay(file)
    except (InvalidJournal, OSError) as error:
        print(f"{file}: {error}", file=sys.stderr)  # noqa: T201 -- as below
        return 2


def _replay(file: str) -> int:
    runs: set[object] = set()
    same, difference = 0, None
    for step in steps(file):
        print(told_step(step))  # noqa: T201 -- printing is what the command is for
        runs.add(step.entry.run)
        difference = step.difference
        same += difference is None
    print(Replayed(len(runs), same, difference))  # noqa: T201 -- as above
    return 0 if difference is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
