"""Plans of one logical call, and one under way, for the tests of exchanges."""

from typing import Any

from platform_core.actions import Because, Reason, Send
from platform_core.config import Settings
from platform_core.errors import Failure
from platform_core.exchange import Answered, Exchange, InFlight, Pausing, Plan, Progress, Unanswered, begin
from platform_core.messages import Headers, Inline, Request
from platform_core.outcomes import Outcome, Refused, Woke
from platform_core.retry import IDEMPOTENCY_KEY, RETRY_COST, RetryPolicy
from tests.support.core import SEED

DEADLINE = 100.0
GET = Request("GET", "/api/v1/x?secret=1")
POST = Request("POST", "/api/v1/x", body=Inline(b'{"a":1}'))
KEYED = Request("POST", "/api/v1/x", Headers(((IDEMPOTENCY_KEY, "k"),)), Inline(b'{"a":1}'))
PLAN = Plan(SEED, GET, Settings().limits, RetryPolicy(), DEADLINE, 30.0, harmless=True, cost=RETRY_COST)
BLIND = PLAN._replace(request=POST, harmless=False)
SUBMISSION = PLAN._replace(request=KEYED, bears_conflict=True)
TWICE = RetryPolicy(attempts_max=2)


class ExchangeRun:
    """An exchange under way, and all it has asked for. Whatever it is told, its accounts have to be right."""

    def __init__(self, plan: Plan = PLAN, sends: int = 0, at: float = 0.0) -> None:
        self.exchange, action = begin(plan, at, sends, Reason(Because.FIRST))
        self.sends = sends
        self.actions: list[Any] = [action]
        self._check(self.exchange, at)
        self.end: Any = None

    def tell(self, *outcomes: Outcome) -> Any:
        """The last action after these outcomes, or the end."""
        for outcome in outcomes:
            progress: Progress = self.exchange.step(outcome)
            if isinstance(progress, InFlight):
                self.exchange = progress.exchange
                self.actions.append(progress.action)
                self._check(self.exchange, outcome.at)
            else:
                self.end = progress
                self._check_end(progress, outcome)
        return self.end or self.actions[-1]

    def wake(self) -> Any:
        return self.tell(Woke(self.actions[-1].until))

    @property
    def state(self) -> Any:
        return self.exchange

    @property
    def requests(self) -> list[Request]:
        return [action.request for action in self.actions if isinstance(action, Send)]

    def _check(self, exchange: Exchange, at: float) -> None:
        tally = exchange.tally
        assert (tally.at, tally.sends) == (at, self.sends + len(self.requests))
        assert {bool} == {type(flag) for flag in (tally.seen, tally.refreshed, tally.asked, tally.reconnected)}
        assert not isinstance(exchange, Pausing) or isinstance(exchange.last, Failure)

    def _check_end(self, end: Answered | Unanswered, outcome: Outcome) -> None:
        assert (end.at, end.sends, type(end.seen)) == (outcome.at, self.sends + len(self.requests), bool)
        if isinstance(end, Unanswered):
            assert (end.failure.attempts, type(end.passing)) == (end.sends, bool)
            assert end.failure.elapsed == outcome.at or isinstance(outcome, Refused), "a refused pause tells what failed before it"
