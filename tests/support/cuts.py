"""Runs of the async driver that are cut at one of their awaits, and what is true of a run after that."""

from collections.abc import Callable, Mapping

import anyio
import anyio.lowlevel

from platform_core.actions import Done, Fate, Gone
from platform_core.lifecycle import ExecutionStatus
from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.tokens import Token
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakePlatform
from platform_transports.tokens import AsyncTokens
from tests.support.driven import Told, executions

Happening = Callable[[], object]

TRUE_STATUSES: dict[Fate | None, list[ExecutionStatus]] = {
    Fate.NEVER_STARTED: [],
    Fate.CANCELLED: [ExecutionStatus.CANCELLED],
    Fate.FINISHED: [ExecutionStatus.COMPLETED],
    None: [ExecutionStatus.COMPLETED],
}


class Cuts:
    """A transport with its clock, whose awaits are numbered; at some of them something else happens, say a cancellation."""

    name = "cuts"

    def __init__(self, fake: FakePlatform, happenings: Mapping[int, Happening]) -> None:
        self._transport = fake.asynchronous()
        self._happenings = happenings
        self.clock = self
        self.points = 0
        self.run = self._transport.clock.run
        self.idle = self._transport.clock.idle

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        await self._point()
        response = await self._transport.send(request, credentials, deadline, limits, progress)
        await self._point()
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def sleep_until(self, at: float) -> None:
        await self._point()
        await self._transport.clock.sleep_until(at)
        await self._point()

    def now(self) -> float:
        anyio.get_current_task()  # as the clock of an event loop, it cannot be read outside of it
        return self._transport.clock.now()

    async def _point(self) -> None:
        point, self.points = self.points, self.points + 1
        if point in self._happenings:
            self._happenings[point]()
            await anyio.sleep_forever()


def fate(told: Told) -> Fate | None:
    action = told.decisions[-1].action
    assert isinstance(action, (Done, Gone)), action
    return action.report.fate if isinstance(action, Gone) else None


def statuses(fake: FakePlatform) -> list[ExecutionStatus]:
    return [execution.status for execution in executions(fake)]


async def _new_token() -> str:
    await anyio.lowlevel.checkpoint()
    return "second"


def renewable_tokens() -> AsyncTokens:
    return AsyncTokens(Token.checked("first", "token"), _new_token)
