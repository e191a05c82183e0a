"""Runs that are stored in one driver and go on in another one, in another world, with the clock where it stood."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import anyio
import pytest

from platform_core.errors import PlatformClientError, PlatformExecutionCancelledError, PlatformTimeoutError
from platform_core.lifecycle import ExecutionStatus
from platform_core.machine import Decision, Operation
from platform_core.messages import Response
from platform_core.outcomes import FailureCause, Restored, Started
from platform_core.snapshots import restore, snapshot
from platform_transports.fake import FakePlatform, Lose
from tests.support.driven import Told, drive, drive_sync, executions, get, platform, sleeping

Drive: TypeAlias = Callable[[Operation[Any], FakePlatform, Told], Any]


def on(backend: str) -> Drive:
    def driven(operation: Operation[Any], fake: FakePlatform, told: Told) -> Any:
        async def run() -> Any:
            return await drive(operation, fake, observers=[told])

        return anyio.run(run, backend=backend)

    return driven


DRIVES: dict[str, Drive] = {
    "asyncio": on("asyncio"),
    "trio": on("trio"),
    "sync": lambda operation, fake, told: drive_sync(operation, fake, observers=[told]),
}


class Recorded(NamedTuple):
    """A run, decision by decision, and the platform as it was when each was taken."""

    decisions: list[Decision]
    models: list[Any]
    end: Any


def record(operation: Operation[Any], interrupted_at: int = -1) -> Recorded:
    """Run it, with an interrupt after this decision."""
    told, fake = Told(), platform()
    models: list[Any] = []

    def keep(decision: Decision) -> None:
        models.append(fake.model)
        if len(models) == interrupted_at:
            raise KeyboardInterrupt

    try:
        end: Any = drive_sync(operation, fake, observers=[told, keep])
    except (KeyboardInterrupt, PlatformClientError) as error:
        end = error
    return Recorded(told.decisions, models, end)


def stored(operation: Operation[Any]) -> Operation[Any]:
    """As it comes out of its JSON."""
    return restore(json.loads(json.dumps(snapshot(operation))))


def state(decision: Decision) -> str:
    return type(decision.after).__name__


@pytest.mark.parametrize("drive_name", DRIVES)
class TestGoingOn:
    def test_a_run_that_has_not_begun_begins(self, drive_name: str) -> None:
        told, fake = Told(), platform()
        DRIVES[drive_name](stored(sleeping(0.5)), fake, told)
        assert told.decisions[0].outcome == Started(0.0)
        assert [each.status for each in executions(fake)] == [ExecutionStatus.COMPLETED]

    def test_every_value_that_was_stored_goes_on_to_the_same_end_with_the_same_execution(self, drive_name: str) -> None:
        run = record(sleeping(2.0))
        assert len(run.decisions) > 10
        for decision, model in zip(run.decisions[:-1], run.models[:-1], strict=True):
            told, fake = Told(), FakePlatform(model=model)
            end = DRIVES[drive_name](stored(decision.after), fake, told)
            assert told.decisions[0].outcome == Restored(decision.outcome.at)
            assert end["result"] == run.end["result"]
            assert [each.execution_id for each in executions(fake)] == [run.end["execution_id"]]

    def test_the_deadline_is_as_far_ahead_as_it_was(self, drive_name: str) -> None:
        run = record(sleeping(1e6, on_abandon="detach"))
        assert isinstance(run.end, PlatformTimeoutError)
        late = next(index for index, each in enumerate(run.decisions) if state(each) == "Waiting" and each.outcome.at > 3590.0)
        fake = FakePlatform(model=run.models[late])
        with pytest.raises(PlatformTimeoutError):
            DRIVES[drive_name](stored(run.decisions[late].after), fake, Told())
        assert fake.now == pytest.approx(3600.0 - run.decisions[late].outcome.at)

    def test_a_cancel_that_was_decided_is_carried_out_and_ends_as_that_of_any_cancelled_run(self, drive_name: str) -> None:
        run = record(sleeping(60.0), interrupted_at=4)
        decided = next(index for index, each in enumerate(run.decisions) if state(each) == "Cancelling")
        fake = FakePlatform(model=run.models[decided])
        with pytest.raises(PlatformExecutionCancelledError) as caught:
            DRIVES[drive_name](stored(run.decisions[decided].after), fake, Told())
        assert [each.status for each in executions(fake)] == [ExecutionStatus.CANCELLED]
        assert caught.value.handle is not None
        assert caught.value.execution is not None

    def test_what_ended_before_its_cancel_came_through_ends_in_its_record(self, drive_name: str) -> None:
        run = record(sleeping(60.0), interrupted_at=4)
        decided = next(index for index, each in enumerate(run.decisions) if state(each) == "Cancelling")
        model = run.models[decided].advance(100.0)
        fake = FakePlatform(model=model)
        assert DRIVES[drive_name](stored(run.decisions[decided].after), fake, Told())["status"] == "completed"

    def test_what_had_been_left_and_is_not_heard_of_is_an_error_with_the_handle(self, drive_name: str) -> None:
        run = record(sleeping(60.0), interrupted_at=4)
        decided = next(each for each in run.decisions if state(each) == "Cancelling")
        deaf = FakePlatform(lambda _: Lose(kind=FailureCause.READ))
        with pytest.raises(PlatformClientError, match="had been left when it was stored: what became of") as caught:
            DRIVES[drive_name](stored(decided.after), deaf, Told())
        assert caught.value.handle is not None

    def test_a_call_that_was_under_way_is_made_again_where_that_is_harmless(self, drive_name: str) -> None:
        under_way, _ = get().step(Started(0.0))
        fake = FakePlatform([Response(200, body=b"x")])
        assert DRIVES[drive_name](stored(under_way), fake, Told()) == b"x"
