"""The page at `/` over HTTP: what it answers, to whom, and whom it refuses."""

import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from platform_emulator import Emulator
from platform_emulator.live_page import BODY_BYTES_MAX, FAULTS, STATE
from tests.platform_emulator.support import IDS
from tests.support.patience import HANG_SECONDS

ORGS = "/api/v1/tenants/orgs"
DROP = {"kind": "drop_after"}


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def browser(platform: Emulator) -> Iterator[httpx.Client]:
    """As a browser comes: without a token."""
    with httpx.Client(base_url=platform.url, timeout=HANG_SECONDS, trust_env=False) as made:
        yield made


class TestThePage:
    def test_it_is_html_that_asks_nothing_of_another_server(self, browser: httpx.Client) -> None:
        page = browser.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert named == ["data:,", "/_emulator/page.css", "/_emulator/page.js"]
        for each in named[1:]:
            text = browser.get(each).raise_for_status().text
            assert "://" not in text
            assert "innerHTML" not in text

    @pytest.mark.parametrize("path", ["/", "/_emulator/page.css", "/_emulator/page.js", STATE])
    def test_no_other_page_may_frame_read_or_guess_it(self, browser: httpx.Client, path: str) -> None:
        headers = browser.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers

    def test_it_is_no_request_to_the_platform_and_meets_no_fault(self, platform: Emulator, browser: httpx.Client) -> None:
        platform.inject({"kind": "drop_before"})
        for path in ("/", "/_emulator/page.css", "/_emulator/page.js", STATE):
            assert browser.get(path).status_code == 200
        assert platform.requests == ()

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/_emulator/nothing", 404), ("POST", STATE, 405), ("GET", FAULTS, 405), ("OPTIONS", FAULTS, 405)],
    )
    def test_nothing_else_is_there(self, browser: httpx.Client, method: str, path: str, status: int) -> None:
        answer = browser.request(method, path)
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize(
        ("host", "status"),
        [("localhost:1", 200), ("127.0.0.1:1", 200), ("[::1]:1", 200), ("10.0.0.7", 200), ("rebound.example", 421), ("", 421), ("[", 421)],
    )
    def test_a_name_that_was_pointed_here_is_refused(self, browser: httpx.Client, host: str, status: int) -> None:
        assert browser.get(STATE, headers={"Host": host}).status_code == status
        assert browser.get("/", headers={"Host": host}).status_code == status


def test_what_is_sent_to_the_root_is_the_platforms(platform: Emulator, browser: httpx.Client) -> None:
    assert browser.post("/", headers={"Authorization": f"Bearer {platform.token}"}).status_code == 404
    assert len(platform.requests) == 1


def test_a_body_that_does_not_come_is_408(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.live_page.BODY_SECONDS_MAX", 0.05)
    url = httpx.URL(platform.url)
    with socket.create_connection((url.host, url.port or 80), timeout=HANG_SECONDS) as connection:
        connection.sendall(f"POST {FAULTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


class TestTheState:
    def test_it_shows_executions_requests_and_what_they_met(self, platform: Emulator, browser: httpx.Client) -> None:
        platform.inject({"kind": "delay", "seconds": 0, "method": "POST"})
        platform.inject({"kind": "status", "status": 503, "times": 3, "path": "/never"})
        submission = f"/api/v1/code-blocks/{IDS['sleep']}/executions"
        headers = {"Authorization": f"Bearer {platform.token}", "Idempotency-Key": "k1"}
        execution = browser.post(submission, json={"input_parameters": {"seconds": 3600}}, headers=headers).json()
        state = browser.get(STATE).json()
        shown = state["executions"][0]
        assert (shown["id"], shown["component"]) == (execution["execution_id"], "code_block sleep")
        assert shown["status"] in {"pending", "running"}
        assert shown["created_at"] <= state["now"]
        assert "Idempotency-Key: k1" in shown["told"]
        assert state["requests"][0]["fault"] == "delay, seconds 0, method POST"
        assert (state["requests"][0]["method"], state["requests"][0]["target"]) == ("POST", submission)
        assert state["faults"] == ["status, status 503, times 3, path /never"]
        assert (state["executions_count"], state["requests_count"]) == (1, 1)

    def test_it_shows_no_secret(self, platform: Emulator, browser: httpx.Client) -> None:
        bearer, key = {"Authorization": f"Bearer {platform.token}"}, {"X-API-Key": platform.api_key}
        for headers in (bearer, key):
            browser.get(ORGS, headers={**headers, "Cookie": "session=cookie-secret"})
        submission = f"/api/v1/code-blocks/{IDS['echo']}/executions"
        browser.post(submission, json={"input_parameters": {"key": platform.api_key, "token": platform.token}}, headers=bearer)
        browser.get(f"{ORGS}?token={platform.token}", headers=bearer)
        browser.post("/api/v1/auth/login", json={"email": "developer@example.com", "password": "development"})
        told = browser.get(STATE).text
        for secret in (platform.token, platform.token.rpartition(".")[2], platform.api_key, "cookie-secret", '"development"'):
            assert secret not in told


class TestInjecting:
    def inject(self, browser: httpx.Client, body: object, **headers: str) -> httpx.Response:
        return browser.post(FAULTS, content=json.dumps(body), headers={"Content-Type": "application/json", **headers})

    def test_a_fault_is_met_by_the_next_request(self, platform: Emulator, browser: httpx.Client) -> None:
        assert self.inject(browser, {"kind": "status", "status": 418}, Origin=platform.url).status_code == 204
        assert browser.get(ORGS, headers={"Authorization": f"Bearer {platform.token}"}).status_code == 418

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://127.0.0.1:1"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ({"Content-Type": "multipart/form-data; boundary=application/json"}, 415),
            ({"Content-Type": ""}, 415),
            ({"Host": "rebound.example", "Origin": "http://rebound.example"}, 421),
        ],
    )
    def test_a_page_of_another_origin_injects_nothing(
        self, platform: Emulator, browser: httpx.Client, headers: dict[str, str], status: int
    ) -> None:
        assert self.inject(browser, DROP, **headers).status_code == status
        assert browser.get(STATE).json()["faults"] == []
        assert browser.get(ORGS, headers={"Authorization": f"Bearer {platform.token}"}).status_code == 200

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"{", "Expecting property name"),
            (b"[]", "a fault must be a Fault or an object with a kind, not list"),
            (b'{"kind": "flood"}', "kind must be one of status, html"),
            (b'{"kind": "delay", "seconds": NaN}', "seconds must be finite"),
            (b'{"kind": "delay", "seconds": []}', "seconds has the wrong type, list"),
            (b"[" * 60_000, "a fault is not nested so deeply"),
        ],
    )
    def test_what_is_no_fault_is_refused_with_a_reason(self, browser: httpx.Client, body: bytes, message: str) -> None:
        answer = browser.post(FAULTS, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(message)

    def test_a_fault_that_is_too_long_is_not_read(self, browser: httpx.Client) -> None:
        body = b" " * (BODY_BYTES_MAX + 1)
        assert browser.post(FAULTS, content=body, headers={"Content-Type": "application/json"}).status_code == 413
