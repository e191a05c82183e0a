"""The command in processes of its own: on a terminal, interrupted, without its extra, in a shell that completes."""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.version import VERSION
from platform_emulator import Emulator
from tests.support.platform import ECHO, SLEEP
from tests.support.terminal import COLUMNS, ROOT, SECONDS_MAX, Terminal

COMMAND = [sys.executable, "-W", "error", "-c", "import sys; from flow_sdk.cli import main; sys.exit(main())"]
FOR_LONG = [*COMMAND, "run", "code-block", SLEEP, "-i", '{"seconds": 3600}']


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with Emulator() as platform:
        yield platform


@pytest.fixture
def env(platform: Emulator) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "PLATFORM_CLIENT_LOG"}}
    return kept | {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token}


def ended(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


class TestOnATerminal:
    def test_states_a_bar_and_the_result_are_shown(self, env: dict[str, str]) -> None:
        with Terminal([*COMMAND, "run", "code-block", SLEEP, "-i", '{"seconds": 1.5}'], env=env) as terminal:
            assert terminal.end() == 0
        assert any("> running" in frame and "%" in frame and "━" in frame for frame in terminal.frames)
        title, execution, *states, result = terminal.screen().split("\n", 6)
        assert (title, execution.split()[0]) == (f"code block {SLEEP}", "execution")
        assert [state.split()[0] for state in states] == ["submitting", "pending", "running", "completed"]
        assert len({state.index(" s", 20) for state in states}) == 1, "the durations are aligned"
        assert result == '{\n  "seconds": 1.5\n}'
        assert all(len(line) <= COLUMNS for frame in terminal.frames for line in frame.splitlines())

    def test_an_interrupt_cancels_and_says_what_became_of_the_run(self, env: dict[str, str], platform: Emulator) -> None:
        with Terminal(FOR_LONG, env=env) as terminal:
            terminal.wait_for("> running")
            terminal.send(signal.SIGINT)
            assert terminal.end() == 130
        (execution,) = platform.executions
        assert execution.status is ExecutionStatus.CANCELLED
        shown = " ".join(terminal.screen().split())
        assert shown.endswith(f"Interrupted: execution {execution.execution_id} was cancelled on the platform.")
        assert "Traceback" not in shown

    def test_a_detached_run_is_left_running(self, env: dict[str, str], platform: Emulator) -> None:
        with Terminal([*FOR_LONG, "--detach"], env=env) as terminal:
            terminal.wait_for("> running")
            terminal.send(signal.SIGINT)
            assert terminal.end() == 130
        assert platform.executions[0].status is ExecutionStatus.RUNNING
        assert "was left running on the platform." in " ".join(terminal.screen().split())

    def test_bytes_are_not_for_it(self, env: dict[str, str]) -> None:
        path = "/api/v1/orgs/0a6a0000-0000-4000-8000-000000000001/storage/objects/note"
        assert ended("request", "PUT", path, "--content", "\x1b[31m", "-H", "Content-Type: text/plain", env=env).returncode == 0
        with Terminal([*COMMAND, "request", "GET", path], env=env) as terminal:
            assert terminal.end() == 0
        assert terminal.screen() == "5 bytes, which are not for a terminal: --output FILE takes them."

    @pytest.mark.parametrize(
        "arguments", [["run", "--unheard-of"], ["run"], ["unheard-of"], ["status", "..", "--json"], ["replay", "/none"]]
    )
    @pytest.mark.parametrize(("no_color", "colour"), [("", "red"), ("1", "default")])
    def test_wrong_usage_looks_as_any_other_error(self, arguments: list[str], no_color: str, colour: str, env: dict[str, str]) -> None:
        with Terminal([*COMMAND, *arguments], env=env | {"NO_COLOR": no_color}) as terminal:
            assert terminal.end() == 2
        assert terminal.screen().startswith("Error: ")
        assert {cell.fg for row in terminal.cells() for cell in row if cell.data.strip()} == {colour}

    def test_a_log_takes_the_place_of_the_view(self, env: dict[str, str]) -> None:
        with Terminal([*COMMAND, "run", "code-block", ECHO], env=env | {"PLATFORM_CLIENT_LOG": "info"}) as terminal:
            assert terminal.end() == 0
        assert "submitting" not in terminal.screen()


def test_a_process_that_is_told_to_end_leaves_nothing_running(env: dict[str, str], platform: Emulator) -> None:
    with Terminal(FOR_LONG, env=env) as terminal:
        terminal.wait_for("> running")
        terminal.send(signal.SIGTERM)
        assert terminal.end() == 143
    assert platform.executions[0].status is ExecutionStatus.CANCELLED


class TestWithoutWhatItNeeds:
    @pytest.mark.parametrize("library", ["typer", "rich"])
    def test_a_missing_library_is_told_with_the_extra(self, library: str) -> None:
        code = f"import sys; sys.modules[{library!r}] = None; from flow_sdk.cli import main; sys.exit(main())"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr == f"platform-client needs {library}: pip install 'platform-client[cli]'\n"

    def test_any_other_missing_module_is_our_own_fault(self) -> None:
        code = "import sys; sys.modules['platform_core.errors'] = None; from flow_sdk.cli import main; main()"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        assert "ModuleNotFoundError" in found.stderr


class TestInAShell:
    def test_the_installed_command_is_this_one(self) -> None:
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
        assert scripts == {"platform-client": "flow_sdk.cli:main"}
        assert ended("--version").stdout == f"platform-client {VERSION}\n"

    def test_the_help_fits_a_terminal_and_lists_the_exit_codes(self) -> None:
        text = ended("--help").stdout
        assert all(len(line) <= COLUMNS for line in text.splitlines())
        assert "  130  interrupted by Ctrl-C\n" in text
        assert "..." not in text.partition("Commands:")[2], "each command is told in one line"

    @pytest.mark.parametrize(("typed", "offered"), [("platform-client ", "submit"), ("platform-client run ", "workflow")])
    def test_a_shell_completes_commands_and_kinds(self, typed: str, offered: str, env: dict[str, str]) -> None:
        asked = {"_PLATFORM_CLIENT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        assert offered in ended(env=env | asked).stdout.split()


class TestEmulator:
    def test_it_is_served_until_it_is_ended(self) -> None:
        with subprocess.Popen([*COMMAND, "emulator", "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            exports = dict(process.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(2))
            run = ended("run", "code-block", ECHO, "-i", '{"a": 1}', env={**os.environ, **exports})
            process.send_signal(signal.SIGTERM)
        assert (run.stdout, process.returncode) == ('{\n  "a": 1\n}\n', 0)

    def test_its_options_are_those_of_the_emulator(self, tmp_path: Path) -> None:
        assert '"echo"' in ended("emulator", "--list").stdout
        assert ended("emulator", "--help").stdout.startswith("usage: platform-client emulator [-h] [--host HOST]")
        wrong = ended("emulator", "--faults", str(tmp_path / "none"))
        assert (wrong.returncode, "platform-client emulator: error: cannot read" in wrong.stderr) == (2, True)
