"""The suite as a user runs it, with one command in the folder of a transport: what it says of a good one, of a bad one, and of mistakes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
COMMAND = [
    *(
        sys.executable,
        "-c",
        "import pytest, sys; sys.path.remove(''); sys.exit(pytest.console_main())",
    ),  # as `pytest`: nothing of this folder
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-q"),
    *("-p", "platform_transports.conformance", "--pyargs", "platform_transports.conformance"),
]


def run(*arguments: str, selected: str = "", folder: Path = HERE) -> tuple[int, str]:
    command = [*COMMAND, *arguments, *(("-k", selected) if selected else ())]
    process = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    )
    return process.returncode, process.stdout + process.stderr


def transport(name: str) -> str:
    return f"--platform-transport=own_transports:{name}"


def test_a_bare_class_is_tested_as_it_stands() -> None:
    code, said = run(transport("Bare"), "--platform-cuts=1", selected="answered or no-retry or targets")
    assert code == 0, said
    assert "Bare: 4 passed, 0 declared, 0 failed" in said
    assert "·  no-retry-on-a-kept-connection" in said


def test_what_a_check_needs_and_a_bare_class_does_not_take_is_named() -> None:
    code, said = run(transport("Bare"), selected="waiting-is-not-sending or tls-large-bodies")
    assert code == 1
    assert "this check needs a transport with its own limits, which Bare does not take: test a Subject(make=…)" in said
    assert "this check needs a transport with its own ssl_context, which Bare does not take" in said
    assert "F  waiting-is-not-sending" in said


def test_a_check_that_fails_says_what_was_expected_and_what_was_met() -> None:
    code, said = run(transport("Tried"), selected="no-retry and not kept")
    assert code == 1
    assert "Tried: no-retry: A transport sends once: whether again is decided elsewhere." in said
    assert "call 1: GET must end as Failed(disconnected, sent='maybe', reused=False), but ended as Answered(200, b'ok'" in said
    assert "suite.py" not in said


@pytest.mark.parametrize(
    ("name", "selected", "text"),
    [
        ("Raising", "status-503", "send() raised OSError, which is no TransportError"),
        ("Lying", "closed-in-the-body", "ended as Failed(read, sent='no', reused=False)"),
    ],
)
def test_what_no_transport_may_do_is_told(name: str, selected: str, text: str) -> None:
    code, said = run(transport(name), selected=selected)
    assert code == 1
    assert text in said


def test_a_declared_check_that_fails_is_counted_as_declared() -> None:
    code, said = run(transport("DECLARED"), selected="no-retry and not kept")
    assert code == 0, said
    assert "declared: 0 passed, 1 declared, 0 failed" in said


def test_a_declared_check_that_passes_is_an_error() -> None:
    code, said = run(transport("SEVERAL"), selected="no-retry and not kept")
    assert code == 1
    assert "needless: no-retry is declared (a library's #1), but it passes: take the declaration away" in said
    assert "1 failed, 1 passed" in said


def test_several_processes_share_the_tests_and_the_table_is_whole() -> None:
    code, said = run(transport("Bare"), "-n", "2", "--platform-cuts=1", selected="status-4 or status-5")
    assert code == 0, said
    assert "Bare: 5 passed, 0 declared, 0 failed" in said


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "--platform-transport must name at least one transport, say my_module:MyTransport"),
        (("--platform-transport=own_transports",), 4, "'own_transports' must be module:name, say my_module:MyTransport"),
        (("--platform-transport=nowhere:Transport",), 4, "there is no module nowhere; run this in its folder, or put that on PYTHONPATH"),
        ((transport("Missing"),), 4, "must be a Subject, a list of them, or the class of a transport, not None"),
        ((transport("MISSPELT"),), 4, "misspelt declares checks that are not there: no-retries"),
        ((transport("Bare"), transport("Bare")), 4, "two transports are named Bare"),
        ((transport("Bare"), "--platform-backend=trio"), 1, "send() of Bare is blocking: not for trio"),
    ],
)
def test_a_mistake_in_the_command_is_told_in_one_sentence(arguments: tuple[str, ...], code: int, text: str) -> None:
    status, said = run(*arguments, selected="answered")
    assert (status, text in said) == (code, True), said


def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "trustme.py").write_text("raise ModuleNotFoundError('trustme', name='trustme')")
    (tmp_path / "own.py").write_text("class Own:\n    def send(self): ...")
    script = "import sys; sys.path.insert(0, '.'); import pytest; sys.exit(pytest.console_main())"
    command = [sys.executable, "-c", script, *COMMAND[3:], "--platform-transport=own:Own"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert process.returncode != 0
    assert "the suite makes its certificates by trustme: install platform-client[testing]" in process.stdout + process.stderr
