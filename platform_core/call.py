"""One plain call as an operation: an exchange, and what its answer is expected to be."""

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, assert_never
from uuid import UUID

from .actions import ANSWERED, FIRST, Action, Because, Done, Fate, Raise, Reason, Report
from .config import Settings
from .errors import Failure
from .exchange import Answered, Exchange, InFlight, Plan, begin, maybe_seen
from .handles import ExecutionHandle
from .job import EXECUTION_REQUEST_SECONDS_MAX, Job
from .limits import Limits
from .machine import Edges, Ended, Operation, check
from .messages import Request, Response
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .raw import RawResponse, raw_response
from .records import ExecutionRecord
from .responses import Nonsense, content, failure_from_nonsense, failure_from_status, skills_artifact
from .retry import RETRY_COST, is_harmless
from .submission import submission_failed, submission_of, submission_plan
from .verdicts import Heard, gone, verdict

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CALL_SECONDS_MORE = 60.0
"""One whole call ends by the timeout of a request and this: time for repeats, but not for one whole timeout after another."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110, section 9.2.1: nothing is started by them, whoever leaves in the middle."""


class Value(NamedTuple, Generic[T_co]):
    """What was expected, and came."""

    value: T_co


class Expected(Protocol[T_co]):
    """What the answer should hold."""

    def plan(self, call: "Call[Any]") -> Plan:
        """The bounds of the call."""
        ...

    def read(self, answer: Answered, limits: Limits) -> Value[T_co] | Failure:
        """The value, or why there is none."""
        ...

    def failed(self, call: "Call[Any]", failure: Failure, *, seen: bool) -> tuple[Ended, Raise]:
        """The end without a value; `seen` where the platform may have begun what was asked for."""
        ...

    def handle(self, call: "Call[Any]", at: float, sends: int) -> ExecutionHandle | None:
        """What goes on with it where the caller left in the middle."""
        ...


class Call(NamedTuple, Generic[T]):
    """What stays the same for the whole call."""

    seed: UUID
    settings: Settings
    request: Request
    expected: Expected[T]

    @property
    def deadline(self) -> float:
        """Of the whole call, on the operation's clock."""
        return self.settings.timeout_seconds + CALL_SECONDS_MORE


class _OfCall:
    """What the states of a call have in common."""

    __slots__ = ()
    call: Call[Any]

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.call.seed


