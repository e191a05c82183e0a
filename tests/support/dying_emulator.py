"""`python -m tests.support.dying_emulator before|after COMMITS …`: an emulator that kills itself at that commit of executions.

Before it, what was asked for has not happened; after it, it has, and nobody was told. What follows are arguments of the emulator.
"""

import os
import signal
import sys

from platform_emulator import cli, database
from platform_emulator.state import State


class Dying(database.Database):
    """A database whose process ends at one of its commits, without a word."""

    moment = ""
    commits_left = 0

    def keep(self, before: State, after: State) -> None:
        if after.executions.changes_since(before.executions):
            Dying.commits_left -= 1
            self._die_at("before")
        super().keep(before, after)
        self._die_at("after")

    def _die_at(self, moment: str) -> None:
        if (moment, 0) == (self.moment, self.commits_left):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Dying.moment, Dying.commits_left = sys.argv[1], int(sys.argv[2])
    setattr(database, "Database", Dying)  # noqa: B010 -- a class is not to be assigned to, say the type checkers
    sys.exit(cli.main(sys.argv[3:]))
