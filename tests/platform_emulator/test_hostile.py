"""What no good client sends, over raw sockets: a 4xx or a closed connection comes of it, and the next good request works."""

import contextlib
import logging
import socket
from collections.abc import Iterator

import httpx
import pytest

from platform_emulator import Emulator
from platform_emulator.application import BODY_BYTES_MAX
from platform_emulator.components import ORG_ID
from platform_emulator.server import KEEP_ALIVE_SECONDS
from tests.platform_emulator.support import IDS

ECHO = f"/api/v1/code-blocks/{IDS['echo']}/executions"
ORGS = "/api/v1/tenants/orgs"
OBJECT = f"/api/v1/orgs/{ORG_ID}/storage/objects"
SOON_SECONDS = KEEP_ALIVE_SECONDS - 5
"""Before the server would close a connection for no reason but that nothing comes."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _uvicorn_is_quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Errors would be faults of ours; that a request was invalid is only worth a warning."""
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []


def connected(platform: Emulator) -> socket.socket:
    url = httpx.URL(platform.url)
    return socket.create_connection((url.host, url.port or 80), timeout=SOON_SECONDS)


def answered(platform: Emulator, sent: bytes) -> bytes:
    """All that comes back until the connection ends; empty where it was reset."""
    with connected(platform) as connection:
        received = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            raise
        except OSError:  # reset, at the one place or the other
            pass
        return received


def assert_works(platform: Emulator) -> None:
    headers = {"Authorization": f"Bearer {platform.token}"}
    assert httpx.get(platform.url + ORGS, headers=headers, trust_env=False).status_code == 200


def request(platform: Emulator, method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    lines = (f"{method} {target} HTTP/1.1", "Host: x", f"X-API-Key: {platform.api_key}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1") + body


GARBAGE = {
    "nothing": b"",
    "an empty line": b"\r\n\r\n",
    "zeros": b"\0" * 1000,
    "all bytes": bytes(range(256)),
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "an empty name": b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a huge target": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "very many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
    "a target that is not ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
    "a length of thirty digits": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "another transfer encoding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk of negative size": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk of 21 digits": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 21 + b"\r\n",
    "a chunk of negative size for the page": b"POST /_emulator/faults HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc",
    "a chunk without its end": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX",
    "half a request line": b"GET /api/v1/ten",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nAuthor",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    "half a chunked body": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target in absolute form": b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "an old version": b"GET / HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE.keys())
def test_bytes_that_are_no_good_request_are_4xx_or_the_end(platform: Emulator, sent: bytes) -> None:
    received = answered(platform, sent)
    assert received == b"" or received.startswith(b"HTTP/1.1 4")
    assert_works(platform)


BAD_REQUESTS = [
    ("POST", ECHO, b"", 415),
    ("POST", ECHO, b"{", 400),
    ("POST", ECHO, b"[" * 100_000, 400),
    ("POST", ECHO, b"\xff\xfe{\x00}\x00", 400),
    ("POST", ECHO, b'{"input_parameters": 1}', 422),
    ("PUT", f"{OBJECT}/%", b"x", 400),
    ("PUT", f"{OBJECT}/%zz", b"x", 400),
    ("PUT", f"{OBJECT}/%C0%AE", b"x", 400),
    ("PUT", f"{OBJECT}/..", b"x", 422),
    ("GET", f"{OBJECT}/../../../tenants/orgs", b"", 404),
    ("GET", "/api/v1/" + "a" * 10_000, b"", 404),
    ("GET", "/api/v1/nothing", b"", 404),
    ("GET", "//", b"", 404),
    ("GET", "?", b"", 404),
    ("OPTIONS", "*", b"", 404),
    ("OPTIONS", ORGS, b"", 405),
    ("HEAD", "/nothing", b"", 404),
    ("HEAD", ECHO, b"", 405),
    ("BREW", ORGS, b"", 405),
    ("get", ORGS, b"", 405),
    ("DELETE", ORGS, b"{}", 405),
    ("TRACE", ORGS, b"", 405),
    ("GET", f"{ORGS}?a=%GG", b"", 400),
]


@pytest.mark.parametrize(("method", "target", "body", "status"), BAD_REQUESTS)
def test_requests_that_make_no_sense_have_their_status(platform: Emulator, method: str, target: str, body: bytes, status: int) -> None:
    json_type = () if not body or method == "PUT" else ("Content-Type: application/json",)
    received = answered(platform, request(platform, method, target, body, *json_type))
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert_works(platform)


def test_a_body_that_says_it_is_too_large_is_413_before_it_is_sent(platform: Emulator) -> None:
    head = f"PUT {OBJECT}/a HTTP/1.1\r\nHost: x\r\nX-API-Key: {platform.api_key}\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n"
    with connected(platform) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    assert_works(platform)


@pytest.mark.parametrize("after", [b"0\r\n\r\n", b"no chunk\r\n", b""])
def test_a_body_that_becomes_too_large_is_413_however_it_goes_on(platform: Emulator, monkeypatch: pytest.MonkeyPatch, after: bytes) -> None:
    monkeypatch.setattr("platform_emulator.application.BODY_BYTES_MAX", 10_000)
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    head = f"PUT {OBJECT}/a HTTP/1.1\r\nHost: x\r\nX-API-Key: {platform.api_key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(platform) as connection:
        connection.sendall(head.encode() + chunk * 11)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 413 ")
        connection.sendall(chunk * 11 + after)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(10_000) == b""
    assert_works(platform)


def test_requests_in_a_row_are_answered_in_a_row(platform: Emulator) -> None:
    received = answered(platform, request(platform, "GET", ORGS) * 3 + request(platform, "GET", ORGS, b"", "Connection: close"))
    assert received.count(b"HTTP/1.1 200 OK") >= 1


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr("platform_emulator.server.HEAD_SECONDS_MAX", 0.05)
    with Emulator() as own, connected(own) as fresh, connected(own) as used:
        fresh.sendall(sent)
        used.sendall(request(own, "GET", ORGS))
        answer = b""
        while not answer.endswith(b"]"):
            answer += used.recv(10_000)
        used.sendall(sent or b"G")
        for connection in (fresh, used):
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
        assert_works(own)


def test_a_head_that_comes_slowly_and_in_time_is_answered(platform: Emulator) -> None:
    with connected(platform) as connection:
        for byte in request(platform, "GET", ORGS):
            connection.sendall(bytes((byte,)))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_many_connections_that_are_dropped_leave_nothing_behind(platform: Emulator) -> None:
    for index in range(200):
        with connected(platform) as connection:
            if index % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHo")
            if index % 5 == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset on close
    assert_works(platform)
