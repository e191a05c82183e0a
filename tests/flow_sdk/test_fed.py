"""An operation that is told what has come of its answers before each step."""

from uuid import UUID

from flow_sdk.fed import Fed, inner
from platform_core.actions import Done
from platform_core.downloads import Downloaded, Downloading, download
from platform_core.machine import Ended, Operation
from platform_core.messages import Response
from platform_core.outcomes import Received, Started
from platform_core.parts import Part
from tests.support.core import SEED


def test_each_step_knows_what_has_come_and_what_has_ended_needs_not() -> None:
    seen = [Part()]
    operation: Operation[Downloaded] = Fed(download("/api/v1/x", seed=SEED), lambda: seen[0])
    assert operation.seed == SEED
    operation, _ = operation.step(Started(0.0))
    seen[0] = Part(5)
    assert isinstance(inner(operation), Downloading)
    operation, action = operation.step(Received(1.0, Response(200), 1))
    assert isinstance(action, Done)
    assert action.value == Downloaded(5)
    assert inner(operation) == Ended(UUID(str(SEED)))


def test_what_is_not_fed_is_itself() -> None:
    assert inner(Ended(SEED)) == Ended(SEED)
