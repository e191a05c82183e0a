import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from platform_core.limits import DEFAULT_LIMITS
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_emulator.server import KEEP_ALIVE_SECONDS
from tests.platform_emulator.support import IDS, attempts
from tests.support.patience import HANG_SECONDS

ECHO = f"/api/v1/code-blocks/{IDS['echo']}/executions"
SLEEP = f"/api/v1/code-blocks/{IDS['sleep']}/executions"
ORGS = "/api/v1/tenants/orgs"
TERMINAL = {"completed", "failed", "timeout", "cancelled"}


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(platform: Emulator) -> Iterator[httpx.Client]:
    with client_of(platform) as made:
        yield made


def client_of(platform: Emulator, token: str | None = None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token or platform.token}"}
    return httpx.Client(base_url=platform.url, headers=headers, timeout=HANG_SECONDS, trust_env=False)


def statuses_until_the_end(client: httpx.Client, path: str, body: object) -> list[str]:
    record = client.post(path, json=body).json()
    seen = [record["status"]]
    for _ in attempts():
        if seen[-1] in TERMINAL:
            break
        seen.append(client.get(f"/api/v1/executions/{record['execution_id']}").json()["status"])
    return seen


@pytest.mark.parametrize(
    ("name", "body", "end"),
    [
        ("echo", {"input_parameters": {"a": 1}}, "completed"),
        ("sleep", {"input_parameters": {"seconds": 0.05}}, "completed"),
        ("sleep", {"input_parameters": {"seconds": 60}, "timeout_seconds": 0.05}, "timeout"),
        ("fail", {"input_parameters": {"message": "no"}}, "failed"),
        ("answer", {"input_data": {"q": 1}}, "completed"),
        ("pipeline", {"input_data": {"q": 1}}, "completed"),
    ],
)
def test_each_component_runs_to_its_end(client: httpx.Client, name: str, body: object, end: str) -> None:
    component = next(each for each in COMPONENTS if each.name == name)
    folder = {"code_block": "code-blocks", "agent": "agents", "workflow": "workflows"}[component.kind]
    seen = statuses_until_the_end(client, f"/api/v1/{folder}/{component.component_id}/executions", body)
    assert (seen[0], seen[-1]) == ("pending", end)


