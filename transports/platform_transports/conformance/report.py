"""Tables of results: transports by checks."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from .checks import GROUPS

_MARKS = {"passed": "·", "declared": "d", "failed": "F"}


class Result(NamedTuple):
    """What came of one check of one transport."""

    column: str
    check: str
    state: Literal["passed", "declared", "failed"]


def table(results: Iterable[Result]) -> Iterator[str]:
    """Lines of text: a mark for each check, a column for each transport, and the sums."""
    states: dict[str, dict[str, str]] = {}
    for result in results:
        states.setdefault(result.column, {})[result.check] = result.state
    columns = sorted(states)
    for number, column in enumerate(columns):
        yield f"  {'│ ' * number}┌ {column}"
    yield ""
    for group, checks in GROUPS.items():
        rows = [check.name for check in checks if any(check.name in states[column] for column in columns)]
        if rows:
            yield f"{'  ' * len(columns)}  {group}"
        for name in rows:
            marks = " ".join(_MARKS.get(states[column].get(name, ""), " ") for column in columns)
            yield f"  {marks}  {name}"
    yield ""
    for column in columns:
        counted = [sum(state == each for state in states[column].values()) for each in _MARKS]
        yield "  {}: {} passed, {} declared, {} failed".format(column, *counted)
