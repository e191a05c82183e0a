"""Runs the snippets of the platform's page wherever they must pass, and prints them as a table: snippet by world and HTTP library."""

import io
import re
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "tests" / "page"
ANYWHERE = "no client"
"""The place of what needs none: the constructor's refusals, the lifecycle's table."""


class Ends:
    """A pytest plugin that notes how each snippet ended in each place. Several cases of one snippet pass together or not at all."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, str]] = {}
        self._where: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember which snippet and which place each item is."""
        for item in items:
            params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            world, library = params.get("place", (None, None))
            place = ANYWHERE if world is None else f"{world} {library or 'native'}"
            self._where[item.nodeid] = snippet_of(item.nodeid), place

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an end: that of the test, or of a setup or teardown that did not pass."""
        snippet, place = self._where[report.nodeid]
        ends = self.of.setdefault(snippet, {})
        is_an_end = report.when == "call" or not report.passed
        if is_an_end and ends.get(place, "passed") == "passed":
            ends[place] = report.outcome


def main() -> int:
    """Print the table; 1 unless all have passed, each in all places."""
    ends, said = Ends(), io.StringIO()
    with redirect_stdout(said):
        status = pytest.main(["-q", "-p", "no:cacheprovider", str(PAGE)], plugins=[ends])
    places = list(dict.fromkeys(place for each in ends.of.values() for place in each if place != ANYWHERE))
    complete = {snippet: each for snippet, each in ends.of.items() if ANYWHERE in each or each.keys() == set(places)}
    if status != pytest.ExitCode.OK:
        print(said.getvalue())
    print(*table(ends.of, [*places, ANYWHERE]), sep="\n")
    passed = [snippet for snippet, each in complete.items() if set(each.values()) == {"passed"}]
    print(f"\n{len(passed)} of {len(ends.of)} snippets pass wherever they must, in {len(places)} places")
    return 0 if status == pytest.ExitCode.OK and len(passed) == len(ends.of) else 1


def snippet_of(nodeid: str) -> str:
    """`tests/page/test_snippets.py::TestRequests::test_get[…]` as `Requests: get`."""
    section, test = nodeid.split("[", maxsplit=1)[0].split("::")[-2:]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", section.removeprefix("Test")).capitalize()
    return f"{words}: {test.removeprefix('test_').replace('_', ' ')}"


def table(ends: Mapping[str, Mapping[str, str]], places: Iterable[str]) -> list[str]:
    """The lines of a table, as Markdown and aligned."""
    rows = [["snippet", *places], *([snippet, *(each.get(place, "") for place in places)] for snippet, each in ends.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    return [lines[0], f"| {' | '.join('-' * width for width in widths)} |", *lines[1:]]


if __name__ == "__main__":
    raise SystemExit(main())
