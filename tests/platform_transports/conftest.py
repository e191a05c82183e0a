"""Fixtures of the httpx adapters: each library in each world."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.platform_transports.httpx_subject import LIBRARIES, TLS, Make, Subject, World


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:  # a blocking transport knows no event loop: one of them is enough for it
        metafunc.parametrize(("anyio_backend", "world"), [("asyncio", "async"), ("trio", "async"), ("asyncio", "sync")])


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
