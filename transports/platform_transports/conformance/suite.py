"""Running checks: each on its own event loop, with a transport of its own, and held against what the transport declares."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, TypeVarTuple, Unpack, cast

import anyio

from platform_transports.contract import TransportError

from .bench import Bench
from .check import Check
from .checks import CHECKS, GROUPS
from .ends import CheckFailedError, End, TooSlowError
from .subjects import Backend, Subject

_LOOPS: dict[Backend, tuple[str, dict[str, Any]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
    "sync": ("asyncio", {}),  # a blocking transport knows no event loop: the checks run on one
}
_PACE_MAX = 16.0
"""Short deadlines are tried longer where nothing was sent before they passed: what a busy machine does, and what a transport must not."""
_OF_FLOWS = frozenset({check.name for check in GROUPS["bodies that flow"]})
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
State = Literal["passed", "declared"]

_DECLARED_TRIES = 5
"""A race that a library loses is not lost each time: what is declared has to fail once in so many."""


@dataclass(frozen=True, slots=True)
class Case:
    """One check of one transport on one event loop."""

    subject: Subject
    backend: Backend
    check: Check

    def __str__(self) -> str:
        return f"{self.column}-{self.check.name}"

    @property
    def column(self) -> str:
        """Where it stands in a table."""
        return column(self.subject, self.backend)

    @property
    def declared(self) -> str | None:
        """Why this check cannot pass here, as the transport says."""
        return None if self.check.name in self.subject.mended_here else self.subject.declared.get(self.check.name)

    def run(self, cuts_max: int | None = None) -> State:
        """Raise `CheckFailedError` where the check fails and is not declared, or is declared and passes each time."""
        if self.declared is None:
            failure = self.failure(cuts_max)[0]
            if failure is not None:
                message = f"{self.column}: {self.check.name}: {self.check.fact}\n{failure}"
                raise CheckFailedError(message) from failure.__cause__
            return "passed"
        if all(self.failure(cuts_max)[0] is None for _ in range(_DECLARED_TRIES)):
            message = f"{self.column}: {self.check.name} is declared ({self.declared}), but it passes: take the declaration away"
            raise CheckFailedError(message)
        return "declared"

    def failure(self, cuts_max: int | None = None) -> tuple[CheckFailedError | None, list[End]]:
        """Why the check fails, or None, whatever is declared; and how its calls ended."""
        pace = 1.0
        while True:
            failure, trace = run_on(self.backend, self._run, cuts_max, pace)
            if pace >= _PACE_MAX or self.declared is not None or not isinstance(failure, TooSlowError):
                return failure, trace
            pace *= 4

    async def _run(self, cuts_max: int | None, pace: float) -> tuple[CheckFailedError | None, list[End]]:
        bench: Bench | None = None
        try:
            bench = Bench(self.subject, self.backend, cuts_max, is_hopeful=self.declared is None, pace=pace)
            try:
                await self.check.run(bench)
            finally:
                await bench.aclose()
        except (CheckFailedError, TransportError, ExceptionGroup) as error:
            return _failure_in(error), [] if bench is None else bench.trace
        return None, bench.trace


def run_on(backend: Backend, procedure: Callable[[Unpack[Ts]], Awaitable[T]], *arguments: *Ts) -> T:
    """Run this on a new event loop of that kind."""
    loop, options = _LOOPS[backend]
    return anyio.run(procedure, *arguments, backend=loop, backend_options=options)


def column(subject: Subject, backend: Backend) -> str:
    """The name of a transport on an event loop."""
    return subject.name if len(subject.backends) == 1 else f"{subject.name} on {backend}"


def cases(subjects: Sequence[Subject], checks: Mapping[str, Check] = CHECKS) -> list[Case]:
    """All checks of all these transports. Raises `ValueError` where one declares a check that is not there, or two have one name."""
    made: dict[str, Case] = {}
    for subject in subjects:
        unknown = subject.declared.keys() - checks.keys()
        if unknown:
            message = f"{subject.name} declares checks that are not there: {', '.join(sorted(unknown))}"
            raise ValueError(message)
        for backend in subject.backends:
            for check in checks.values():
                if backend == "sync" and not check.is_for_all:
                    continue
                if check.name in _OF_FLOWS and not subject.carries_flows:
                    continue
                case = Case(subject, backend, check)
                if str(case) in made:
                    message = f"two transports are named {case.column}"
                    raise ValueError(message)
                made[str(case)] = case
    return list(made.values())


def _failure_in(error: Exception) -> CheckFailedError:
    """What failed within the tasks of a check. Raises what has nothing to do with it."""
    match error:
        case CheckFailedError():
            return error
        case TransportError():
            failure = CheckFailedError(f"a call that must be answered failed: {error}")
            failure.__cause__ = error
            return failure
        case ExceptionGroup():
            failures = [each for each in _leaves(error) if isinstance(each, CheckFailedError)]
            return failures[0] if failures else _failure_in(_leaves(error)[0])
        case _:
            raise error


def _leaves(error: Exception) -> list[Exception]:
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [leaf for each in cast("ExceptionGroup[Exception]", error).exceptions for leaf in _leaves(each)]


__all__ = ["GROUPS", "Case", "State", "cases", "column", "run_on"]
