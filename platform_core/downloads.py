"""A download as an operation: one content, in as many answers as it takes, each of which goes on where the one before it was cut.

The bytes never come here: whoever takes them keeps a `Part` and hands it in with `with_seen` before each step. It asks the part before it
takes anything; where that is broken, it ends the sending, by an error of the kind `protocol`, and the operation says what was wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, assert_never
from uuid import UUID

from .actions import ANSWERED, FIRST, Action, Because, Done, Fate, Raise, Reason, Report
from .checks import checked_seconds
from .config import DEFAULT_SETTINGS, Settings
from .errors import Failure
from .exchange import EDGES as EXCHANGE_EDGES
from .exchange import Answered, Exchange, InFlight, Plan, Unanswered, begin, facts_of, past_deadline
from .machine import Edges, Ended, Operation, check
from .messages import Headers, Request
from .outcomes import Abandoned, Authorized, Failed, NotAuthorized, Outcome, Received, Refused, Restored, Started, Woke
from .parts import RANGE_NOT_SATISFIABLE, Part, whole_length
from .requests import custom_request
from .responses import Nonsense, failure_from_nonsense, failure_from_status
from .retry import RETRY_COST, RetryPolicy, attempts_so_far
from .verdicts import gone

DOWNLOAD_SECONDS = 3600.0
"""Of a whole download, where its caller says nothing: a gigabyte at 0.3 MB/s."""
_OWN_HEADERS = ("Range", "If-Range")
_ENDED_EARLY = Nonsense("the answer ended before the content did")
_NO_REPEAT = RetryPolicy(attempts_max=1)


class Downloaded(NamedTuple):
    """What a download ends in; the content itself went to whoever took its bytes."""

    size_bytes: int
    content_type: str | None = None
    etag: str | None = None
    """A strong one, as the server gave it."""


class Download(NamedTuple):
    """What stays the same. `seconds` is our deadline for all of it; `restartable`: what was received can be taken back."""

    seed: UUID
    settings: Settings
    request: Request
    seconds: float
    restartable: bool

    def plan(self, part: Part) -> Plan:
        """The bounds of the next row of attempts, which ask for what is still missing."""
        return Plan(
            seed=self.seed,
            request=self.request_for(part),
            limits=self.settings.limits,
            policy=self.settings.retry,
            deadline=self.seconds,
            request_seconds_max=self.seconds,
            harmless=True,
            cost=RETRY_COST,
        )

    def request_for(self, part: Part) -> Request:
        """For the rest, where it can be asked for alone; else for the whole."""
        return self.request._replace(headers=Headers((*self.request.headers, *part.range_headers())))


class _OfDownload:
    """What the states of a download have in common."""

    __slots__ = ()
    download: Download

    @property
    def seed(self) -> UUID:
        """See `Operation`."""
        return self.download.seed


@dataclass(frozen=True, slots=True)
class ReadyToDownload(_OfDownload):
    """Nothing sent yet. Leaves to Downloading, or to the end where the caller left first."""

    download: Download

    def with_seen(self, part: Part) -> "ReadyToDownload":
        """Nothing can have come yet."""
        return self

    def step(self, outcome: Outcome, /) -> tuple[Operation[Downloaded], Action[Downloaded]]:
        """Send."""
        check(EDGES, self, outcome)
        match outcome:
            case Started(at):
                exchange, action = begin(self.download.plan(Part()), at, 0, FIRST)
                return Downloading(self.download, exchange, Part(), 0), action
            case Abandoned():
                return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
            case Restored() | Received() | Failed() | Woke() | Refused() | Authorized() | NotAuthorized():
                raise AssertionError("EDGES forbids it")
            case _:
                assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Downloading(_OfDownload):
    """Under way: `part` has come, and had come up to `begun_bytes` when the request in flight was decided. Leaves to the end."""

    download: Download
    exchange: Exchange
    part: Part
    begun_bytes: int

    def with_seen(self, part: Part) -> "Downloading":
        """The same, once this has come."""
        return replace(self, part=part)

    def step(self, outcome: Outcome, /) -> tuple[Operation[Downloaded], Action[Downloaded]]:
        """Go on with what is missing, or end."""
        check(EDGES, self, outcome)
        if isinstance(outcome, Abandoned):
            return gone(self.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)
        broken, head = self.part.broken, self.part.head
        if broken is not None and head is not None and isinstance(outcome, Failed):
            check(EXCHANGE_EDGES, self.exchange, outcome)
            return self._end(failure_from_nonsense(broken, head, facts_of(self.exchange.plan, self.exchange.tally.sends, outcome.at)))
        end = self._next_exchange().step(outcome)
        match end:
            case InFlight(exchange, action):
                return replace(self, exchange=exchange, begun_bytes=self.part.received_bytes), action
            case Answered():
                return self._answered(end)
            case Unanswered(_, failure):
                return self._end(failure if self._goes_on else _cannot_go_on(failure))
            case _:
                assert_never(end)

    @property
    def _goes_on(self) -> bool:
        """Whether there is any use in another answer: without a tag it would begin anew."""
        return self.part.can_go_on or self.download.restartable or not self.part.received_bytes

    def _next_exchange(self) -> Exchange:
        """The exchange as it is after what has come: its next request asks for the rest, and its attempts are counted from there."""
        exchange, moved_on = self.exchange, self.part.received_bytes > self.begun_bytes
        tally = exchange.tally._replace(attempts=attempts_so_far(exchange.tally.attempts, moved_on=moved_on))
        if moved_on:
            tally = tally._replace(pauses=0, reconnected=False)
        plan = exchange.plan._replace(request=self.download.request_for(self.part))
        if not self._goes_on:
            tally, plan = tally._replace(reconnected=True), plan._replace(policy=_NO_REPEAT)
        return replace(exchange, plan=plan, tally=tally)

    def _answered(self, end: Answered) -> tuple[Operation[Downloaded], Action[Downloaded]]:
        part, response = self.part, end.response
        if response.status == RANGE_NOT_SATISFIABLE and part.can_go_on and whole_length(response.headers) == part.received_bytes:
            return self._done()  # all of it had come, but for the end of the answer
        if not response.is_success:
            return self._end(failure_from_status(response, end.facts, self.download.settings.limits))
        if part.is_complete:
            return self._done()
        ended_early = failure_from_nonsense(_ENDED_EARLY, response, end.facts)
        if part.received_bytes <= self.begun_bytes or not self._goes_on:
            return self._end(ended_early)
        if end.at >= self.download.seconds:
            return self._end(past_deadline(ended_early, end.at))
        # RFC 9110, section 15.3.7: a part may be less than what was asked for.
        exchange, action = begin(self.download.plan(part), end.at, end.sends, Reason(Because.STATUS, str(response.status)))
        return replace(self, exchange=exchange, begun_bytes=part.received_bytes), action

    def _done(self) -> tuple[Operation[Downloaded], Action[Downloaded]]:
        part = self.part
        return Ended(self.seed), Done(Downloaded(part.received_bytes, part.content_type, part.etag), ANSWERED)

    def _end(self, failure: Failure) -> tuple[Operation[Downloaded], Action[Downloaded]]:
        return Ended(self.seed), Raise(failure, Reason.of(failure))


_IN_EXCHANGE = (Received, Failed, Woke, Authorized, NotAuthorized)
EDGES: Edges = {
    (ReadyToDownload, Started): frozenset({Downloading}),
    (ReadyToDownload, Abandoned): frozenset({Ended}),
    **{(Downloading, outcome): frozenset({Downloading, Ended}) for outcome in _IN_EXCHANGE},
    (Downloading, Refused): frozenset({Ended}),
    (Downloading, Abandoned): frozenset({Ended}),
}
"""None of them is `Restored`: a download is not stored, since its bytes are not."""


def download(
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float | None = None,
    restartable: bool = True,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> ReadyToDownload:
    """GET a content of any size; `timeout_seconds` is for all of it, an hour where None.

    Raises `TypeError` or `ValueError` for what no request can be made of, and for headers that a download sets itself.
    """
    built = custom_request("GET", path, params=params, json=None, content=None, headers=headers, settings=settings)
    for name in _OWN_HEADERS:
        if name in built.headers:
            message = f"headers must not have {name}: a download sets it"
            raise ValueError(message)
    seconds = DOWNLOAD_SECONDS if timeout_seconds is None else checked_seconds(timeout_seconds, "timeout_seconds")
    if headers is None or "accept" not in {name.lower() for name in headers}:
        others = tuple(each for each in built.headers if each[0] != "Accept")
        built = built._replace(headers=Headers((*others, ("Accept", "*/*"))))
    return ReadyToDownload(Download(seed, settings, built, seconds, restartable))


def _cannot_go_on(failure: Failure) -> Failure:
    return failure._replace(message=f"{failure.message}; it was not gone on with, since the answer had no strong entity tag")
