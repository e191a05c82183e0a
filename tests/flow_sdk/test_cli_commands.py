"""Each command against an emulator: what it prints, and what it ends with."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner, Result

from flow_sdk.cli_commands import app
from platform_emulator import Emulator
from tests.support.platform import ANSWER, DEMO, ECHO, FAIL, PIPELINE, SLEEP

UNKNOWN = "8f022ca4-b146-5fca-9fd9-95bd62a4b26e"
Command: TypeAlias = Callable[..., Result]


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as platform:
        yield platform


@pytest.fixture
def command(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command with a good environment, or one that differs in these variables."""
    for name in ("ORG_ID", "WORKSPACE_ID", "RING_ID", "LIFECYCLE_EVENT", "PLATFORM_CLIENT_LOG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str | None = None, **env: str) -> Result:
        given = {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token} | env
        result = CliRunner().invoke(app, arguments, input=stdin, env=given, prog_name="platform-client")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert given["AUTH_TOKEN"] == "" or given["AUTH_TOKEN"] not in result.output
        return result

    return run


class TestRun:
    @pytest.mark.parametrize(("kind", "component"), [("code-block", ECHO), ("agent", ANSWER), ("workflow", PIPELINE)])
    def test_the_result_is_printed_and_nothing_else(self, kind: str, component: str, command: Command) -> None:
        ended = command("run", kind, component, "--input", '{"question": "why?"}')
        assert (ended.exit_code, ended.stderr) == (0, "")
        assert json.loads(ended.stdout) == {"question": "why?"}

    def test_inputs_come_from_standard_input_or_a_file(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "inputs.json").write_text('{"text": "é"}', encoding="utf-8")
        from_file = command("run", "code-block", ECHO, "-i", f"@{tmp_path / 'inputs.json'}")
        from_stdin = command("run", "code-block", ECHO, "-i", "-", stdin='{"text": "é"}')
        assert from_file.stdout == from_stdin.stdout == '{\n  "text": "é"\n}\n'

    def test_the_whole_record_is_printed_as_json(self, command: Command) -> None:
        ended = command("run", "code-block", ECHO, "--json")
        assert json.loads(ended.stdout)["status"] == "completed"

    def test_a_failed_execution_is_1_and_its_error_is_told(self, command: Command) -> None:
        ended = command("run", "code-block", FAIL, "-i", '{"message": "no such file"}')
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert ended.stderr.startswith("Error: COMPONENT_FAILED: no such file (GET /api/v1/executions/")
        assert ended.stderr.endswith("With --json, its whole record is printed.\n")
        assert len(ended.stderr.splitlines()) == 1

    def test_a_failed_execution_as_json_is_its_error_with_the_record(self, command: Command) -> None:
        ended = command("run", "code-block", FAIL, "-i", '{"message": "no such file"}', "--json")
        told = json.loads(ended.stdout)
        assert (ended.exit_code, told["error"], told["execution"]["status"]) == (1, "PlatformExecutionError", "failed")

    def test_a_deadline_on_the_platform_is_5(self, command: Command) -> None:
        ended = command("run", "code-block", SLEEP, "-i", '{"seconds": 60}', "--timeout", "0.1")
        assert (ended.exit_code, "give it a longer --timeout" in ended.stderr) == (5, True)

    def test_options_reach_the_platform(self, command: Command, platform: Emulator) -> None:
        options = ("--context", '{"org_id": "o-1"}', "--scope", "s", "--ring-id", "r-1", "--lifecycle-event", "test", "--timeout", "9")
        ended = command("run", "agent", ANSWER, "--execution-mode", "shared", "--poll-interval", "0.1", *options)
        assert ended.exit_code == 0
        submitted = [each for each in platform.requests if each.method == "POST"][-1]
        body = json.loads(submitted.body.content)
        assert body["context"] == {"org_id": "o-1"}
        assert (body["scope"], body["ring_id"], body["timeout_seconds"], body["execution_mode"]) == ("s", "r-1", 9, "shared")
        assert submitted.headers.get("X-Lifecycle-Event") == "test"

    def test_a_journal_can_be_replayed(self, command: Command, tmp_path: Path) -> None:
        file = str(tmp_path / "journal")
        assert command("run", "code-block", ECHO, "--journal", file).exit_code == 0
        replayed = command("replay", file)
        assert replayed.exit_code == 0
        assert replayed.stdout.endswith("of 1 run: each decided the same again\n")
        assert command("replay", f"{file}.none").exit_code == 2


class TestWatching:
    def test_a_run_is_submitted_looked_at_waited_for_and_cancelled(self, command: Command) -> None:
        short = command("submit", "code-block", SLEEP, "-i", '{"seconds": 0.2}').stdout.strip()
        assert json.loads(command("wait", short).stdout) == {"seconds": 0.2}
        assert command("status", short).stdout == "completed\n"
        assert command("cancel", short).stdout == "completed\n"
        for kind, component in (("code-block", SLEEP), ("agent", ANSWER), ("workflow", PIPELINE)):
            assert json.loads(command("submit", kind, component, "--json").stdout)["component_id"] == component

    def test_a_cancelled_execution_is_6_for_whoever_waits(self, command: Command) -> None:
        long = command("submit", "code-block", SLEEP, "-i", '{"seconds": 600}').stdout.strip()
        assert json.loads(command("cancel", long, "--json").stdout)["status"] == "cancelled"
        assert command("wait", long).exit_code == 6

    def test_our_own_deadline_is_5_and_says_how_to_go_on(self, command: Command) -> None:
        long = command("submit", "code-block", SLEEP, "-i", '{"seconds": 600}').stdout.strip()
        ended = command("wait", long, "--timeout", "0.2", "--poll-interval", "0.1")
        assert (ended.exit_code, ended.stdout) == (5, "")
        assert ended.stderr.endswith(f"It may still be running: platform-client wait {long}\n")
        command("cancel", long)

    def test_an_execution_that_is_not_there_is_4(self, command: Command) -> None:
        ended = command("status", UNKNOWN)
        assert (ended.exit_code, ended.stdout) == (4, "")
        assert ended.stderr.startswith("Error: 404 NOT_FOUND: ")


class TestRequest:
    def test_json_is_printed(self, command: Command) -> None:
        ended = command("request", "get", "/api/v1/tenants/orgs")
        assert json.loads(ended.stdout)[0]["name"] == "Emulated organization"

    def test_a_body_parameters_and_headers_are_sent(self, command: Command, platform: Emulator) -> None:
        path = f"/api/v1/code-blocks/{ECHO}/executions"
        ended = command("request", "POST", path, "-i", '{"input_parameters": {}}', "-p", "a=1", "-p", "a=2", "-H", "X-Mine: yes")
        assert json.loads(ended.stdout)["component_id"] == ECHO
        sent = platform.requests[-1]
        assert sent.target.endswith("?a=1&a=2")
        assert sent.headers.get("X-Mine") == "yes"

    def test_bytes_are_printed_as_they_are_and_written_to_a_file(self, command: Command, tmp_path: Path) -> None:
        path = "/api/v1/orgs/0a6a0000-0000-4000-8000-000000000001/storage/objects/note"
        file = tmp_path / "note"
        assert command("request", "PUT", path, "--content", "héllo\n", "-H", "Content-Type: text/plain").exit_code == 0
        assert command("request", "GET", path).stdout_bytes == "héllo\n".encode()
        assert command("request", "GET", path, "-o", str(file)).stdout == ""
        assert file.read_bytes() == "héllo\n".encode()
        refused = command("request", "GET", path, "-o", str(tmp_path))
        assert (refused.exit_code, "Is a directory" in refused.stderr) == (2, True)

    @pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 3), (404, 4), (409, 9), (422, 9), (500, 1)], ids=str)
    def test_each_status_has_its_exit_code(self, status: int, code: int, command: Command, platform: Emulator) -> None:
        platform.inject({"kind": "status", "status": status})
        ended = command("request", "GET", "/api/v1/tenants/orgs", "--json")
        assert (ended.exit_code, json.loads(ended.stdout)["status_code"]) == (code, status)

    def test_no_answer_is_7(self, command: Command) -> None:
        ended = command("request", "GET", "/api/v1/tenants/orgs", PLATFORM_API_URL="http://127.0.0.1:9")
        assert (ended.exit_code, "ECONNREFUSED" in ended.stderr) == (7, True)


