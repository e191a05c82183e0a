import contextlib
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from platform_emulator import cli, component_id_of
from platform_emulator.components import catalogue
from platform_emulator.tokens import Tokens
from tests.platform_emulator.own_components import double
from tests.platform_emulator.support import IDS, attempts, forget_modules
from tests.support.patience import HANG_SECONDS

MODULE = "tests.platform_emulator.own_components"
COMMAND = [sys.executable, "-W", "error", "-m", "platform_emulator"]


def started(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def exported(process: "subprocess.Popen[str]") -> dict[str, str]:
    """What a shell that evaluates the first two lines would know afterwards."""
    assert process.stdout is not None
    lines = [shlex.split(process.stdout.readline()) for _ in range(2)]
    assert [line[0] for line in lines] == ["export", "export"]
    return dict(line[1].split("=", 1) for line in lines)


def orgs_status(environment: dict[str, str], token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token or environment['AUTH_TOKEN']}"}
    return httpx.get(f"{environment['PLATFORM_API_URL']}/api/v1/tenants/orgs", headers=headers, trust_env=False).status_code


def submit(environment: dict[str, str]) -> None:
    url = f"{environment['PLATFORM_API_URL']}/api/v1/code-blocks/{IDS['echo']}/executions"
    httpx.post(url, json={}, headers={"Authorization": f"Bearer {environment['AUTH_TOKEN']}"}, trust_env=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_two_lines_and_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    with started() as process:
        environment = exported(process)
        assert list(environment) == ["PLATFORM_API_URL", "AUTH_TOKEN"]
        assert orgs_status(environment) == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_server_that_dies_ends_it_with_1_and_how_that_came() -> None:
    program = """
import sys
from platform_emulator import cli, server
async def dying(workers):
    await workers._changed.wait()  # for the first submission
    1 / 0
server.Workers.run = dying
sys.exit(cli.main([]))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        environment = exported(process)
        try:
            with contextlib.suppress(httpx.TransportError):
                submit(environment)
            rest, errors = process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()
    assert (process.returncode, rest) == (1, "")
    assert "ZeroDivisionError: division by zero" in errors
    assert errors.endswith("RuntimeError: the emulator's server ended by a fault of its own\n")


def test_key_and_faults_are_taken_from_the_command_line(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "status", "status": 503}]')
    with started("--key", "mine", "--faults", str(faults)) as process:
        environment = exported(process)
        statuses = [orgs_status(environment), orgs_status(environment), orgs_status(environment, Tokens("mine").new())]
        process.terminate()
        process.communicate(timeout=HANG_SECONDS)
    assert statuses == [503, 200, 200]


def test_the_list_is_json_and_nothing_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list"]) == 0
    assert json.loads(capsys.readouterr().out) == catalogue()


def test_components_of_ones_own_are_listed_after_the_built_in_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--components", MODULE, "--list"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed["code_blocks"])[:4] == ["echo", "sleep", "fail", "double"]
    assert listed["code_blocks"]["by_another_name"] == "c0de0000-0000-4000-8000-00000000abcd"
    assert listed["workflows"]["plan"]


def test_components_of_ones_own_run_and_what_they_print_stays_out_of_the_two_lines() -> None:
    with started("--components", MODULE) as process:
        environment = exported(process)
        with httpx.Client(
            base_url=environment["PLATFORM_API_URL"], headers={"Authorization": f"Bearer {environment['AUTH_TOKEN']}"}, trust_env=False
        ) as client:
            body = {"input_parameters": {"n": 21}}
            record = client.post(f"/api/v1/code-blocks/{component_id_of(double)}/executions", json=body).json()
            for _ in attempts():
                if record["status"] not in ("pending", "running"):
                    break
                record = client.get(f"/api/v1/executions/{record['execution_id']}").json()
        process.terminate()
        rest, errors = process.communicate(timeout=HANG_SECONDS)
    assert (record["status"], record["result"]) == ("completed", {"n": 42})
    assert (rest, errors.count("printed at import"), errors.count("printed in a run")) == ("", 2, 1)


@pytest.mark.parametrize("module", ["tests.platform_emulator.nothing", "json", "tests.platform_emulator.support"])
def test_a_module_without_components_is_refused(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--components", module])
    assert ended.value.code == 2
    assert f"--components {module}: " in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1" * 5000, "٣"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--port", port])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err


@pytest.fixture
def _handlers_restored() -> Iterator[None]:
    kept = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers_restored")
@pytest.mark.parametrize(("text", "message"), [("{}", "faults must be a JSON list"), (None, "cannot read")])
def test_a_faults_file_that_is_none_is_refused(tmp_path: Path, text: str | None, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    faults = tmp_path / "faults.json"
    if text is not None:
        faults.write_text(text)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--faults", str(faults)])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("_handlers_restored")
def test_an_address_that_cannot_be_had_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--host", "192.0.2.1"])  # TEST-NET-1, RFC 5737
    assert ended.value.code == 1
    assert "cannot serve on 192.0.2.1 port 0" in capsys.readouterr().err


@pytest.mark.usefixtures("_handlers_restored")
def test_a_database_that_is_none_ends_with_1_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text"
    file.write_text("a text")
    with pytest.raises(SystemExit) as ended:
        cli.main(["--database", str(file)])
    assert ended.value.code == 1
    assert f"--database: {file} is not a database" in capsys.readouterr().err


@pytest.mark.usefixtures("_handlers_restored")
def test_without_the_extra_it_ends_with_1_and_names_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    forget_modules(monkeypatch, "uvicorn", keep="cli")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 1
    assert "platform-client[emulator]" in capsys.readouterr().err
