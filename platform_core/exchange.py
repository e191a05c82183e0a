"""One logical call: attempts, the pauses between them, one token refresh, within one deadline.

An exchange is a part of an operation, not an operation: its `step` answers with what is in flight now, or with its end, which is
`Answered` by a response that is not to be repeated or `Unanswered`. Who holds the exchange judges either.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, assert_never
from uuid import UUID

from . import retry
from .actions import PAUSE_OVER, Authorize, Because, Reason, Send, Sleep, Wait
from .derive import request_id, unit_random
from .errors import (
    CallFacts,
    Failure,
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformResponseError,
    PlatformTimeoutError,
)
from .http_dates import retry_after_seconds
from .limits import Limits
from .machine import Edges, check
from .messages import Headers, Request, Response
from .outcomes import (
    Abandoned,
    Authorized,
    Failed,
    FailureCause,
    NotAuthorized,
    Outcome,
    Received,
    Refused,
    Restored,
    Sent,
    Started,
    Woke,
)
from .responses import MESSAGE_LENGTH_MAX, failure_from_status
from .retry import RetryPolicy
from .strange_texts import one_line

UNAUTHORIZED = 401
REQUEST_ID = "X-Request-ID"


class Plan(NamedTuple):
    """What stays the same for the whole exchange."""

    seed: UUID
    request: Request
    limits: Limits
    policy: RetryPolicy
    deadline: float
    """Nothing is begun at it or after it."""
    request_seconds_max: float
    harmless: bool
    """Whether repeating is harmless even where the server may have seen the request."""
    cost: int
    """What a repeat takes from the client's budget; 0 for what is paced in another way."""
    bears_conflict: bool = False
    """A submission with a key: 409 says that its first attempt is still being taken in."""


class Tally(NamedTuple):
    """What an exchange has done so far."""

    sends: int
    """Requests of the whole operation: they number the request ids."""
    attempts: int = 0
    pauses: int = 0
    seen: bool = False
    """Whether the server may have begun what was asked for."""
    refreshed: bool = False
    asked: bool = False
    """Whether a first token was asked for."""
    reconnected: bool = False
    conflict_until: float | None = None
    at: float = 0.0
    """When what is in flight was decided: there the operation's clock stands still while it is stored."""


class Answered(NamedTuple):
    """A response that is not repeated: for its status, or since attempts, time or budget are at their end."""

    at: float
    response: Response
    plan: Plan
    sends: int
    seen: bool

    @property
    def facts(self) -> CallFacts:
        """What an error of this call says of it; made only where there is one."""
        return facts_of(self.plan, self.sends, self.at)


class Unanswered(NamedTuple):
    """The end without one. `passing` where only attempts, time or budget forbade to try again."""

    at: float
    failure: Failure
    sends: int
    seen: bool
    passing: bool


class InFlight(NamedTuple):
    """What the exchange is now, and the action that it waits for."""

    exchange: "Exchange"
    action: Wait


Progress: TypeAlias = InFlight | Answered | Unanswered


