"""A profile in each world: the real clients and drivers, in tasks of asyncio or trio, or in threads.

Virtual time lets one run go on at a time, so that the order of events is the same however tasks and threads are scheduled, and in each
world, but for three things. A task of trio that was cancelled cannot be cancelled again. A thread sees that its client is closed as it
wakes. And it cannot leave a token provider that it calls or waits for.
"""

from collections.abc import Callable, Mapping

from .stage import Stage
from .swarm import Profile
from .tasks import run_asyncio, run_trio
from .threads import run_threads

WORLDS: Mapping[str, Callable[[Stage], None]] = {"asyncio": run_asyncio, "trio": run_trio, "sync": run_threads}


def is_the_same_in(world: str, profile: Profile) -> bool:
    """Whether this world has the same run of it as asyncio."""
    match world:
        case "trio":
            return all(len(call.leaves_at) < 2 for call in profile.calls)
        case "sync":
            return profile.closes_at is None and profile.crashes_at is None and profile.provider is None
        case _:
            return True
