"""Everything that can happen next to one run: to its request, its token, its clock, its caller, its process, its execution."""

from collections.abc import Iterator
from dataclasses import replace

from platform_core.actions import Authorize, Send, Sleep
from platform_core.lifecycle import ExecutionStatus
from platform_core.outcomes import Abandoned, Authorized, Failed, FailureCause, NotAuthorized, Refused, Sent, Woke
from platform_emulator import model as platform

from .network import answers, given_up, late_arrivals, requests
from .stored import stored
from .timers import JUST_BEFORE, thresholds
from .world import CALLER, CLIENT, CLOCK, PLATFORM, TOKENS, WORKER, Arrow, Moment, Move, executions_of, told, untold, with_fault


def moves(moment: Moment) -> Iterator[Move]:
    """All that can happen next. Once a run has ended, only what `invariants.truth` looks at could: there is no need to."""
    run = moment.run
    if run.ended:
        return
    if run.action is None:
        yield told(moment, Arrow(CALLER, CLIENT, "starts"), stored(run.operation))
    else:
        yield from _time_passes(moment)
        yield from _workers(moment)
        yield from late_arrivals(moment)
        yield from _next(moment)
    yield from _abandonments(moment)
    yield from _crashes(moment)


def _next(moment: Moment) -> Iterator[Move]:
    """What may come of the action in flight."""
    run = moment.run
    match run.action:
        case Send() if run.generation == 0:
            yield told(moment, Arrow(TOKENS, CLIENT, "no token yet"), Failed(run.now, FailureCause.NO_TOKEN, "no"))
        case Send(request) if run.answer is None:
            yield from requests(moment, request)
        case Send(request):
            assert run.answer is not None
            yield from answers(moment, run.answer, request)
        case Sleep(until, cost):
            # A pause that ends before anything else is due may be of any length.
            at = max(until, run.now) if until in thresholds(run.operation) else run.now
            yield told(moment, Arrow(CLOCK, CLIENT, "the pause is over"), Woke(at), moment._replace(run=replace(run, now=at)))
            if cost and moment.shared.budget is None:
                yield told(moment, Arrow(CLIENT, CLIENT, "the retry budget is empty"), Refused(run.now))
        case Authorize(rejected):
            yield from _authorizations(moment, rejected)
        case _:
            raise AssertionError(run.action)


def _time_passes(moment: Moment) -> Iterator[Move]:
    run = moment.run
    ahead = [at for at in thresholds(run.operation) if at > run.now]
    if not ahead:
        return
    before = ahead[0] - JUST_BEFORE
    if before <= run.now:
        yield untold(moment, Arrow(CLOCK, CLOCK, f"{ahead[0]:g} s"), moment._replace(run=replace(run, now=ahead[0])))
        return
    delayed = with_fault(moment)
    if delayed is not None:
        yield untold(moment, Arrow(CLOCK, CLOCK, f"almost {ahead[0]:g} s"), delayed._replace(run=replace(run, now=before)))


def _workers(moment: Moment) -> Iterator[Move]:
    state = moment.shared.platform
    for execution in executions_of(moment):
        if execution.status is ExecutionStatus.PENDING:
            yield _worked(moment, "picks up", platform.start(state, execution.execution_id, 0.0))
        if execution.status is ExecutionStatus.RUNNING:
            for status in moment.shared.ends_in:
                yield _worked(moment, status, platform.finish(state, execution.execution_id, status, None, 0.0))


def _worked(moment: Moment, text: str, state: platform.State) -> Move:
    return untold(moment, Arrow(WORKER, PLATFORM, text), moment._replace(shared=replace(moment.shared, platform=state)))


def _authorizations(moment: Moment, rejected: int | None) -> Iterator[Move]:
    run, shared = moment
    if shared.generation > (rejected or 0):
        yield told(moment, Arrow(TOKENS, CLIENT, f"token {shared.generation}"), Authorized(run.now))
        return
    renewed = moment._replace(shared=replace(shared, generation=shared.generation + 1))
    yield told(moment, Arrow(TOKENS, CLIENT, f"token {renewed.shared.generation}"), Authorized(run.now), renewed)
    # At the deadline it is the token store that gives up, which is no fault of its own.
    faulty = moment if run.now >= thresholds(run.operation)[-1] else with_fault(moment)
    if faulty is not None:
        yield told(moment, Arrow(TOKENS, CLIENT, "no token"), NotAuthorized(run.now, "KeyError", permanent=True), faulty)
        yield told(moment, Arrow(TOKENS, CLIENT, "no token for now"), NotAuthorized(run.now, "OSError", permanent=False), faulty)


def _abandonments(moment: Moment) -> Iterator[Move]:
    run, shared = moment
    if not shared.abandonments_left:
        return
    first = run.history.abandoned_at is None
    history = replace(run.history, abandoned_at=run.now) if first else run.history
    left = Moment(replace(run, answer=None, history=history), replace(shared, abandonments_left=shared.abandonments_left - 1))
    for final in (False, True) if first else (True,):
        for sent, text, after in _interrupted(moment, left):
            arrow = Arrow(CALLER, CLIENT, f"leaves{' for good' if final else ''}{text}")
            yield told(moment, arrow, Abandoned(run.now, sent, final), after)


def _crashes(moment: Moment) -> Iterator[Move]:
    """The process dies; another one goes on with the value that was stored before the action was performed."""
    run = moment.run
    first = stored(run.operation)
    if first.at != run.now:
        # The clock of a stored run stands still: to die now is the same as to have died at once.
        return
    # Another process knows of no token that was renewed.
    history = replace(run.history, renewed=False)
    died = with_fault(moment._replace(run=replace(run, answer=None, history=history)))
    if died is not None:
        for _, text, after in _interrupted(moment, died):
            yield told(moment, Arrow(CLIENT, CLIENT, f"dies{text}, and is restored"), first, after)


def _interrupted(moment: Moment, after: Moment) -> Iterator[tuple[Sent, str, Moment]]:
    """What may have become of the request in flight, for whoever goes away in the middle of it."""
    run = moment.run
    if not isinstance(run.action, Send) or run.generation == 0:
        yield "no", "", after
        return
    if run.answer is None:
        yield "no", " before the request", after
    yield "maybe", " amid the request", given_up(after, run.action.request) if run.answer is None else after
