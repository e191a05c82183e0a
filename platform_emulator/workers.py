"""The workers of a running platform: one task that sleeps until the model's schedule has something due."""

import asyncio

from .service import Service


class Workers:
    """Belongs to one event loop. What they do and when is the model's business; here is only the waiting."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look at the schedule again: a request may have changed it. Called in the loop."""
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._changed.clear()
            due = self._service.due()
            try:
                async with asyncio.timeout(None if due is None else max(due - self._service.now(), 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                self._service.advance()
