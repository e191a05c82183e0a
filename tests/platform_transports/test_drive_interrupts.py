"""A KeyboardInterrupt at every line of the blocking driver, and of all that it calls: no execution stays running."""

from collections import Counter
from itertools import count
from typing import NamedTuple

import pytest

from platform_core.actions import Done, Fate, Gone
from platform_core.handles import OnAbandon
from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Response
from platform_core.tokens import Token
from platform_transports.budget import BudgetHolder
from platform_transports.run import Observer
from platform_transports.tokens import SyncTokens
from tests.support.driven import Told, drive_sync, executions, platform, sleeping
from tests.support.interrupts import Interrupts, traced

TRACED = traced("drive", "run", "fake", "virtual_time", "budget", "tokens")


class Scene:
    """One run that is to be interrupted, on a platform of its own."""

    def __init__(self, case: "Case") -> None:
        numbers = count(2)
        self.platform = platform(case.script)
        self.tokens = SyncTokens(Token.checked("first", "token"), lambda: f"token-{next(numbers)}")
        self.budget = BudgetHolder()
        self.told = Told()
        self._operation = sleeping(0.1, on_abandon=case.on_abandon)

    def run(self, *observers: Observer) -> object:
        return drive_sync(self._operation, self.platform, tokens=self.tokens, budget=self.budget, observers=[self.told, *observers])

    @property
    def fate(self) -> Fate | None:
        """As the observer was told: None where the run had ended by itself."""
        action = self.told.decisions[-1].action
        assert isinstance(action, (Done, Gone)), action
        return action.report.fate if isinstance(action, Gone) else None

    @property
    def statuses(self) -> list[ExecutionStatus]:
        return [execution.status for execution in executions(self.platform)]

    def check_usable(self) -> None:
        """No lock of the client was left taken: another run comes to its end."""
        operation, scripted = sleeping(0.1, number=1), platform((Response(401), Response(503)))
        assert drive_sync(operation, scripted, tokens=self.tokens, budget=self.budget)["status"] == "completed"


class Case(NamedTuple):
    script: tuple[Response | None, ...]
    on_abandon: OnAbandon
    fates: frozenset[Fate | None]
    """What is told at one line or another."""


ENDED = {Fate.NEVER_STARTED, Fate.FINISHED, None}
CASES = {
    "plain": Case((), "cancel", frozenset({Fate.CANCELLED, *ENDED})),
    "refused token, busy platform": Case((Response(401), Response(503), None), "cancel", frozenset({Fate.CANCELLED, *ENDED})),
    "detached": Case((), "detach", frozenset({Fate.LEFT, Fate.UNKNOWN, Fate.NEVER_STARTED, None})),
}
TRUE_STATUSES: dict[Fate | None, set[tuple[ExecutionStatus, ...]]] = {
    Fate.NEVER_STARTED: {()},
    Fate.CANCELLED: {(ExecutionStatus.CANCELLED,)},
    Fate.FINISHED: {(ExecutionStatus.COMPLETED,)},
    None: {(ExecutionStatus.COMPLETED,)},
}


def lines_of(case: Case) -> int:
    """How many lines can be interrupted."""
    counting, scene = Interrupts(TRACED), Scene(case)
    assert counting.run(scene.run) is None
    return counting.lines


@pytest.mark.parametrize("name", CASES)
def test_an_interrupt_at_any_line_leaves_no_execution_running_and_is_raised_again(name: str) -> None:
    case = CASES[name]
    fates: Counter[Fate | None] = Counter()
    not_begun, lines = 0, lines_of(case)
    for line in range(lines):
        scene = Scene(case)
        raised = Interrupts(TRACED, line).run(scene.run)
        assert isinstance(raised, KeyboardInterrupt), line
        if not scene.told.decisions:
            not_begun += 1
            assert not scene.platform.requests, line
            continue
        fate = scene.fate
        fates[fate] += 1
        if case.on_abandon == "cancel":
            assert tuple(scene.statuses) in TRUE_STATUSES[fate], (line, fate, scene.statuses)
        if fate not in (None, Fate.NEVER_STARTED):
            assert raised.__notes__ == [str(scene.told.report)], line
        scene.check_usable()
    assert set(fates) == case.fates
    assert lines > 1500
    assert not_begun < lines / 10
    print(f"{lines} lines interrupted: {not_begun} not begun, {dict(fates)}")


def test_a_second_interrupt_at_lines_all_over_the_cleanup_ends_it_and_observers_are_told() -> None:
    case = CASES["plain"]
    tried = 0
    for first in range(0, lines_of(case), 60):
        end = Interrupts(TRACED, first)
        scene = Scene(case)
        end.run(lambda: scene.run(end.go_on))  # noqa: B023 -- called at once
        for second in range(first + 1, end.lines, 7):
            scene, interrupts = Scene(case), Interrupts(TRACED, first, second)
            raised = interrupts.run(lambda: scene.run(interrupts.go_on))  # noqa: B023 -- called at once
            assert isinstance(raised, KeyboardInterrupt), (first, second)
            if scene.told.decisions:
                tried += 1
                fate = scene.fate
                assert fate in (Fate.UNKNOWN, Fate.LEFT) or tuple(scene.statuses) in TRUE_STATUSES[fate], (first, second, fate)
            scene.check_usable()
    assert tried > 1000
