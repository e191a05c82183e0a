"""What `replay FILE` prints, on the command line and as `python -m flow_sdk`: needs no extra, no network and no token."""

import sys

from platform_transports.journal_lines import InvalidJournal
from platform_transports.replay import Replayed, steps, told_step


def print_replay(file: str) -> int:
    """Replay a journal; 0 where all was decided the same again, 1 where something was not, 2 where the file cannot be read."""
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
