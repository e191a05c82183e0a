"""The retry budget of a client, from many threads."""

import threading

from platform_core.retry import RetryBudget
from platform_transports.budget import BudgetHolder


def test_a_budget_pays_what_it_has_and_no_more() -> None:
    holder = BudgetHolder(RetryBudget(12))
    assert [holder.pay(5) for _ in range(3)] == [True, True, False]
    assert holder.budget.balance == 2
    assert holder.pay(2)
    assert holder.budget == RetryBudget(0)


def test_what_costs_nothing_is_always_paid() -> None:
    assert BudgetHolder(RetryBudget(0)).pay(0)


def test_a_reward_pays_back_up_to_the_full_budget() -> None:
    holder = BudgetHolder(RetryBudget(499))
    holder.reward()
    holder.reward()
    assert holder.budget.balance == 500


def test_a_budget_begins_full() -> None:
    assert BudgetHolder().budget == RetryBudget()


def test_a_budget_is_exact_and_never_negative_under_threads() -> None:
    holder = BudgetHolder(RetryBudget(1000, 10_000))
    threads_max, rounds = 8, 400
    paid: list[int] = []
    start = threading.Barrier(threads_max)

    def spend() -> None:
        start.wait()
        count = 0
        for _ in range(rounds):
            count += holder.pay(3)
            assert holder.budget.balance >= 0
            holder.reward()
        paid.append(count)

    threads = [threading.Thread(target=spend) for _ in range(threads_max)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paid) == threads_max
    assert holder.budget.balance == 1000 + threads_max * rounds - 3 * sum(paid)
