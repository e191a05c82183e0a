import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from platform_emulator import Emulator, component_id_of
from platform_emulator.components import DATASETS, ORG_ID, OTHER_ORG_ID, WORKSPACE_ID
from platform_emulator.credentials import DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD
from platform_emulator.faults import VARIANTS
from tests.platform_emulator.own_components import helper
from tests.platform_emulator.support import IDS, attempts
from tests.support.patience import HANG_SECONDS

ECHO = f"/api/v1/code-blocks/{IDS['echo']}/executions"
SLEEP = f"/api/v1/code-blocks/{IDS['sleep']}/executions"
EXECUTE = f"/api/v1/agents/{IDS['answer']}/execute"
HELPER = f"/api/v1/agents/{component_id_of(helper)}/execute"
ORGS = "/api/v1/tenants/orgs"


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with Emulator(components=[helper]) as emulator:
        yield emulator


@pytest.fixture
def platform(shared: Emulator) -> Emulator:
    assert shared._service._plan.faults == (), "a test has left a fault behind"  # pyright: ignore[reportPrivateUsage]
    return shared


@pytest.fixture
def client(platform: Emulator) -> Iterator[httpx.Client]:
    with client_of(platform, {"Authorization": f"Bearer {platform.token}"}) as made:
        yield made


def client_of(platform: Emulator, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=platform.url, headers=headers, timeout=HANG_SECONDS, trust_env=False)


def test_bytes_go_in_and_come_out_with_their_content_type(client: httpx.Client) -> None:
    path, content = f"/api/v1/orgs/{ORG_ID}/storage/objects/my%2Ffile%20%C3%A9.pdf", bytes(range(256)) * 4096
    assert client.put(path, content=content, headers={"Content-Type": "application/pdf"}).json()["name"] == "my/file é.pdf"
    response = client.get(path)
    assert (response.content, response.headers["Content-Type"]) == (content, "application/pdf")
    head = client.head(path)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(content)))


def test_rows_and_models_are_there_over_http(client: httpx.Client) -> None:
    path = f"/api/v1/orgs/{ORG_ID}/workspaces/{WORKSPACE_ID}/datasets/{DATASETS['people']}/query"
    rows = client.post(path, json={"fields": ["name", "email"], "limit": 50}).json()["items"]
    assert {tuple(each) for each in rows} == {("name", "email")}
    assert client.get("/api/v1/gateway/v1/models", params={"scope": "organization"}).json()["items"]


