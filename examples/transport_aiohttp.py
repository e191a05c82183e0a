"""A transport of one's own over aiohttp: its pool, its TLS, its parser."""

import ssl
from functools import partial
from io import BytesIO
from typing import Any

import aiohttp
from yarl import URL

from platform_core import FailureCause, Limits, OutgoingRequest
from platform_transports.adapting import AsyncAdapter, Call, connect_kind
from platform_transports.contract import Credentials

OPTIONS: dict[str, Any] = {"auto_decompress": False, "skip_auto_headers": ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")}


class AiohttpTransport(AsyncAdapter):
    name = "aiohttp"

    def __init__(self, limits: Limits, *, ssl_context: ssl.SSLContext) -> None:
        super().__init__()
        pool = aiohttp.TCPConnector(limit=limits.connections_max, keepalive_timeout=limits.idle_seconds_max, ssl=ssl_context)
        telling: Any = aiohttp.TraceConfig()
        telling.on_connection_create_start.append(connecting)
        telling.on_connection_create_end.append(partial(sending, reused=False))
        telling.on_connection_reuseconn.append(partial(sending, reused=True))
        self._session = aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[telling], **OPTIONS)
        self._session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- else it repeats calls

    async def exchange(self, request: OutgoingRequest, credentials: Credentials, call: Call) -> None:
        options: dict[str, Any] = {"allow_redirects": False, "timeout": aiohttp.ClientTimeout(), "trace_request_ctx": call}
        fields, body = [*request.headers, credentials], BytesIO(request.body.content) if request.body.content else None
        async with self._session.request(request.method, URL(request.url, encoded=True), headers=fields, data=body, **options) as response:
            raw = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
            whole = call.incoming.head(response.status, raw)
            while whole and (chunk := await response.content.readany()):
                whole = call.incoming.add(chunk)

    def cause(self, error: Exception, call: Call) -> FailureCause:
        match error:
            case aiohttp.ClientConnectorError():
                return connect_kind(error)
            case aiohttp.ClientPayloadError() | aiohttp.ClientConnectionError():
                return FailureCause.READ if call.incoming.has_head else FailureCause.DISCONNECTED
            case _:
                return FailureCause.PROTOCOL if call.progress.sent == "maybe" else FailureCause.LOCAL

    async def close_library(self) -> None:
        await self._session.close()


async def connecting(_: object, traced: Any, __: object) -> None:
    traced.trace_request_ctx.connecting()


async def sending(_: object, traced: Any, __: object, *, reused: bool) -> None:
    traced.trace_request_ctx.sending(reused=reused)
