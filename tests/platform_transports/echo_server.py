"""A server on loopback whose answers carry the id of their request: whoever gets another's answer sees it."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.patience import HANG_SECONDS


class Connections(set[tuple[str, int]]):
    """All connections that the server has had."""

    def __init__(self) -> None:
        self.open = 0
        self._changed = threading.Condition()

    def count(self, change: int) -> None:
        """One was opened, or closed."""
        with self._changed:
            self.open += change
            self._changed.notify_all()

    def wait_until_closed(self) -> None:
        """Block until the client has closed every one of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self.open, HANG_SECONDS), f"{self.open} were left open"


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True  # else an answer waits for the client's word on the tickets of TLS

    def do_GET(self) -> None:
        assert isinstance(self.server, _EchoServer)
        self.server.connections.add(self.client_address)
        body = self.headers["X-Request-ID"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as its base names it
        pass


class _EchoServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self._tls = tls
        self.connections = Connections()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the connection."""
        self.connections.count(1)
        try:
            if self._tls is None:
                super().finish_request(request, client_address)
            else:
                with self._tls.wrap_socket(request, server_side=True) as secure:
                    super().finish_request(secure, client_address)
        finally:
            self.connections.count(-1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle of it."""


@contextmanager
def echo_server(tls: ssl.SSLContext | None = None) -> Generator[tuple[str, Connections]]:
    """Its URL, and the connections that it has had."""
    with _EchoServer(tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}", server.connections
        finally:
            server.shutdown()
            thread.join()
