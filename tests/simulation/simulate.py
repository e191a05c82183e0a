"""One simulation from its seed: the run in a world, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from platform_core.actions import Done, Fate, Gone, Raise
from platform_core.errors import PlatformClientError
from platform_core.lifecycle import ExecutionStatus
from platform_emulator.model import Execution, Model, record
from tests.exploration.world import SECRET

from .handles import End
from .network import Met
from .shadow import Seen, Shadow
from .stage import Stage, next_seed
from .swarm import STARTS, Mode, Profile, profile_of
from .worlds import WORLDS

LIVENESS_SECONDS_MAX = 400.0
"""In liveness mode: within this time after its execution's work every call has its end."""


class Trace(NamedTuple):
    """All that happened, in values that compare: two runs of one seed have the same."""

    met: tuple[Met, ...]
    seen: tuple[tuple[Seen, ...], ...]
    ends: tuple[str, ...]


class Simulated(NamedTuple):
    """A run that is over."""

    profile: Profile
    trace: Trace
    problems: list[str]
    seconds: float
    """Virtual ones."""

    @property
    def faults(self) -> Counter[str]:
        """How many requests met which fault."""
        return Counter(met.fault for met in self.trace.met if met.fault)


def simulated(seed: int, world: str, mode: Mode) -> Simulated:
    """Run the profile of this seed."""
    profile = profile_of(seed, mode)
    with TemporaryDirectory() if profile.has_journal else nullcontext("") as folder, patch("flow_sdk.wiring.uuid4", next_seed):
        stage = Stage(profile, world, Path(folder))
        WORLDS[world](stage)
        if SECRET.encode() in stage.journals():
            stage.problems.append("10. the token stands in the journal")
    seconds = stage.platform.now
    stage.network.arrive_late(inf)
    problems = [
        *stage.problems,
        *(f"call {each.call.index}: {text}" for each in stage.shadows for text in each.problems),
        *_problems(stage),
    ]
    seen = tuple(tuple(shadow.seen) for shadow in stage.shadows)
    ends = tuple(_words(stage.ends.get(call.index)) for call in profile.calls)
    return Simulated(profile, Trace(tuple(stage.network.met), seen, ends), problems, seconds)


def _problems(stage: Stage) -> Iterator[str]:
    """What is wrong once all is over."""
    if stage.open_sends:
        yield "9. a request is still under way"
    time: Any = stage.time
    if time._runs or time._sleepers or time._idle:
        yield "9. a run is still alive"
    for party in stage.parties:
        if party.closed_at is None and not party.is_dead and party.holder.budget != party.budget:
            yield f"8. of the retry budget is left {party.holder.budget}, not {party.budget}"
    model = stage.platform.model
    assert isinstance(model, Model)
    executions = model.state.executions.values()
    for shadow in stage.shadows:
        own = [each for each in executions if each.idempotency_key == shadow.key]
        yield from (f"call {shadow.call.index}: {text}" for text in _problems_of(stage, shadow, own))


def _problems_of(stage: Stage, shadow: Shadow, own: list[Execution]) -> Iterator[str]:
    call, end = shadow.call, stage.ends.get(shadow.call.index)
    if call.kind in STARTS and len(own) > 1:
        yield "1. its submission started two executions, one of them late"
    if call.index not in stage.begun:
        if stage.profile.mode == "liveness":
            yield "12. nobody went on with it: no handle was left"
        return
    if end is None:
        yield "12. it has not returned"
        return
    if shadow.is_lost:
        return
    if shadow.seen and not shadow.has_ended:
        yield "12. it has returned, and its run has not ended"
    action: Done[Any] | Raise | Gone | None = shadow.seen[-1].action if shadow.seen else None
    yield from _untrue(stage, shadow, end, action)
    yield from _against_its_terms(shadow, action)
    if end.error is not None and not isinstance(end.error, PlatformClientError):
        yield f"11. it raised what is no error of ours: {end.error!r}"
    if end.error is not None and SECRET in _texts(end.error):
        yield "10. its error shows the token"
    if own and isinstance(action, Done):
        yield from _wrong_record(own[0], action.value)
    if stage.profile.mode == "liveness":
        yield from _not_live(shadow, action)


def _wrong_record(execution: Execution, told: Any) -> Iterator[str]:
    if told["result"] not in (None, record(execution, 0.0)["result"]) or (told["status"] == "completed" and told["result"] is None):
        yield "6. its answer is not what came of its own inputs"


def _untrue(stage: Stage, shadow: Shadow, end: End, action: Done[Any] | Raise | Gone | None) -> Iterator[str]:
    is_closed = shadow.party.closed_at is not None
    match action:
        case Done() if end.value is not action.value and not end.left:
            yield "5. what it answered with is not what its run ended in"
        case Raise(failure) if not end.left and getattr(end.error, "failure", None) != failure:
            yield "5. what it raised is not what its run ended in"
        case Gone() if not (end.left or is_closed or stage.has_crashed):
            yield "5. nobody left it, and its run was left"
        case None if not is_closed and end.error is None and not end.left:
            yield "it was not run"
        case _:
            pass


def _against_its_terms(shadow: Shadow, action: Done[Any] | Raise | Gone | None) -> Iterator[str]:
    left_running = isinstance(action, Gone) and action.report.fate is Fate.LEFT
    if shadow.on_abandon == "cancel" and left_running and shadow.was_given_time:
        yield "12. it was to be cancelled, and was left running"
    if shadow.on_abandon == "detach" and shadow.has_cancelled:
        yield "12. it was to go on without its caller, and was cancelled"


def _not_live(shadow: Shadow, action: Any) -> Iterator[str]:
    call = shadow.call
    expected = ExecutionStatus.FAILED if call.component == "fail" else ExecutionStatus.COMPLETED
    # Whoever goes on by a handle starts where the one before has ended.
    starts_at = shadow.seen[0].at if call.of is not None and shadow.seen else call.starts_at
    latest = max(starts_at, call.work_seconds) + LIVENESS_SECONDS_MAX
    if shadow.seen and shadow.seen[-1].at > latest:
        yield f"12. it ended at {shadow.seen[-1].at:.1f}, later than {latest:.1f}"
    match action:
        case Done():
            pass
        case Raise(failure) if failure.execution_json is not None and expected is ExecutionStatus.FAILED:
            pass
        case _:
            yield f"12. it has not ended well: {action}"


def _texts(error: BaseException) -> str:
    notes, plain = getattr(error, "__notes__", []), error.to_dict() if isinstance(error, PlatformClientError) else ""
    return f"{error} {error!r} {notes} {plain} {error.__reduce__()}"


def _words(end: End | None) -> str:
    if end is None:
        return "none"
    if end.left:
        return "left"
    return repr(end.value) if end.error is None else f"{type(end.error).__name__}: {end.error}"
