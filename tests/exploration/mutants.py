"""Deliberate faults in the core, each of which the exploration must find: else it would prove nothing."""

# Mutants reach into what nobody else may touch.
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from platform_core import cleanup, exchange, execution, retry, verdicts
from platform_core.actions import Because, Fate, Reason, Report, Send
from platform_core.messages import Headers
from platform_core.outcomes import FailureCause, Woke

from .systems import execution as run
from .world import Moment


class Mutant(NamedTuple):
    """What is done to the core, where it shows, and which invariant has to see it."""

    name: str
    start: Callable[[], Moment]
    mutate: Callable[[pytest.MonkeyPatch], None]
    found_by: str


def _a_new_key_for_each_attempt(patch: pytest.MonkeyPatch) -> None:
    send: Any = exchange._send

    def send_with_new_key(plan: Any, tally: Any, reason: Any) -> Any:
        flight = send(plan, tally, reason)
        request = flight.action.request
        fields = tuple((name, f"{value}-{tally.sends}" if name == "Idempotency-Key" else value) for name, value in request.headers)
        mutated = type(request)(request.method, request.target, Headers(fields), request.body)
        return flight._replace(action=Send(mutated, flight.action.deadline, flight.action.reason))

    patch.setattr(exchange, "_send", send_with_new_key)


def _a_repeat_after_maybe_without_a_key(patch: pytest.MonkeyPatch) -> None:
    def repeats_anything(cause: FailureCause, _sent: str, *, harmless: bool) -> bool:
        return cause not in retry.FINAL_CAUSES

    patch.setattr(retry, "repeats_failure", repeats_anything)


def _the_cancel_is_forgotten_while_submitting(patch: pytest.MonkeyPatch) -> None:
    def forget(leaving: Any, *_args: Any, **_options: Any) -> Any:
        return verdicts.gone(leaving.seed, Report(Fate.NEVER_STARTED), Because.ABANDONED)

    patch.setattr(execution, "leave_submission", forget)


def _a_terminal_state_is_left_again(patch: pytest.MonkeyPatch) -> None:
    def only_completed(status: str) -> bool:
        return status == "completed"

    patch.setattr(execution, "is_terminal", only_completed)


def _a_poll_after_the_deadline(patch: pytest.MonkeyPatch) -> None:
    step: Any = execution.Waiting.step

    def poll_whenever(waiting: Any, outcome: Any) -> Any:
        if isinstance(outcome, Woke):
            return execution._poll(waiting.job, waiting.known, outcome.at, Reason(Because.PAUSE_OVER))
        return step(waiting, outcome)

    patch.setattr(execution.Waiting, "step", poll_whenever)


def _a_cancel_that_was_accepted_counts_as_cancelled(patch: pytest.MonkeyPatch) -> None:
    def believe(leaving: Any, _cancel: Any, word: Any) -> Any:
        handle = leaving.job.handle(word.record["execution_id"], word.at, word.sends)
        return verdicts.gone(leaving.seed, Report(Fate.CANCELLED, handle), Because.TERMINAL)

    patch.setattr(cleanup.Leaving, "heard", believe)


MUTANTS = (
    Mutant("a new key for each attempt", run, _a_new_key_for_each_attempt, "key_and_body_stay"),
    Mutant("a repeat after maybe without a key", lambda: run(keyed=False), _a_repeat_after_maybe_without_a_key, "no_blind_repeat"),
    Mutant("the cancel is forgotten while submitting", run, _the_cancel_is_forgotten_while_submitting, "truth"),
    Mutant("a terminal state is left again", run, _a_terminal_state_is_left_again, "terminal_latch"),
    Mutant("a poll after the deadline", run, _a_poll_after_the_deadline, "deadline"),
    Mutant("an accepted cancel counts as cancelled", run, _a_cancel_that_was_accepted_counts_as_cancelled, "truth"),
)
