"""Which of many runs polls next, and when: for a driver that watches all of them with a few tasks or threads.

Rule 1: whoever is due first goes first, and of those that are due at the same time whoever was put back first: no run is passed over
        for ever, however many there are.
Rule 2: polls go out one by one, at most so many a second. So runs that begin together do not poll together, nor do those that an outage
        has made wait, and time that was not used is not made up for.
Rule 3: 429 speaks of the caller and not of one execution (RFC 6585, section 4): where it says for how long, no run polls meanwhile.
Rule 4: whoever puts a run back takes the next one at once. So those who wait for a run to be due always wait for the earliest, and nobody
        has to be woken for one that was put back later.
"""

import heapq
from typing import Generic, NamedTuple, TypeVar

from .actions import Action, Sleep
from .execution import Waiting
from .http_dates import retry_after_seconds
from .machine import Operation
from .outcomes import Outcome, Received
from .retry import TOO_MANY_REQUESTS

R = TypeVar("R")

CONCURRENCY = 100
"""How many requests may be in flight where nobody says: as many as a client has connections."""
POLLS_PER_SECOND_MAX = 500.0
"""Ten thousand runs are each looked at every 20 s then, for a tenth to a fifth of a core of the client's."""
HOLD_SECONDS_MAX = 30.0
"""As long as a poll may take: a platform that asks for more is asked again all the same, since each run has a deadline."""


class Due(NamedTuple, Generic[R]):
    """A run, and when it is to go on, by the driver's clock."""

    at: float
    run: R


class Schedule(Generic[R]):
    """The runs that wait, and the pace. Nothing in it waits, and it is not for two threads at a time."""

    def __init__(self, polls_per_second_max: float = POLLS_PER_SECOND_MAX) -> None:
        self._between_seconds = 1 / polls_per_second_max
        self._waiting: list[tuple[float, int, R]] = []
        self._added = 0
        self._next_at = float("-inf")
        """Nobody polls before."""

    def add(self, run: R, at: float) -> None:
        """Let a run wait until then."""
        self._added += 1
        heapq.heappush(self._waiting, (at, self._added, run))

    def take(self) -> Due[R] | None:
        """The run that is due first, which waits no longer; None where none waits."""
        if not self._waiting:
            return None
        at, _, run = heapq.heappop(self._waiting)
        return Due(at, run)

    def turn(self, at: float) -> float:
        """When whoever asks now may poll: now or later. No two are told the same time, so ask once for each poll."""
        turn = max(at, self._next_at)
        self._next_at = turn + self._between_seconds
        return turn

    def heard(self, outcome: Outcome | None, at: float) -> None:
        """Take note of what a run heard last."""
        if isinstance(outcome, Received) and outcome.response.status == TOO_MANY_REQUESTS:
            seconds = retry_after_seconds(outcome.response.headers) or 0.0
            self._next_at = max(self._next_at, at + min(seconds, HOLD_SECONDS_MAX))


def is_poll_pause(operation: Operation[object], action: Action[object]) -> bool:
    """Whether a run pauses between two polls. Any other pause has a time of its own, and is part of what it does."""
    return isinstance(action, Sleep) and isinstance(operation, Waiting)
