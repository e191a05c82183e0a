"""A transport of one's own over libcurl, which knows every proxy: it blocks, and keeps its deadlines."""

import ssl
from functools import partial
from typing import Any

import pycurl as c

from platform_core import FailureCause as Cause
from platform_core import Limits, OutgoingRequest
from platform_transports.adapting import Call, SyncAdapter
from platform_transports.contract import Credentials

SILENT = {name: f"{name}:".encode() for name in ("Accept", "Content-Type", "Expect", "User-Agent")}
# curl repeats what it sent on a kept connection that was dead, a POST as well: so each call has a connection of its own.
ALWAYS: dict[int, Any] = {c.FORBID_REUSE: 1, c.PATH_AS_IS: 1, c.PROXY: "", c.NOSIGNAL: 1, c.HTTP_VERSION: c.CURL_HTTP_VERSION_1_1}
CAUSES = {c.E_COULDNT_RESOLVE_HOST: Cause.DNS, c.E_COULDNT_CONNECT: Cause.CONNECT, c.E_SSL_CONNECT_ERROR: Cause.TLS}
CAUSES.update({c.E_PEER_FAILED_VERIFICATION: Cause.TLS, c.E_SEND_ERROR: Cause.WRITE, c.E_PARTIAL_FILE: Cause.READ})
CAUSES.update({c.E_GOT_NOTHING: Cause.DISCONNECTED, c.E_RECV_ERROR: Cause.DISCONNECTED})


class CurlTransport(SyncAdapter):
    name = "curl"

    def __init__(self, limits: Limits, *, ssl_context: ssl.SSLContext) -> None:
        super().__init__()
        self._trusted = "".join([ssl.DER_cert_to_PEM_cert(each) for each in ssl_context.get_ca_certs(binary_form=True)])

    def exchange(self, request: OutgoingRequest, credentials: Credentials, call: Call) -> None:
        curl, multi, lines = c.Curl(), c.CurlMulti(), list[bytes]()
        fields = {name: f"{name}: {value}".encode("latin-1") for name, value in (*request.headers, credentials)}
        options = ALWAYS | {c.URL: request.url, c.CUSTOMREQUEST: request.method, c.HTTPHEADER: [*(SILENT | fields).values()]}
        options |= {c.POSTFIELDS: request.body.content} if request.method[0] == "P" else {c.NOBODY: request.method == "HEAD"}
        options |= {c.CAINFO_BLOB: self._trusted, c.HEADERFUNCTION: lines.append, c.PREREQFUNCTION: partial(sending, call)}
        options |= {c.WRITEFUNCTION: lambda chunk: None if call.incoming.add(chunk) else -1}  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        options |= {c.TIMEOUT_MS: int(call.left() * 1000) + 1, c.CONNECTTIMEOUT_MS: int(call.limits.connect_seconds_max * 1000)}
        for option, value in options.items():
            curl.setopt(option, value)
        call.connecting()
        multi.add_handle(curl)
        try:
            while multi.perform()[1] and not self.closed.is_set():
                multi.select(min(max(call.left(), 0.0), 0.05))
            failed = multi.info_read()[2]
        finally:
            multi.close()
        if failed or self.closed.is_set() or b"\r\n" not in lines:
            raise c.error(failed[0][1] if failed else c.E_RECV_ERROR)
        status, *raw = [each for each in b"".join(lines).decode("latin-1").split("\r\n\r\n") if each.startswith("HTTP/")][-1].split("\r\n")
        call.incoming.head(int(status[9:12]), tuple([(name, value.strip()) for name, _, value in (each.partition(":") for each in raw)]))

    def cause(self, error: Exception, call: Call) -> Cause:
        late = error.args[:1] == (c.E_OPERATION_TIMEDOUT,)
        return call.late() if late else CAUSES.get(error.args[0], Cause.PROTOCOL if call.progress.sent == "maybe" else Cause.LOCAL)


def sending(call: Call, *_: object) -> int:
    call.sending(reused=False)
    return c.PREREQFUNC_OK
