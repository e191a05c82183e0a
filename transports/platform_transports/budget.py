"""The retry budget of one client, shared by all its calls, from many tasks or threads."""

import threading

from platform_core.retry import RetryBudget


class BudgetHolder:
    """A frozen budget, replaced under a lock that is never held across I/O."""

    def __init__(self, budget: RetryBudget | None = None) -> None:
        self._lock = threading.Lock()
        self._budget = RetryBudget() if budget is None else budget

    @property
    def budget(self) -> RetryBudget:
        """What is left now."""
        return self._budget

    def pay(self, cost: int) -> bool:
        """Whether the budget could pay; if so, it has."""
        with self._lock:
            after = self._budget.withdraw(cost)
            if after is None:
                return False
            self._budget = after
            return True

    def reward(self) -> None:
        """An operation ended well."""
        if self._budget.is_full:  # as nearly always: what reads one frozen value needs no lock
            return
        with self._lock:
            self._budget = self._budget.deposit()