def test_a_cancel_ends_a_running_one_at_once(client: httpx.Client, platform: Emulator) -> None:
    record = client.post(SLEEP, json={"input_parameters": {"seconds": 60}}).json()
    cancelled = client.post(f"/api/v1/executions/{record['execution_id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert [each.status for each in platform.executions] == ["cancelled"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"X-API-Key": "fl_key"}])
def test_without_a_token_a_request_is_401_and_has_no_effect(platform: Emulator, headers: dict[str, str]) -> None:
    response = httpx.post(platform.url + ECHO, json={}, headers={**headers, "X-Request-ID": "r-1"}, trust_env=False)
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["X-Request-ID"] == "r-1"
    assert platform.executions == ()


def test_target_headers_and_body_arrive_as_they_were_sent(client: httpx.Client, platform: Emulator) -> None:
    client.put("/api/v1/a%2Fb%20c?x=%C3%A9&y=", content=b"\x00\xff", headers={"X-Thing": "1"})
    (received,) = platform.requests
    assert (received.method, received.target, received.body.content) == ("PUT", "/api/v1/a%2Fb%20c?x=%C3%A9&y=", b"\x00\xff")
    assert received.headers.get("X-Thing") == "1"
    assert "Authorization" not in received.headers


def test_a_head_has_the_status_of_a_get_and_no_body(client: httpx.Client) -> None:
    response = client.head(ORGS)
    assert (response.status_code, response.content) == (200, b"")
    assert client.get(ORGS).status_code == 200


def test_a_body_that_is_too_large_is_413(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.application.BODY_BYTES_MAX", 1000)
    response = client.post(ECHO, content=b"x" * 1001, headers={"X-Request-ID": "r-1"})
    assert (response.status_code, response.json()["code"], response.headers["X-Request-ID"]) == (413, "TOO_LARGE", "r-1")


def test_a_status_fault_is_answered_as_often_as_it_says_and_the_effect_stays_out(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "status", "status": 503, "retry_after": 2, "times": 2, "method": "POST"})
    answers = [client.post(ECHO, json={}, headers={"X-Request-ID": "r-1"}) for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 202]
    assert (answers[0].headers["Retry-After"], answers[0].headers["X-Request-ID"]) == ("2", "r-1")
    assert answers[0].json()["code"] == "EMULATED_FAULT"
    assert len(platform.executions) == 1


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_leaves_the_connection_usable(client: httpx.Client, platform: Emulator, status: int) -> None:
    platform.inject({"kind": "status", "status": status, "body": "never sent"})
    assert (client.get(ORGS).status_code, client.get(ORGS).status_code) == (status, 200)


@pytest.mark.parametrize(("kind", "started"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_request_has_no_answer_and_its_effect_or_none(
    client: httpx.Client, platform: Emulator, caplog: pytest.LogCaptureFixture, kind: str, started: int
) -> None:
    assert client.get(ORGS).status_code == 200
    platform.inject({"kind": kind})
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(ECHO, json={})
    assert len(platform.executions) == started
    assert client.get(ORGS).status_code == 200
    assert [each.message for each in caplog.records if each.name.startswith("uvicorn")] == []


def test_a_drop_closes_the_tcp_connection_without_a_byte(platform: Emulator) -> None:
    platform.inject({"kind": "drop_before"})
    url = httpx.URL(platform.url)
    with socket.create_connection((url.host, url.port), timeout=HANG_SECONDS) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100) == b""


def test_a_delayed_request_takes_its_course_afterwards(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "delay", "seconds": 0.05})
    response = client.post(ECHO, json={})
    assert response.status_code == 202
    assert response.elapsed.total_seconds() >= 0.05


def test_a_delayed_request_takes_effect_after_its_client_has_gone(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "delay", "seconds": 0.1})
    with pytest.raises(httpx.ReadTimeout):
        client.post(ECHO, json={}, timeout=0.02)
    for _ in attempts():
        if platform.executions:
            break
    assert len(platform.executions) == 1


def test_after_an_injected_401_only_a_new_token_is_accepted(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "unauthorized"})
    with client_of(platform, platform.new_token()) as renewed:
        assert [each.get(ORGS).status_code for each in (client, client, renewed, client)] == [401, 401, 200, 401]


def test_the_connection_stays_open_longer_than_clients_keep_it() -> None:
    assert DEFAULT_LIMITS.idle_seconds_max < KEEP_ALIVE_SECONDS


def test_answers_are_not_held_back_by_nagles_algorithm(client: httpx.Client, platform: Emulator) -> None:
    client.get(ORGS)
    (connection,) = platform._server.server_state.connections  # pyright: ignore[reportPrivateUsage]
    served: socket.socket = connection.transport.get_extra_info("socket")
    assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_workers_are_told_of_a_submission_and_need_no_further_request(client: httpx.Client, platform: Emulator) -> None:
    assert client.post(ECHO, json={}).status_code == 202
    service = platform._service  # pyright: ignore[reportPrivateUsage] -- whoever looks from outside brings the schedule up to date
    for _ in attempts():
        if service.due() is None:
            break


def test_the_date_of_answers_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.server.DATE_SECONDS", 0.001)
    with Emulator() as platform:
        state = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
        state.default_headers = []
        for _ in attempts():
            if [name for name, _ in state.default_headers] == [b"date", b"server"]:
                break


def test_many_threads_submit_with_one_key_and_one_execution_starts(platform: Emulator) -> None:
    def submit(_: int) -> str:
        with client_of(platform) as own:
            return json.dumps(own.post(ECHO, json={}, headers={"Idempotency-Key": "k"}).json()["execution_id"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(submit, range(16)))) == 1
    assert len(platform.executions) == 1