@dataclass(frozen=True, slots=True)
class Sending:
    """A request is in flight. Leaves to Sending, Pausing, Authorizing or an end."""

    plan: Plan
    tally: Tally

    def step(self, outcome: Outcome, /) -> Progress:
        """What to do after the answer, or the lack of one."""
        check(EDGES, self, outcome)
        match outcome:
            case Received():
                return _received(self.plan, self.tally, outcome)
            case Failed():
                return _failed(self.plan, self.tally, outcome)
            case Restored():
                return _restored(self.plan, self.tally, outcome)
            case Started() | Woke() | Refused() | Authorized() | NotAuthorized() | Abandoned():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Pausing:
    """The pause before a repeat. Leaves to Sending or an end."""

    plan: Plan
    tally: Tally
    until: float
    last: Failure

    def step(self, outcome: Outcome, /) -> Progress:
        """Try again, unless time or budget are at their end."""
        check(EDGES, self, outcome)
        match outcome:
            case Woke(at) if at >= self.plan.deadline:
                return _too_late(self.tally, at, self.last)
            case Woke(at):
                tally = self.tally._replace(sends=self.tally.sends + 1, attempts=self.tally.attempts + 1, at=at)
                return _send(self.plan, tally, PAUSE_OVER)
            case Refused(at):
                return Unanswered(at, self.last, self.tally.sends, self.tally.seen, passing=True)
            case Restored(at):
                return InFlight(replace(self, tally=_elsewhere(self.tally, at)), Sleep(self.until, 0, Reason(Because.RESTORED)))
            case Started() | Received() | Failed() | Authorized() | NotAuthorized() | Abandoned():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Authorizing:
    """A token was asked for. Leaves to Sending, Pausing or an end."""

    plan: Plan
    tally: Tally
    rejection: Failure | None
    """The 401 that led here; None where there was no token yet."""

    def step(self, outcome: Outcome, /) -> Progress:
        """Send with the new token, or say why there is none."""
        check(EDGES, self, outcome)
        match outcome:
            case Authorized(at) if at >= self.plan.deadline:
                last = self.rejection or _failure(self.plan, self.tally, at, PlatformAuthenticationError, "there was no token in time")
                return _too_late(self.tally, at, last)
            case Authorized(at):
                return _send(self.plan, self.tally._replace(sends=self.tally.sends + 1, at=at), Reason(Because.TOKEN_RENEWED))
            case NotAuthorized():
                return self._not_authorized(outcome)
            case Restored(at):
                exchange = replace(self, tally=_elsewhere(self.tally, at))
                return InFlight(exchange, _authorize(self.plan, None, at, Reason(Because.RESTORED)))
            case Started() | Received() | Failed() | Woke() | Refused() | Abandoned():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)

    def _not_authorized(self, outcome: NotAuthorized) -> Progress:
        plan, at = self.plan, outcome.at
        failure = _token_failure(plan, self.tally, outcome, self.rejection)
        if at >= plan.deadline and not outcome.permanent:
            return _too_late(self.tally, at, failure)
        end = Unanswered(at, failure, self.tally.sends, self.tally.seen, passing=not outcome.permanent)
        if outcome.permanent:
            return end
        # The token is asked for again by the next attempt, which meets the same lack of it.
        tally = self.tally._replace(refreshed=False, asked=False)
        return _repeat(plan, tally, at, None, failure, end, Reason(Because.TOKEN_REFUSED, outcome.reason))


Exchange: TypeAlias = Sending | Pausing | Authorizing

EDGES: Edges = {
    (Sending, Received): frozenset({Pausing, Authorizing, Answered, Unanswered}),
    (Sending, Failed): frozenset({Sending, Pausing, Authorizing, Unanswered}),
    (Sending, Restored): frozenset({Sending, Unanswered}),
    (Pausing, Woke): frozenset({Sending, Unanswered}),
    (Pausing, Refused): frozenset({Unanswered}),
    (Pausing, Restored): frozenset({Pausing}),
    (Authorizing, Authorized): frozenset({Sending, Unanswered}),
    (Authorizing, NotAuthorized): frozenset({Pausing, Unanswered}),
    (Authorizing, Restored): frozenset({Authorizing}),
}


def begin(plan: Plan, at: float, sends: int, reason: Reason) -> InFlight:
    """The first attempt, after `sends` requests of the same operation."""
    return _send(plan, Tally(sends + 1, attempts=1, at=at), reason)


def maybe_seen(exchange: Exchange, sent: Sent) -> bool:
    """Whether the server may have begun what was asked for, where the request in flight ended with `sent`."""
    return exchange.tally.seen or sent == "maybe"


def _send(plan: Plan, tally: Tally, reason: Reason) -> InFlight:
    """The request, which `tally` counts already."""
    headers = plan.request.headers
    if REQUEST_ID not in headers:  # a caller's own stands; ours is another one for each request
        headers = Headers((*headers.fields, (REQUEST_ID, request_id(plan.seed, tally.sends - 1))))
    request = Request(plan.request.method, plan.request.target, headers, plan.request.body)
    return InFlight(Sending(plan, tally), Send(request, min(tally.at + plan.request_seconds_max, plan.deadline), reason))


def _authorize(plan: Plan, rejected: int | None, at: float, reason: Reason) -> Authorize:
    return Authorize(rejected, min(at + plan.request_seconds_max, plan.deadline), reason)


