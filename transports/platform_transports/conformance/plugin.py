"""The suite as a pytest plugin: which transports, how often answers are cut, and a table at the end."""

import sys
from collections.abc import Generator
from typing import Any, cast

import pytest

from .ends import CheckFailedError
from .report import Result, table
from .subjects import BACKENDS, Backend, found
from .suite import Case, cases

_RESULT = "platform_conformance"
_CASES = pytest.StashKey[list[Case]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options."""
    group = parser.getgroup("platform transports")
    group.addoption(
        "--platform-transport", action="append", default=[], metavar="MODULE:NAME", help="a transport's class, a Subject, or a list of them"
    )
    group.addoption(
        "--platform-backend",
        action="append",
        default=[],
        choices=BACKENDS,
        help="where the transports run, in place of what their Subjects say (a bare class: asyncio, or sync where it blocks)",
    )
    group.addoption(
        "--platform-cuts",
        type=int,
        default=None,
        metavar="N",
        help="cut each answer at N points, evenly spread, 0 for none; as it stands, at every one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the transports, in this folder or installed, and say at once where one is not to be found."""
    folder = str(config.invocation_params.dir)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    backends = tuple(cast("list[Backend]", config.getoption("--platform-backend")))
    try:
        subjects = [subject for place in cast("list[str]", config.getoption("--platform-transport")) for subject in found(place, backends)]
        config.stash[_CASES] = cases(subjects)
    except ValueError as error:
        message = f"--platform-transport: {error}"
        raise pytest.UsageError(message) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each check of each transport."""
    if "conformance_case" in metafunc.fixturenames:
        found_cases = metafunc.config.stash[_CASES]
        if not found_cases:
            raise pytest.Collector.CollectError("--platform-transport must name at least one transport, say my_module:MyTransport")
        metafunc.parametrize("conformance_case", found_cases, ids=[str(each) for each in found_cases])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[Any]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shorten a check that fails to what it says: the suite's own lines tell a user nothing."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, CheckFailedError):
        report.longrepr = str(call.excinfo.value)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table: transports by checks."""
    results: list[Result] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == _RESULT:
                    results.append(Result(*value))
    if results:
        terminalreporter.section("transports by checks")
        for line in table(results):
            terminalreporter.write_line(line)


def record(request: pytest.FixtureRequest, result: Result) -> None:
    """Keep a result for the table, also where several processes share the tests."""
    request.node.user_properties.append((_RESULT, tuple(result)))
