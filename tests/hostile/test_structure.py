"""What nobody may write here, since it goes wrong under cancellation."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import flow_sdk
from platform_transports.asyncio import AsyncioTransport
from platform_transports.fake import FakePlatform, FakeTransport
from platform_transports.httpx import HttpxTransport
from platform_transports.trio import TrioTransport

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("platform_core", "transports/platform_transports", "flow_sdk") for path in (ROOT / folder).rglob("*.py")]
PUBLIC = [getattr(flow_sdk, name) for name in flow_sdk.__all__] + [
    AsyncioTransport,
    TrioTransport,
    HttpxTransport,
    FakeTransport,
    FakePlatform,
]


def waits(source: str) -> Iterator[int]:
    for each in ast.walk(ast.parse(source)):
        match each:
            case ast.Attribute(value=ast.Name(id="asyncio"), attr="wait_for", lineno=line):
                yield line
            case ast.ImportFrom(module="asyncio", names=names, lineno=line) if "wait_for" in {name.name for name in names}:
                yield line
            case _:
                pass


def test_nobody_waits_by_asyncio_wait_for() -> None:
    """Before 3.12 it may hide a cancel, or drop a result (python/cpython#86296)."""
    assert list(waits("from asyncio import wait_for\nasyncio.wait_for(1)")) == [1, 2]
    assert SOURCES
    assert {path.name: lines for path in SOURCES if (lines := list(waits(path.read_text(encoding="utf-8"))))} == {}


def test_no_public_method_is_an_async_generator() -> None:
    """One that is left is closed by the garbage collector, in another task (encode/httpcore#658)."""
    members = [member for each in PUBLIC if inspect.isclass(each) for _, member in inspect.getmembers(each)]
    assert any(map(inspect.iscoroutinefunction, members))
    assert [member for member in members if inspect.isasyncgenfunction(member)] == []
