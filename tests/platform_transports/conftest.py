"""Fixtures of the httpx adapters, each library in each world, and of the native transports, each kind on each loop."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports import native_subject
from tests.platform_transports.httpx_subject import LIBRARIES, TLS, Make, Subject, World
from tests.platform_transports.native_subject import BACKENDS, Kind, Native, natives


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:  # a blocking transport knows no event loop: one of them is enough for it
        metafunc.parametrize(("anyio_backend", "world"), [("asyncio", "async"), ("trio", "async"), ("asyncio", "sync")])
    if "async_kind" in metafunc.fixturenames:
        kinds = [(backend, kind) for kind, backend in BACKENDS.items() if kind != "sync"]
        metafunc.parametrize(("anyio_backend", "async_kind"), kinds, ids=[kind for _, kind in kinds])
    if "native_kind" in metafunc.fixturenames:
        metafunc.parametrize(("anyio_backend", "native_kind"), [(backend, kind) for kind, backend in BACKENDS.items()], ids=BACKENDS)


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def make(library: str, world: World) -> AsyncIterator[Make]:
    made: list[Subject] = []

    def make_subject(**options: Any) -> Subject:
        kind: Any = HttpxTransport if world == "async" else HttpxSyncTransport
        subject = Subject(kind(**{"library": library, "verify": TLS, **options}))
        made.append(subject)
        return subject

    yield make_subject
    for subject in made:
        await subject.close()


@pytest.fixture
def subject(make: Make) -> Subject:
    return make()


@pytest.fixture
async def native(native_kind: Kind) -> AsyncIterator[Native]:
    async with natives(native_kind) as native:
        yield native


@pytest.fixture
async def cancelling(async_kind: Kind) -> AsyncIterator[Native]:
    """The async ones: a thread has no checkpoints, and is interrupted in a test of its own."""
    async with natives(async_kind) as native:
        yield native


@pytest.fixture
def sender(native: Native) -> native_subject.Subject:
    return native.make()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the sweeps have counted."""
    reports = terminalreporter.getreports("passed")
    lines = [f"{each.location[2]}: {text}" for each in reports for name, text in each.user_properties if name == "swept"]
    if lines:
        terminalreporter.section("swept")
        for line in sorted(lines):
            terminalreporter.line(line)
