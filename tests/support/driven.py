"""What the tests of the drivers share: a client's parts, runs against the fake platform, and the decisions that were told."""

import threading
from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid5

from platform_core import operations
from platform_core.actions import Action, Gone, Report
from platform_core.config import ClientConfig
from platform_core.handles import OnAbandon
from platform_core.machine import Decision, Operation
from platform_core.records import ExecutionRecord
from platform_core.tokens import Token
from platform_emulator.components import COMPONENTS
from platform_emulator.model import Execution, Model
from platform_transports.budget import BudgetHolder
from platform_transports.contract import AsyncTransport, Clock, SyncClock, SyncTransport
from platform_transports.drive import run_async, run_sync
from platform_transports.fake import FakePlatform, Script
from platform_transports.run import Observer
from platform_transports.runs import AsyncRuns
from platform_transports.tokens import AsyncTokens, SyncTokens

T = TypeVar("T")

SEED = UUID("5eed0000-0000-4000-8000-0000000000d1")
SECRET = "tok-secret"
CONFIG = ClientConfig.from_env({}, base_url="https://platform.test")
IDS = {each.name: each.component_id for each in COMPONENTS}


def seed(number: int) -> UUID:
    return uuid5(SEED, str(number))


def sleeping(
    seconds: float, *, number: int = 0, on_abandon: OnAbandon = "cancel", timeout_seconds: float | None = None
) -> Operation[ExecutionRecord]:
    """An execution of the `sleep` component."""
    return operations.execute_code_block(
        IDS["sleep"], {"seconds": seconds}, timeout_seconds=timeout_seconds, on_abandon=on_abandon, seed=seed(number)
    )


def get(path: str = "/api/v1/things", *, number: int = 0) -> Operation[Any]:
    return operations.request("GET", path, seed=seed(number))


def platform(script: Script = ()) -> FakePlatform:
    """A fake with the emulator's model behind the script."""
    return FakePlatform(script, model=Model.new(SEED))


def executions(fake: FakePlatform) -> Sequence[Execution]:
    """What the platform knows by now, in the order of submission."""
    model = fake.model
    assert isinstance(model, Model)
    return tuple(model.advance(fake.now).state.executions.values())


def async_tokens() -> AsyncTokens:
    return AsyncTokens(Token.checked(SECRET, "token"))


def sync_tokens() -> SyncTokens:
    return SyncTokens(Token.checked(SECRET, "token"))


async def drive(
    operation: Operation[T],
    fake: FakePlatform,
    *,
    transport: AsyncTransport | None = None,
    tokens: AsyncTokens | None = None,
    budget: BudgetHolder | None = None,
    observers: Sequence[Observer] = (),
    runs: AsyncRuns | None = None,
    clock: Clock | None = None,
    journal: Observer | None = None,
) -> T:
    return await run_async(
        operation,
        transport=fake.asynchronous() if transport is None else transport,
        config=CONFIG,
        tokens=async_tokens() if tokens is None else tokens,
        clock=clock,
        budget=budget,
        observers=observers,
        runs=runs,
        journal=journal,
    )


def drive_sync(
    operation: Operation[T],
    fake: FakePlatform,
    *,
    transport: SyncTransport | None = None,
    tokens: SyncTokens | None = None,
    budget: BudgetHolder | None = None,
    observers: Sequence[Observer] = (),
    closed: threading.Event | None = None,
    clock: SyncClock | None = None,
    journal: Observer | None = None,
) -> T:
    return run_sync(
        operation,
        transport=fake.synchronous() if transport is None else transport,
        config=CONFIG,
        tokens=sync_tokens() if tokens is None else tokens,
        clock=clock,
        budget=budget,
        observers=observers,
        closed=closed,
        journal=journal,
    )


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def __call__(self, decision: Decision) -> None:
        self.decisions.append(decision)

    @property
    def actions(self) -> list[Action[Any]]:
        return [decision.action for decision in self.decisions]

    @property
    def report(self) -> Report:
        """What became of the run that was left."""
        action = self.decisions[-1].action
        assert isinstance(action, Gone), action
        return action.report
