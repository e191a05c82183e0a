"""What `replay FILE` prints, on the command line and as `python -m flow_sdk`: needs no extra, no network and no token."""

from collections.abc import Callable

from platform_transports.journal_lines import InvalidJournal
from platform_transports.replay import Replayed, steps, told_step


def print_replay(file: str, say_error: Callable[[str], object]) -> int:
    """Replay a journal; 0 where all was decided the same again, 1 where something was not, 2 where the file cannot be read.

    That the file cannot be read is said by `say_error`.
    """
    try:
        return _replay(file)
    except (InvalidJournal, OSError) as error:
        say_error(f"cannot replay {file}: {error.strerror if isinstance(error, OSError) else error}")
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