def _received(plan: Plan, before: Tally, outcome: Received) -> Progress:
    response, at = outcome.response, outcome.at
    end = Answered(at, response, plan, before.sends, before.seen or retry.may_have_been_seen(response.status))
    if response.is_success:
        return end
    tally = before._replace(seen=end.seen)
    if response.status == UNAUTHORIZED and not tally.refreshed:
        failure = failure_from_status(response, end.facts, plan.limits)
        if at >= plan.deadline:
            return _too_late(tally, at, failure)
        if retry.is_sent_once(plan.request):
            return _sent_once(tally, at, failure)
        exchange = Authorizing(plan, tally._replace(refreshed=True, at=at), failure)
        return InFlight(exchange, _authorize(plan, outcome.generation, at, Reason(Because.TOKEN_REJECTED)))
    if response.status == retry.CONFLICT and plan.bears_conflict:
        until = at + retry.CONFLICT_SECONDS_MAX if tally.conflict_until is None else tally.conflict_until
        # No attempt: the platform has the submission, and only wants to be asked again.
        tally = tally._replace(conflict_until=until, attempts=tally.attempts - 1)
        if at >= until:
            return end
    elif not retry.repeats_status(response.status, harmless=plan.harmless):
        return end
    failure = failure_from_status(response, end.facts, plan.limits)
    if retry.is_sent_once(plan.request):
        return _sent_once(tally, at, failure)
    reason = Reason(Because.STATUS, str(response.status))
    return _repeat(plan, tally, at, retry_after_seconds(response.headers), failure, end, reason)


def _failed(plan: Plan, before: Tally, outcome: Failed) -> Progress:
    at, reason = outcome.at, Reason(Because.FAILURE, str(outcome.cause))
    if outcome.cause is FailureCause.NO_TOKEN and not before.asked:
        if at >= plan.deadline:
            return _too_late(before, at, no_answer(plan, before, outcome))
        exchange = Authorizing(plan, before._replace(asked=True, at=at), rejection=None)
        return InFlight(exchange, _authorize(plan, None, at, Reason(Because.NO_TOKEN)))
    tally = before._replace(seen=before.seen or outcome.sent == "maybe")
    failure = no_answer(plan, tally, outcome)
    passing = retry.repeats_failure(outcome.cause, outcome.sent, harmless=plan.harmless)
    end = Unanswered(at, failure, tally.sends, tally.seen, passing)
    if at >= plan.deadline or not passing:
        return end
    if retry.is_sent_once(plan.request) and outcome.cause is not FailureCause.NO_TOKEN:  # without a token, nothing was asked for it
        return _sent_once(tally, at, failure)
    at_once = retry.repeats_at_once(outcome.cause, outcome.sent, reused=outcome.reused, harmless=plan.harmless)
    if at_once and not tally.reconnected:
        return _send(plan, tally._replace(sends=tally.sends + 1, reconnected=True, at=at), Reason(Because.STALE_CONNECTION))
    return _repeat(plan, tally, at, None, failure, end, reason)


def _restored(plan: Plan, tally: Tally, outcome: Restored) -> Progress:
    """Send again at once what may be repeated. No attempt: it was we who did not wait for the answer."""
    if not plan.harmless or outcome.at >= plan.deadline or retry.is_sent_once(plan.request):
        return _failed(plan, tally, Failed(outcome.at, FailureCause.RESTORED, sent="maybe"))
    return _send(plan, _elsewhere(tally, outcome.at)._replace(sends=tally.sends + 1, seen=True), Reason(Because.RESTORED))


def _elsewhere(tally: Tally, at: float) -> Tally:
    """The tally of an exchange that was restored: which tokens another token store had, or was asked for, says nothing of this one."""
    return tally._replace(refreshed=False, asked=False, at=at)


def _repeat(
    plan: Plan, tally: Tally, at: float, asked_seconds: float | None, last: Failure, end: Answered | Unanswered, reason: Reason
) -> Progress:
    """Pause and try again, or `end` where attempts are at their end or the pause would pass the deadline."""
    # The branch is taken on the pause before jitter, so that a replay with another seed takes the same one.
    bound = asked_seconds or plan.policy.pause_seconds(tally.pauses)
    if tally.attempts >= plan.policy.attempts_max or at + bound >= plan.deadline:
        return end
    pause = bound if asked_seconds else bound * unit_random(plan.seed, "pause", tally.sends)
    until = at + pause
    exchange = Pausing(plan, tally._replace(pauses=tally.pauses + 1, at=at), until, last)
    return InFlight(exchange, Sleep(until, plan.cost, reason))


