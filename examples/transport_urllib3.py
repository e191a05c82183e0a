"""A transport of one's own over urllib3, which requests stands on: it blocks."""

import ssl
import threading
from contextlib import closing
from typing import Any, cast

from urllib3 import PoolManager, Timeout, connection, exceptions, util

from platform_core import FailureCause, Limits, OutgoingRequest
from platform_transports.adapting import Call, SyncAdapter, connect_kind
from platform_transports.contract import Credentials

OPTIONS: dict[str, Any] = {"retries": False, "redirect": False, "preload_content": False, "decode_content": False}
SILENT = {"Accept-Encoding": util.SKIP_HEADER, "User-Agent": util.SKIP_HEADER}
HERE = threading.local()


class Telling(connection.HTTPConnection):
    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        HERE.call.sending(reused=self.sock is getattr(self, "seen", None))
        self.seen = self.sock
        super().request(*args, **options)


class Urllib3Transport(SyncAdapter):
    name = "urllib3"

    def __init__(self, limits: Limits, *, ssl_context: ssl.SSLContext) -> None:
        super().__init__()
        self._pools = PoolManager(maxsize=limits.connections_max, block=True, ssl_context=ssl_context)

    def exchange(self, request: OutgoingRequest, credentials: Credentials, call: Call) -> None:
        HERE.call, left = call, call.left()
        pool = self._pools.connection_from_url(request.url)
        pool.ConnectionCls = cast(Any, type("Connection", (Telling, type(pool).ConnectionCls), {}))
        call.connecting()
        target, fields = util.parse_url(request.url).request_uri, SILENT | dict([*request.headers, credentials])
        timeouts: Any = {"timeout": Timeout(connect=min(left, call.limits.connect_seconds_max), read=left), "pool_timeout": left}
        with closing(pool.urlopen(request.method, target, request.body.content or None, fields, **timeouts, **OPTIONS)) as response:
            whole = call.incoming.head(response.status, tuple(response.headers.iteritems()), response.reason or "")
            while whole and (chunk := response.read1(65536)):
                whole = self.take(call, chunk)

    def cause(self, error: Exception, call: Call) -> FailureCause:
        match error:
            case exceptions.SSLError() | exceptions.NewConnectionError():
                return connect_kind(error)
            case exceptions.TimeoutError() | exceptions.EmptyPoolError():
                return call.late()
            case exceptions.ProtocolError() if isinstance(error.args[-1], (ConnectionError, exceptions.IncompleteRead)):
                return FailureCause.READ if call.incoming.has_head else FailureCause.DISCONNECTED
            case _:
                return FailureCause.PROTOCOL if call.progress.sent == "maybe" else FailureCause.LOCAL

    def close_library(self) -> None:
        self._pools.clear()
