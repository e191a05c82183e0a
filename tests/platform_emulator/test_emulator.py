import importlib
import socket
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from platform_emulator import DatabaseError, Emulator, Fault
from platform_emulator.components import ORG_ID
from platform_emulator.database import Database
from platform_emulator.faults import Status
from platform_emulator.model import Behaviour
from platform_emulator.tokens import DEVELOPMENT_KEY, Tokens
from tests.platform_emulator.support import IDS, attempts, forget_modules
from tests.support.patience import HANG_SECONDS

ECHO = f"/api/v1/code-blocks/{IDS['echo']}/executions"


def post(platform: Emulator) -> httpx.Response:
    headers = {"Authorization": f"Bearer {platform.token}"}
    return httpx.post(platform.url + ECHO, json={}, headers=headers, trust_env=False)


def address(platform: Emulator) -> tuple[str, int]:
    url = httpx.URL(platform.url)
    return url.host, url.port or 80


def test_it_serves_on_a_free_loopback_port_until_it_is_left() -> None:
    before = threading.active_count()
    with Emulator() as platform:
        assert platform.url.startswith("http://127.0.0.1:")
        assert post(platform).status_code == 202
        where = address(platform)
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)


def test_it_stops_although_a_client_holds_connections_in_every_stage() -> None:
    with Emulator(faults=[{"kind": "delay", "seconds": 60, "path": "/slow"}]) as platform:
        idle, half, slow = (socket.create_connection(address(platform), timeout=HANG_SECONDS) for _ in range(3))
        half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12")
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in attempts():
            if any(each.target == "/slow" for each in platform.requests):
                break
    for connection in (idle, half, slow):
        with connection:
            assert connection.recv(1) == b""


def test_two_serve_side_by_side() -> None:
    with Emulator() as one, Emulator() as other:
        assert one.url != other.url
        assert post(one).status_code == 202
        assert (len(one.executions), len(other.executions)) == (1, 0)


def test_it_serves_again_on_the_port_that_it_had() -> None:
    with Emulator() as first:
        post(first)
        port = address(first)[1]
    with Emulator(port=port) as second:
        assert post(second).status_code == 202


def test_a_port_that_is_taken_is_an_error_of_whoever_enters() -> None:
    with Emulator() as first, pytest.raises(OSError, match="in use"), Emulator(port=address(first)[1]):
        pass


def test_it_serves_on_ipv6() -> None:
    if not has_ipv6():
        with pytest.raises(OSError), Emulator(host="::1"):  # noqa: PT011 -- each system words it its own way
            pass
        return
    with Emulator(host="::1") as platform:
        assert platform.url.startswith("http://[::1]:")
        assert post(platform).status_code == 202


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_where_it_serves_everywhere_its_url_is_that_of_this_machine() -> None:
    with Emulator(host="0.0.0.0") as platform:
        assert platform.url.startswith("http://127.0.0.1:")


def test_it_serves_once() -> None:
    with Emulator() as platform:
        pass
    with pytest.raises(RuntimeError, match="serves once"), platform:
        pass


def test_before_it_is_entered_it_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="before it is entered"):
        _ = Emulator().url


def test_the_same_seed_gives_the_same_ids_and_no_seed_gives_others() -> None:
    ids = list[str]()
    for seed in (UUID(int=1), UUID(int=1), None, None):
        with Emulator(seed=seed) as platform:
            ids.append(post(platform).json()["execution_id"])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_tokens_of_its_key_are_accepted_and_others_not() -> None:
    with Emulator(key="mine") as platform:
        for token, status in [
            (Tokens("mine").new(), 200),
            (platform.new_token(), 200),
            (Tokens().new(), 401),
            (platform.new_token(-60), 401),
        ]:
            headers = {"Authorization": f"Bearer {token}"}
            assert httpx.get(f"{platform.url}/api/v1/tenants/orgs", headers=headers, trust_env=False).status_code == status


def test_faults_and_behaviour_may_be_there_from_the_start() -> None:
    with Emulator(faults=[Fault(Status(503))], behaviour=Behaviour(pending_seconds=float("inf"))) as platform:
        assert [post(platform).status_code for _ in range(2)] == [503, 202]
        assert [each.status for each in platform.executions] == ["pending"]


@pytest.mark.parametrize("fault", [7, {"kind": "flood"}])
def test_a_fault_that_makes_no_sense_is_refused(fault: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"a fault must be|kind must be"):
        Emulator().inject(fault)


def test_a_server_that_dies_tells_whoever_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("platform_emulator.server.Workers.run", broken)
    with pytest.raises(RuntimeError, match="ended by a fault of its own"), Emulator():
        pass


@pytest.mark.parametrize("missing", ["jwt", "starlette", "uvicorn"])
def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    forget_modules(monkeypatch, missing)
    monkeypatch.setattr(sys, "meta_path", [Without(missing), *sys.meta_path])
    with pytest.raises(ImportError, match=rf"needs {missing}: install platform-client\[emulator\]"):
        importlib.import_module("platform_emulator.emulator")


class Without:
    """An import system in which one package is not installed."""

    def __init__(self, missing: str) -> None:
        self.missing = missing

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.missing:
            raise ModuleNotFoundError(name=name)


def ask(platform: Emulator, method: str, path: str, **headers: str) -> httpx.Response:
    content = b"{}" if method == "POST" else None
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.request(method, platform.url + path, content=content, headers=sent, trust_env=False)


def test_with_a_database_the_next_one_goes_on_with_tokens_keys_executions_and_objects(tmp_path: Path) -> None:
    file = tmp_path / "platform"
    stored = f"/api/v1/orgs/{ORG_ID}/storage/objects/a"
    with Emulator(database=file) as first:
        token = f"Bearer {first.token}"
        key = first.new_api_key()
        record = ask(first, "POST", ECHO, Authorization=token, Idempotency_Key="k").json()
        assert ask(first, "PUT", stored, X_API_Key=key).status_code == 201
        for _ in attempts():
            if first.executions[0].status == "completed":
                break
    with Emulator(database=file) as second:
        again = ask(second, "POST", ECHO, X_API_Key=key, Idempotency_Key="k")
        assert (again.json()["execution_id"], again.headers["Idempotency-Replayed"]) == (record["execution_id"], "true")
        assert ask(second, "GET", stored, Authorization=token).status_code == 200
        other = ask(second, "POST", ECHO, Authorization=token, Idempotency_Key="l")
        assert other.json()["execution_id"] != record["execution_id"]
    assert [each.idempotency_key for each in second.executions] == ["k", "l"]
    content = file.read_bytes()
    assert [secret in content for secret in (first.token.encode(), key.encode(), DEVELOPMENT_KEY.encode())] == [False] * 3


def test_a_database_is_given_back_however_the_emulator_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "platform"
    with Emulator(database=file) as first:
        with pytest.raises(DatabaseError, match="in use by another emulator"):
            Emulator(database=file)
        without_port = Emulator(port=address(first)[1], database=tmp_path / "other")
        with pytest.raises(OSError, match="in use"):
            without_port.__enter__()
        Database(tmp_path / "other").close()
    with pytest.raises(ValueError, match="seed"):
        Emulator(database=file, seed=UUID(int=1))
    monkeypatch.setattr("platform_emulator.server.Workers.run", None)
    without_server = Emulator(database=file)
    with pytest.raises(RuntimeError, match="ended by a fault of its own"), without_server:
        pass
    Database(file).close()


def test_without_sqlite_only_a_database_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "platform_emulator.database", raising=False)
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    Emulator()
    with pytest.raises(ImportError, match="sqlite3"):
        Emulator(database=tmp_path / "platform")