def test_an_organization_of_others_is_403_until_a_token_opens_it(client: httpx.Client, platform: Emulator) -> None:
    path = f"/api/v1/orgs/{OTHER_ORG_ID}/storage/objects/a"
    refused = client.put(path, content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    opened: dict[str, str] = {"Authorization": f"Bearer {platform.new_token(org_ids=[OTHER_ORG_ID])}"}
    assert client.put(path, content=b"x", headers=opened).status_code == 201
    assert [each["id"] for each in client.get(ORGS, headers=opened).json()] == [OTHER_ORG_ID]
    assert client.get(path, headers={"X-API-Key": platform.new_api_key(org_ids=[OTHER_ORG_ID])}).content == b"x"


def test_a_submission_in_a_context_of_others_is_403(client: httpx.Client, platform: Emulator) -> None:
    before = len(platform.executions)
    assert client.post(ECHO, json={"context": {"org_id": OTHER_ORG_ID}}).status_code == 403
    assert len(platform.executions) == before
    assert client.post(ECHO, json={"context": {"org_id": ORG_ID}}).status_code == 202


@pytest.mark.parametrize("credentials", ["login", "api_key", "new_api_key"])
def test_each_credential_opens_the_platform(platform: Emulator, credentials: str) -> None:
    if credentials == "login":
        body = {"email": DEVELOPMENT_EMAIL, "password": DEVELOPMENT_PASSWORD}
        token = httpx.post(f"{platform.url}/api/v1/auth/login", json=body, trust_env=False).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
    else:
        headers = {"X-API-Key": platform.api_key if credentials == "api_key" else platform.new_api_key()}
    with client_of(platform, headers) as own:
        assert own.get(ORGS).status_code == 200


def test_a_wrong_password_is_401_with_the_request_id(platform: Emulator) -> None:
    body = {"email": DEVELOPMENT_EMAIL, "password": "guess"}
    response = httpx.post(f"{platform.url}/api/v1/auth/login", json=body, headers={"X-Request-ID": "r-1"}, trust_env=False)
    assert (response.status_code, response.json()["code"], response.headers["X-Request-ID"]) == (401, "UNAUTHENTICATED", "r-1")
    assert platform.requests[-1].body.content == b""


def test_an_agent_is_answered_when_it_is_done(client: httpx.Client) -> None:
    response = client.post(EXECUTE, json={"input_data": {"q": 1}}, headers={"Idempotency-Key": "execute", "X-Request-ID": "r-1"})
    record = response.json()
    assert (response.status_code, record["status"], record["result"]) == (200, "completed", {"q": 1})
    assert response.headers["X-Request-ID"] == "r-1"
    again = client.post(EXECUTE, json={"input_data": {"q": 1}}, headers={"Idempotency-Key": "execute"})
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (200, record, "true")


def test_an_agent_of_ones_own_is_answered_when_its_process_is_done(client: httpx.Client) -> None:
    assert client.post(HELPER, json={"input_data": {"q": 1}}).json()["result"] == {"answer": {"q": 1}}


def test_a_submission_that_is_refused_is_not_waited_for(client: httpx.Client) -> None:
    assert client.post(EXECUTE, json={"input_data": 1}).status_code == 422


@pytest.fixture
def _slow_worker(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.runner.PROCESSES_MAX", 0)


@pytest.mark.usefixtures("_slow_worker")
def test_a_client_that_closes_ends_its_waiting_and_not_the_run(client: httpx.Client, platform: Emulator) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.post(HELPER, json={"input_data": {}}, timeout=0.1)
    server = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
    for _ in attempts():
        if not server.tasks:
            break
    execution = platform.executions[-1]
    assert execution.status == "pending"
    assert client.post(f"/api/v1/executions/{execution.execution_id}/cancel").json()["status"] == "cancelled"


@pytest.mark.usefixtures("_slow_worker")
def test_a_cancel_by_another_ends_the_waiting_with_its_record(client: httpx.Client, platform: Emulator) -> None:
    before = len(platform.executions)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, HELPER, json={"input_data": {}})
        for _ in attempts():
            if len(platform.executions) > before:
                break
        with client_of(platform, {"X-API-Key": platform.api_key}) as other:
            other.post(f"/api/v1/executions/{platform.executions[-1].execution_id}/cancel")
        assert waiting.result(HANG_SECONDS).json()["status"] == "cancelled"


@pytest.mark.usefixtures("_slow_worker")
def test_the_server_stops_although_an_agent_is_waited_for() -> None:
    with (
        Emulator(components=[helper]) as own,
        socket.create_connection((httpx.URL(own.url).host, httpx.URL(own.url).port or 80)) as waiting,
    ):
        head = (
            f"POST {HELPER} HTTP/1.1\r\nHost: x\r\nX-API-Key: {own.api_key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        )
        waiting.sendall(head.encode() + b"{}")
        for _ in attempts():
            if own.executions:
                break


def test_too_many_requests_are_429_with_a_time_to_come_back() -> None:
    with Emulator(requests_per_second=0.01) as own, client_of(own, {"Authorization": f"Bearer {own.token}"}) as limited:
        assert limited.get(ORGS).status_code == 200
        refused = limited.get(ORGS)
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
        assert 90 <= int(refused.headers["Retry-After"]) <= 100
        assert limited.get(ORGS, headers={"Authorization": f"Bearer {own.new_token()}"}).status_code == 200


def test_a_sleep_shows_its_progress(client: httpx.Client) -> None:
    execution_id = client.post(SLEEP, json={"input_parameters": {"seconds": 60}}).json()["execution_id"]
    record: dict[str, Any] = {}
    for _ in attempts():
        record = client.get(f"/api/v1/executions/{execution_id}").json()
        if record["status"] == "running":
            break
    assert 0 <= record["progress"] <= 1
    client.post(f"/api/v1/executions/{execution_id}/cancel")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_truncated_answer_is_cut_after_its_effect(client: httpx.Client, platform: Emulator, framing: str) -> None:
    before = len(platform.executions)
    platform.inject({"kind": "truncated", "framing": framing, "method": "POST"})
    with pytest.raises(httpx.RemoteProtocolError, match=r"closed connection without|without sending complete"):
        client.post(ECHO, json={})
    assert len(platform.executions) == before + 1
    assert client.get(ORGS).status_code == 200


def test_an_error_page_of_a_proxy_has_no_effect(client: httpx.Client, platform: Emulator) -> None:
    before = len(platform.executions)
    platform.inject({"kind": "html", "status": 504})
    response = client.post(ECHO, json={})
    assert (response.status_code, response.headers["Content-Type"]) == (504, "text/html")
    assert response.text.startswith("<!DOCTYPE html>")
    assert len(platform.executions) == before


def test_a_trickle_is_slow_and_whole(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "trickle", "interval_seconds": 0.0005})
    began_at = time.monotonic()
    assert client.get(ORGS).json()[0]["id"] == ORG_ID
    assert time.monotonic() - began_at > 0.05


def test_a_trickle_ends_when_nobody_reads_it_any_more(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "trickle", "interval_seconds": 0.2})
    with pytest.raises(httpx.ReadTimeout):
        client.get(ORGS, timeout=httpx.Timeout(10, read=0.001))
    server = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
    for _ in attempts():
        if not server.tasks:
            break
    assert client.get(ORGS).status_code == 200


@pytest.mark.parametrize("variant", VARIANTS)
def test_malformed_json_comes_with_the_status_and_type_of_the_answer(client: httpx.Client, platform: Emulator, variant: str) -> None:
    platform.inject({"kind": "malformed_json", "variant": variant})
    response = client.get(ORGS)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.content != client.get(ORGS).content


def test_a_status_from_the_past_comes_as_often_as_it_says(client: httpx.Client, platform: Emulator) -> None:
    record = client.post(EXECUTE, json={}).json()
    platform.inject({"kind": "stale_status", "status": "running"})
    platform.inject({"kind": "stale_status", "status": "pending", "times": 2})
    seen = [client.get(f"/api/v1/executions/{record['execution_id']}").json() for _ in range(4)]
    assert [each["status"] for each in seen] == ["running", "pending", "pending", "completed"]
    assert [each["finished_at"] for each in seen[:3]] == [None, None, None]
    assert seen[3] == record


def test_a_body_that_does_not_come_is_408(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.application.BODY_SECONDS_MAX", 0.05)
    url = httpx.URL(platform.url)
    with socket.create_connection((url.host, url.port or 80), timeout=HANG_SECONDS) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12")
        received = b""
        while not received.endswith(b"}"):
            part = connection.recv(10_000)
            assert part, received
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "REQUEST_TIMEOUT"
