"""What the network and the platform may make of a request and of its answer.

Rule 1: the network may lose a request or its answer, deliver either late, out of order, or a request with a key more than once. What was
        lost and what is late look the same from here: each request that was given up may still arrive, at any time, or never.
Rule 2: an answer is on its way for a while, in which the platform goes on: what arrives may be stale.
Rule 3: what a well-behaved network and platform do costs nothing; everything else is a fault, and `faults_left` bounds those.
Rule 4: a connection gives the answer to the request that it was sent for (`pool_world.py` is about that).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, cast

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Request, Response
from platform_core.outcomes import Failed, FailureCause, Received
from platform_core.retry import CONFLICT, TOO_MANY_REQUESTS
from platform_emulator import model as platform

from .world import CLIENT, GENERATIONS_MAX, PLATFORM, SECRET, Arrow, Moment, Move, is_cancel, is_submission, told, untold, with_fault

_JSON = (("Content-Type", "application/json"),)
_ECHO = f"Bearer {SECRET} has expired"
_REJECTED = Response(
    401,
    Headers(_JSON),
    json.dumps({"code": "UNAUTHENTICATED", "message": _ECHO, "details": [{"field": "Authorization", "message": _ECHO}]}).encode(),
)
"""It echoes the token, as some servers do."""
_BUSY = Response(TOO_MANY_REQUESTS)
_BUSY_FOR_LONG = Response(TOO_MANY_REQUESTS, Headers((("Retry-After", "3600"),)))
_UNAVAILABLE = Response(503)
_NOT_KNOWN = Response(404)
_IN_USE = Response(CONFLICT)
_NONSENSE = Response(200, Headers((("Content-Type", "text/html"),)), b"<html>")
_UNKNOWN_STATUS = "archiving"
_ANOTHER = "another-execution"


def requests(moment: Moment, request: Request) -> Iterator[Move]:
    """The request is on its way: it arrives, or meets a fault."""
    run, words = moment.run, words_of(request)
    arrived = arrive(handed_on(moment, request), request)
    if arrived is not None:
        yield untold(moment, Arrow(CLIENT, PLATFORM, words), arrived)
    faulty = with_fault(moment)
    if faulty is None:
        return
    yield told(moment, Arrow(CLIENT, CLIENT, f"no connection for {words}"), Failed(run.now, FailureCause.CONNECT, "no"), faulty)
    late = given_up(faulty, request)
    for cause, reused in ((FailureCause.TIMEOUT, False), (FailureCause.DISCONNECTED, True)):
        arrow = Arrow(CLIENT, PLATFORM, f"{words}: {cause}", lost=True)
        yield told(moment, arrow, Failed(run.now, cause, "maybe", reused), late)
    if run.key is not None or is_cancel(request):
        again = arrive(late, request)
        if again is not None:
            yield untold(moment, Arrow(CLIENT, PLATFORM, f"{words}, and maybe once more"), again)
    for answer in _refusals(moment, request):
        yield told(moment, _answered(answer), Received(run.now, answer, run.generation), faulty)
    if is_submission(request) and run.key is not None:
        # A copy of it is still being taken in.
        yield told(moment, _answered(_IN_USE), Received(run.now, _IN_USE, run.generation), late)


def answers(moment: Moment, answer: Response, request: Request) -> Iterator[Move]:
    """The answer is on its way: it arrives, or meets a fault."""
    at, generation = moment.run.now, moment.run.generation
    here = moment._replace(run=replace(moment.run, answer=None))
    yield told(moment, _answered(answer), Received(at, answer, generation), here)
    faulty = with_fault(here)
    if faulty is None:
        return
    for cause in (FailureCause.READ, FailureCause.TOO_LARGE):
        arrow = Arrow(PLATFORM, CLIENT, f"{_answered(answer).text}: {cause}", lost=True)
        yield told(moment, arrow, Failed(at, cause, "maybe"), faulty)
    for wrong in (_UNAVAILABLE, _NONSENSE, *_other_records(request, answer)):
        yield told(moment, _answered(wrong), Received(at, wrong, generation), faulty)


def late_arrivals(moment: Moment) -> Iterator[Move]:
    """A request that was given up arrives after all."""
    run = moment.run
    for request in run.late:
        # Nobody makes two of a request without a key: it arrives once.
        left = run.late if run.key is not None or is_cancel(request) else tuple(each for each in run.late if each is not request)
        arrived = arrive(moment, request)
        if arrived is not None:
            after = arrived._replace(run=replace(run, late=left))
            if after != moment:
                yield untold(moment, Arrow(CLIENT, PLATFORM, f"{words_of(request)}, late"), after)


def arrive(moment: Moment, request: Request) -> Moment | None:
    """The platform has taken the request in, and its answer is on its way.

    None where that is the same as if another run had come first: runs that differ in their number alone submit in its order.
    """
    run, shared = moment
    if is_submission(request) and len(shared.platform.executions) < run.index:
        return None
    state, answer = _applied(shared.platform, _without_id(request))
    return Moment(replace(run, answer=answer), replace(shared, platform=state))


def handed_on(moment: Moment, request: Request) -> Moment:
    """The same, now that the platform may see the request."""
    if not is_submission(request) or moment.run.history.maybe_started:
        return moment
    return moment._replace(run=replace(moment.run, history=replace(moment.run.history, maybe_started=True)))


def given_up(moment: Moment, request: Request) -> Moment:
    """The same, now that nobody waits for the answer any more. A look at a record that comes late changes nothing."""
    run = handed_on(moment, request).run
    if (is_submission(request) or is_cancel(request)) and request.target not in {each.target for each in run.late}:
        run = replace(run, late=tuple(sorted((*run.late, _without_id(request)), key=lambda each: each.target)))
    return moment._replace(run=run)


def words_of(request: Request) -> str:
    """A request in words: its method, and the last part of its target that is no id."""
    last = request.target.rsplit("/", 1)[-1]
    return f"{request.method} …/{last if last.isalpha() else '{id}'}"


def _answered(answer: Response) -> Arrow:
    status = status_in(answer)
    wait = answer.headers.get("Retry-After")
    more = "" if status is None else f" {status}"
    return Arrow(PLATFORM, CLIENT, f"{answer.status}{more}" if wait is None else f"{answer.status}, Retry-After: {wait}")


def _refusals(moment: Moment, request: Request) -> Iterator[Response]:
    """Answers of a platform, or of a proxy before it, that has not done what was asked for."""
    run, newest = moment.run, moment.shared.generation
    yield _BUSY
    yield _BUSY_FOR_LONG
    # The second 401 to one request is no cause of another refresh; whoever takes it for one shall not do so for ever.
    if run.generation < newest or newest < GENERATIONS_MAX or (run.history.renewed and newest == GENERATIONS_MAX):
        yield _REJECTED
    if not is_submission(request):
        yield _NOT_KNOWN


def _other_records(request: Request, answer: Response) -> Iterator[Response]:
    """The record with a status that nobody knows, with an earlier one, as a replica that lags behind would have it, and another one's."""
    status = status_in(answer)
    if status is None:
        return
    yield _with(answer, "status", _UNKNOWN_STATUS)
    if not is_submission(request):
        yield _with(answer, "execution_id", _ANOTHER)
        if status != ExecutionStatus.PENDING:
            yield _with(answer, "status", ExecutionStatus.PENDING)


@cache
def _with(answer: Response, field: str, value: str) -> Response:
    return answer._replace(body=json.dumps(json.loads(answer.body) | {field: value}).encode())


@lru_cache(maxsize=4096)
def status_in(answer: Response) -> str | None:
    """The status of the record that it holds; None where it holds none."""
    if not answer.is_success or ("Content-Type", "application/json") not in answer.headers.fields:
        return None
    try:
        record: Any = json.loads(answer.body)
    except ValueError:
        return None
    return cast("dict[str, Any]", record).get("status") if isinstance(record, dict) else None


@cache
def _applied(state: platform.State, request: Request) -> tuple[platform.State, Response]:
    return platform.apply(state, request, 0.0)


@cache
def _without_id(request: Request) -> Request:
    """The same for all that decides: so that the model is asked once for all attempts."""
    return request._replace(headers=Headers(tuple(field for field in request.headers if field[0] != "X-Request-ID")))
