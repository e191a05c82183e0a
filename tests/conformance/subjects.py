"""The transports that are here, as the suite takes them, with what they declare."""

import ssl
from typing import Any

from examples.transport_aiohttp import AiohttpTransport
from examples.transport_pycurl import CurlTransport
from examples.transport_urllib3 import Urllib3Transport
from platform_core.limits import Limits
from platform_transports.asyncio import AsyncioTransport
from platform_transports.conformance.subjects import Backend, Make, Subject, Transport
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from platform_transports.sync import BlockingTransport
from platform_transports.trio import TrioTransport
from tests.conformance.declared import HTTPX, HTTPX_ONLY, HTTPX_SYNC, MENDED_HERE, fake
from tests.conformance.declared_by_examples import AIOHTTP, AIOHTTP_UVLOOP, CURL, URLLIB3
from tests.conformance.fake_stage import FakeStage


def _native(kind: type[AsyncioTransport | TrioTransport | BlockingTransport]) -> Make:
    def make(limits: Limits, ssl_context: ssl.SSLContext) -> AsyncioTransport | TrioTransport | BlockingTransport:
        return kind(limits, ssl_context=ssl_context)

    return make


def _httpx(kind: type[HttpxTransport | HttpxSyncTransport], library: str) -> Make:
    def make(limits: Limits, ssl_context: ssl.SSLContext) -> HttpxTransport | HttpxSyncTransport:
        return kind(limits=limits, verify=ssl_context, library=library)

    return make


def _by_name(kind: Any) -> Make:
    return lambda limits, ssl_context: kind(limits, ssl_context=ssl_context)


def _no_sockets(limits: Limits, ssl_context: ssl.SSLContext) -> Transport:
    raise AssertionError("its stage makes it")


def _libraries() -> tuple[Subject, ...]:
    loops: tuple[Backend, ...] = ("asyncio", "trio")
    return tuple(
        subject
        for library, more in (("httpx", HTTPX_ONLY), ("httpx2", {}))
        for subject in (
            Subject(library, _httpx(HttpxTransport, library), loops, more | HTTPX, carries_flows=True),
            Subject(
                f"{library} sync",
                _httpx(HttpxSyncTransport, library),
                ("sync",),
                more | HTTPX | HTTPX_SYNC,
                mended_here=MENDED_HERE,
                carries_flows=True,
            ),
        )
    )


NATIVES = (
    Subject("native trio", _native(TrioTransport), ("trio",), carries_flows=True),
    Subject("native asyncio", _native(AsyncioTransport), ("asyncio", "uvloop"), carries_flows=True),
    Subject("native sync", _native(BlockingTransport), ("sync",), carries_flows=True),
)
EXAMPLES = (
    Subject("aiohttp on asyncio", _by_name(AiohttpTransport), ("asyncio",), AIOHTTP),
    Subject("aiohttp on uvloop", _by_name(AiohttpTransport), ("uvloop",), AIOHTTP_UVLOOP),
    Subject("urllib3", _by_name(Urllib3Transport), ("sync",), URLLIB3, mended_here=MENDED_HERE),
    Subject("pycurl", _by_name(CurlTransport), ("sync",), CURL),
)
FAKES = (
    Subject("fake", _no_sockets, ("asyncio", "trio"), fake(), FakeStage, carries_flows=True),
    Subject("fake sync", _no_sockets, ("sync",), fake(), FakeStage, carries_flows=True),
)
SUBJECTS = (*NATIVES, *_libraries(), *FAKES, *EXAMPLES)
