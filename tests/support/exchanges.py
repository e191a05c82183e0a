"""Plans of one logical call, and one under way, for the tests of exchanges."""

from typing import Any

from platform_core.actions import Because, Reason, Send
from platform_core.config import Settings
from platform_core.exchange import (
    InFlight,
    Plan,
    Progress,
    begin,
)
from platform_core.messages import Headers, Inline, Request
from platform_core.outcomes import Outcome, Woke
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
    """An exchange under way, and all it has asked for."""

    def __init__(self, plan: Plan = PLAN, sends: int = 0) -> None:
        self.exchange, action = begin(plan, 0.0, sends, Reason(Because.FIRST))
        self.actions: list[Any] = [action]
        self.end: Any = None

    def tell(self, *outcomes: Outcome) -> Any:
        """The last action after these outcomes, or the end."""
        for outcome in outcomes:
            progress: Progress = self.exchange.step(outcome)
            if isinstance(progress, InFlight):
                self.exchange = progress.exchange
                self.actions.append(progress.action)
            else:
                self.end = progress
        return self.end or self.actions[-1]

    def wake(self) -> Any:
        return self.tell(Woke(self.actions[-1].until))

    @property
    def state(self) -> Any:
        return self.exchange

    @property
    def requests(self) -> list[Request]:
        return [action.request for action in self.actions if isinstance(action, Send)]