@dataclass(frozen=True, slots=True)
class ReadyToCall(_OfCall, Generic[T]):
    """Nothing sent yet. Leaves to Calling, or to the end where the caller left first."""

    call: Call[T]

    def step(self, outcome: Outcome, /) -> tuple[Operation[T], Action[T]]:
        """Send."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at) | Restored(at):
                exchange, action = begin(self.call.expected.plan(self.call), at, 0, FIRST)
                return Calling(self.call, exchange), action
            case Abandoned():
                return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
            case Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Calling(_OfCall, Generic[T]):
    """The call is under way. Leaves to the end."""

    call: Call[T]
    exchange: Exchange

    def step(self, outcome: Outcome, /) -> tuple[Operation[T], Action[T]]:
        """What came of it."""
        check(EDGES, self, outcome)
        call = self.call
        if isinstance(outcome, Abandoned):
            return self._abandoned(outcome)
        end = self.exchange.step(outcome)
        if isinstance(end, InFlight):
            return Calling(call, end.exchange), end.action
        read = call.expected.read(end, call.settings.limits) if isinstance(end, Answered) else end.failure
        match read:
            case Value(value):
                return Ended(self.seed), Done(value, ANSWERED)
            case Failure():
                return call.expected.failed(call, read, seen=end.seen)
            case _:
                assert_never(read)

    def _abandoned(self, outcome: Abandoned) -> tuple[Ended, Any]:
        if self.call.request.method in SAFE_METHODS or not maybe_seen(self.exchange, outcome.sent):
            return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
        handle = self.call.expected.handle(self.call, outcome.at, self.exchange.tally.sends)
        return gone(self.seed, Report(Fate.UNKNOWN, handle), Because.ABANDONED)


_IN_EXCHANGE = (Received, Failed, Woke, Authorized, NotAuthorized, Restored)
EDGES: Edges = {
    (ReadyToCall, Started): frozenset({Calling}),
    (ReadyToCall, Restored): frozenset({Calling}),
    (ReadyToCall, Abandoned): frozenset({Ended}),
    **{(Calling, outcome): frozenset({Calling, Ended}) for outcome in _IN_EXCHANGE},
    (Calling, Refused): frozenset({Ended}),
    (Calling, Abandoned): frozenset({Ended}),
}


def plain_plan(call: Call[Any], request_seconds_max: float) -> Plan:
    """All attempts within the deadline of the call."""
    return Plan(
        seed=call.seed,
        request=call.request,
        limits=call.settings.limits,
        policy=call.settings.retry,
        deadline=call.deadline,
        request_seconds_max=request_seconds_max,
        harmless=is_harmless(call.request),
        cost=RETRY_COST,
    )


def plain_end(call: Call[Any], failure: Failure) -> tuple[Ended, Raise]:
    """An error without a handle."""
    return Ended(call.seed), Raise(failure, Reason.of(failure))


@dataclass(frozen=True, slots=True)
class AnyContent:
    """Parsed JSON, or bytes, as the media type says."""

    def plan(self, call: Call[Any]) -> Plan:
        """See `Expected`."""
        return plain_plan(call, call.settings.timeout_seconds)

    def read(self, answer: Answered, limits: Limits) -> Value[Any] | Failure:
        """See `Expected`."""
        if not answer.response.is_success:
            return failure_from_status(answer.response, answer.facts, limits)
        found = self.parsed(answer.response, limits)
        return failure_from_nonsense(found, answer.response, answer.facts) if isinstance(found, Nonsense) else Value(found)

    def parsed(self, response: Response, limits: Limits) -> object:
        """The value of a 2xx answer, or `Nonsense`."""
        return content(response, limits)

    def failed(self, call: Call[Any], failure: Failure, *, seen: bool) -> tuple[Ended, Raise]:
        """See `Expected`."""
        return plain_end(call, failure)

    def handle(self, call: Call[Any], at: float, sends: int) -> ExecutionHandle | None:
        """There is nothing to go on with."""
        return None


ANY_CONTENT = AnyContent()


class AnyAnswer(AnyContent):
    """The answer itself, whatever it holds, with what the call took."""

    __slots__ = ()

    def read(self, answer: Answered, limits: Limits) -> Value[RawResponse] | Failure:
        """See `Expected`."""
        if not answer.response.is_success:
            return failure_from_status(answer.response, answer.facts, limits)
        return Value(raw_response(answer))


class Skills(AnyContent):
    """The skills artifact of a hosted service."""

    __slots__ = ()

    def parsed(self, response: Response, limits: Limits) -> object:
        """See `AnyContent`."""
        return skills_artifact(response, limits)


@dataclass(frozen=True, slots=True)
class Status(AnyContent):
    """The record of one execution. It bears no 404: who waits for an execution awaits it."""

    execution_id: str

    def plan(self, call: Call[Any]) -> Plan:
        """See `Expected`."""
        return plain_plan(call, min(EXECUTION_REQUEST_SECONDS_MAX, call.settings.timeout_seconds))

    def read(self, answer: Answered, limits: Limits) -> Value[ExecutionRecord] | Failure:
        """See `Expected`."""
        word = verdict(answer, limits, self.execution_id)
        return Value(word.record) if isinstance(word, Heard) else word.failure


@dataclass(frozen=True, slots=True)
class Submitted:
    """The record of the execution that the call starts."""

    job: Job

    def plan(self, call: Call[Any]) -> Plan:
        """See `Expected`."""
        return submission_plan(call.seed, call.request, call.settings, call.deadline)

    def read(self, answer: Answered, limits: Limits) -> Value[ExecutionRecord] | Failure:
        """See `Expected`."""
        word = verdict(answer, limits, None)
        return Value(word.record) if isinstance(word, Heard) else word.failure

    def failed(self, call: Call[Any], failure: Failure, *, seen: bool) -> tuple[Ended, Raise]:
        """See `Expected`."""
        return submission_failed(self.job, call.request, failure, seen=seen)

    def handle(self, call: Call[Any], at: float, sends: int) -> ExecutionHandle | None:
        """By the submission, where it went out with a key."""
        submission = submission_of(call.request)
        return None if submission is None else self.job.handle(submission, at, sends)
