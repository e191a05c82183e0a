"""Exit codes, and what is printed where."""

import json
from typing import Any

import pytest

import flow_sdk.platform_client
from flow_sdk.cli_ends import MEANINGS, ExitCode, exit_code, json_text, say
from platform_core.errors import Failure, PlatformClientError
from platform_core.handles import ExecutionHandle

ERRORS: list[type[PlatformClientError]] = [
    value
    for name in flow_sdk.platform_client.__all__
    if isinstance(value := getattr(flow_sdk.platform_client, name), type) and issubclass(value, PlatformClientError)
]
CODES = {
    "PlatformClientError": 9,
    "PlatformAuthenticationError": 3,
    "PlatformPermissionError": 3,
    "PlatformNotFoundError": 4,
    "PlatformExecutionError": 1,
    "PlatformExecutionTimeoutError": 5,
    "PlatformExecutionCancelledError": 6,
    "PlatformTimeoutError": 5,
    "PlatformConnectionError": 7,
    "PlatformSubmissionUnknownError": 8,
    "PlatformResponseError": 9,
    "PlatformJournalError": 9,
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_exit_code(error: type[PlatformClientError]) -> None:
    assert exit_code(error("it went wrong")) == CODES[error.__name__]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_a_submission_that_may_have_started_is_told_from_everything_else(error: type[PlatformClientError]) -> None:
    handle = ExecutionHandle.from_json(
        '{"version": 1, "kind": "code_block", "execution_id": null, "seconds_left": 1, "attempts": 1, "on_abandon": "cancel",'
        ' "submission": {"key": "5eed0000-0000-4000-8000-000000000002", "target": "/api/v1/x", "body": "{}"}}'
    )
    assert exit_code(Failure(error, "lost", handle=handle).exception()) == ExitCode.UNKNOWN


def test_each_exit_code_has_a_meaning_that_fits_a_line_of_the_help() -> None:
    assert list(MEANINGS) == list(ExitCode)
    assert all(len(meaning) <= 71 for meaning in MEANINGS.values())


@pytest.mark.parametrize("value", [{"a": "\x1b[31m\x9b31m\u202e\u2028é\u4e2d"}, ["\x7f"], None, 1.5])
def test_json_steers_no_terminal_and_says_the_same(value: Any) -> None:
    text = json_text(value).decode()
    assert json.loads(text) == value
    assert not any(each in text for each in "\x1b\x7f\x9b\u202e\u2028")
    assert ("é\u4e2d" in text) == ("é" in str(value))


def test_what_is_said_stands_on_one_line_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    say("word " * 100, label="Error: ", style="red")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Error: {'word ' * 100}\n"
