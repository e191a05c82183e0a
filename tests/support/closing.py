"""Closing a client at a given moment of a call, in any world."""

from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from flow_sdk import PlatformClient
from platform_transports.fake import FakePlatform
from tests.support.worlds import World


class Closing:
    """Closes a client at a given moment of a call, before any more time passes."""

    def __init__(self, world: World, platform: FakePlatform) -> None:
        self._world = world
        self._time = platform.asynchronous().clock
        self._stopped = ExitStack()
        self._event = world.event()

    def now(self) -> None:
        """This is the moment."""
        if not self._event.is_set():
            self._stopped.enter_context(self._time.run())
            self._event.set()

    async def during(self, client: PlatformClient, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What the call ended in."""

        async def close() -> None:
            await self._event.wait()
            await client.close()
            self._stopped.close()

        ended, _ = await self._world.together(call, close)
        return ended