def test_skills_are_printed(command: Command) -> None:
    assert json.loads(command("skills", DEMO, "--version", "2").stdout)["endpoints"]
    ended = command("skills", UNKNOWN)
    assert (ended.exit_code, ended.stdout) == (4, "")


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "fault"),
        [
            (["run", "code-block", ECHO, "-i", "{"], "must be strict JSON"),
            (["run", "code-block", ECHO, "-i", "[]"], "input_parameters must be a mapping"),
            (["run", "code-block", "..", "-i", "{}"], "code_block_id must not be"),
            (["run", "code-block", ECHO, "--timeout", "-1"], "timeout_seconds must be a positive"),
            (["run", "code-block", ECHO, "--execution-mode", "shared"], "only an agent has one"),
            (["run", "block", ECHO], "'code-block', 'agent', 'workflow'"),
            (["request", "FETCH", "/api/v1/x"], "method must be"),
            (["request", "GET", "https://elsewhere.test/"], "path must begin with one /"),
            (["request", "GET", "/api/v1/x", "-H", "Authorization: Bearer x"], "must not have Authorization"),
            (["unheard-of"], "No such command 'unheard-of'. Try: platform-client --help"),
            (["rum"], "Did you mean 'run'? Try: platform-client --help"),
            (["run"], "Missing argument 'KIND'. Choose from: code-block, agent, workflow. Try: platform-client run --help"),
            (["run", "--no\x1b[31m\u202e"], "No such option: --no"),
            (["eyJhbGciOi.eyJzdWIiOi.c2ln"], "<cut>"),
            (["replay", "/none"], "cannot replay /none: No such file or directory"),
        ],
    )
    def test_wrong_usage_is_2_and_names_what_is_wrong(self, arguments: list[str], fault: str, command: Command) -> None:
        ended = command(*arguments)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert ended.stderr.startswith("Error: ")
        assert fault in ended.stderr
        assert ended.stderr[:-1].isprintable(), "one line, and nothing that steers a terminal"

    def test_without_a_command_the_help_is_shown(self, command: Command) -> None:
        ended = command()
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert "Commands:\n  run " in ended.stderr

    @pytest.mark.parametrize("variable", ["PLATFORM_API_URL", "AUTH_TOKEN"])
    def test_a_missing_variable_is_2_and_named(self, variable: str, command: Command) -> None:
        ended = command("request", "GET", "/api/v1/tenants/orgs", **{variable: ""})
        assert (ended.exit_code, variable in ended.stderr) == (2, True)

    def test_a_token_that_cannot_be_one_is_refused_without_being_shown(self, command: Command) -> None:
        ended = command("request", "GET", "/api/v1/tenants/orgs", AUTH_TOKEN="a secret")
        assert (ended.exit_code, "secret" in ended.output) == (2, False)