def facts_of(plan: Plan, sends: int, at: float) -> CallFacts:
    """What an error of this call says of it, after `sends` requests."""
    own = plan.request.headers.get(REQUEST_ID)
    return CallFacts(plan.request.method, plan.request.path, own or request_id(plan.seed, sends - 1), sends, at)


def no_answer(plan: Plan, tally: Tally, outcome: Failed) -> Failure:
    """Why a request got no answer; `tally` counts it already."""
    error, message = _NO_ANSWER.get(outcome.cause, (PlatformConnectionError, f"no answer: {outcome.cause}"))
    if detail := one_line(outcome.detail, MESSAGE_LENGTH_MAX):
        message = f"{message}: {detail}"
    return _failure(plan, tally, outcome.at, error, message)._replace(sent="maybe" if tally.seen else "no")


def _failure(plan: Plan, tally: Tally, at: float, error: type[PlatformClientError], message: str) -> Failure:
    facts = facts_of(plan, tally.sends, at)
    return Failure(
        error,
        message,
        request_id=facts.request_id,
        method=facts.method,
        path=facts.path,
        attempts=facts.attempts,
        elapsed=facts.elapsed,
    )


def _sent_once(tally: Tally, at: float, last: Failure) -> Unanswered:
    """It would be tried again, but for its body."""
    failure = last._replace(message=f"{last.message}; it was not tried again, since its body cannot be sent twice")
    return Unanswered(at, failure, tally.sends, tally.seen, passing=True)


def _too_late(tally: Tally, at: float, last: Failure) -> Unanswered:
    """Our own deadline passed before the next attempt: its error carries the last failure."""
    return Unanswered(at, past_deadline(last, at), tally.sends, tally.seen, passing=True)


def past_deadline(last: Failure, at: float) -> Failure:
    """The error of a call that would be tried again, had it the time."""
    message = f"the deadline of the call passed; last failure: {last.message}"
    return last._replace(error=PlatformTimeoutError, message=message, elapsed=at)


def _token_failure(plan: Plan, tally: Tally, outcome: NotAuthorized, rejection: Failure | None) -> Failure:
    if rejection is None:
        return _failure(plan, tally, outcome.at, PlatformAuthenticationError, f"there is no token: {outcome.reason}")
    message = f"{rejection.message}; the token could not be renewed: {outcome.reason}"
    return rejection._replace(message=message, elapsed=outcome.at)


_NO_ANSWER: dict[FailureCause, tuple[type[PlatformClientError], str]] = {
    FailureCause.DNS: (PlatformConnectionError, "the host name could not be resolved"),
    FailureCause.CONNECT: (PlatformConnectionError, "no connection could be made"),
    FailureCause.CONNECT_TIMEOUT: (PlatformConnectionError, "no connection could be made in time"),
    FailureCause.TLS: (PlatformConnectionError, "the server's certificate or TLS was not accepted"),
    FailureCause.WRITE: (PlatformConnectionError, "the connection broke while the request was sent"),
    FailureCause.READ: (PlatformConnectionError, "the connection broke before the whole answer had come"),
    FailureCause.TIMEOUT: (PlatformTimeoutError, "no whole answer within the timeout"),
    FailureCause.DISCONNECTED: (PlatformConnectionError, "the server closed the connection without an answer"),
    FailureCause.PROTOCOL: (PlatformResponseError, "the answer is not HTTP"),
    FailureCause.TOO_LARGE: (PlatformResponseError, "the answer is larger than the client's limits allow"),
    FailureCause.LOCAL: (PlatformConnectionError, "it could not be sent from here"),
    FailureCause.CLOSED: (PlatformClientError, "the client is closed"),
    FailureCause.NO_TOKEN: (PlatformAuthenticationError, "there is no token"),
    FailureCause.RESTORED: (PlatformConnectionError, "the process ended before an answer came"),
}
