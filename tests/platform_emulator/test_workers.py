import asyncio
from uuid import UUID

import pytest

from platform_emulator.keeping import NOWHERE, DatabaseError, Keeper, Nowhere
from platform_emulator.model import Behaviour, Model, State
from platform_emulator.service import Service
from platform_emulator.tokens import Tokens
from platform_emulator.workers import Workers
from tests.platform_emulator.support import SEED, submission
from tests.support.patience import HANG_SECONDS


class Watched(Service):
    """Tells when the workers have come to the end of their schedule."""

    def __init__(self, seed: UUID, behaviour: Behaviour, keeper: Keeper = NOWHERE) -> None:
        super().__init__(Model.new(seed, behaviour), Tokens(), keeper=keeper)
        self.advances = 0
        self.worked_off = asyncio.Event()

    def advance(self) -> None:
        super().advance()
        self.advances += 1
        if self.due() is None:
            self.worked_off.set()


async def worked_off(submitted_first: bool, keeper: Keeper = NOWHERE) -> Watched:
    service = Watched(SEED, Behaviour(pending_seconds=0.01), keeper)
    workers = Workers(service)
    working = asyncio.create_task(workers.run())
    if not submitted_first:
        await asyncio.sleep(0)
    service.apply(submission("sleep", {"input_parameters": {"seconds": 0.02}}))
    workers.wake()
    async with asyncio.timeout(HANG_SECONDS):
        await service.worked_off.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return service


def test_what_was_submitted_before_they_started_is_worked_off() -> None:
    (execution,) = asyncio.run(worked_off(submitted_first=True)).executions
    assert execution.status == "completed"


def test_workers_that_wait_for_nothing_are_woken_by_a_submission() -> None:
    service = asyncio.run(worked_off(submitted_first=False))
    assert service.executions[0].status == "completed"
    assert service.advances <= 6, "they sleep until something is due, and look no oftener"


class FullForAWhile(Nowhere):
    """Keeps the first change, and then nothing until it was asked five times."""

    def __init__(self) -> None:
        self.asked = 0

    def keep(self, before: State, after: State) -> None:
        self.asked += 1
        if 1 < self.asked < 6:
            raise DatabaseError("the disk is full")


def test_what_cannot_be_kept_is_done_once_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.keeping.AGAIN_SECONDS", 0.001)
    service = asyncio.run(worked_off(submitted_first=True, keeper=FullForAWhile()))
    assert [each.status for each in service.executions] == ["completed"]
    assert service.advances <= 6
