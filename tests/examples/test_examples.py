"""Each example runs as it stands, and prints what it should."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PRINTED = {
    "custom_runner": """\
completed: 2 words, counted in another process: True
completed: You asked: What are the trends?
failed: COMPONENT_FAILED, LookupError: the inputs have no question
cancelled: True, and on the platform it is cancelled
timeout: the execution did not end within 0.5 s
""",
    "durable": """\
submitted: pending
a look: True
awaited: completed, {'seconds': 0.2}
cancelled too late: completed
cancelled in time: EXECUTION_CANCELLED
""",
    "embed_in_sdk": "{'question': 'What are the trends?'}\n",
    "errors": """\
PlatformNotFoundError 404 NOT_FOUND: /api/v1/some/endpoint does not exist
PlatformExecutionError: no such file
PlatformExecutionTimeoutError: the execution did not end within 0.1 s
PlatformTimeoutError, the handle names the execution: True
PlatformPermissionError 403: The token is valid but lacks the permission: use another token, organization or workspace.
PlatformClientError 429, retry after 3600.0 s
PlatformAuthenticationError 401: the platform's logs know the request: True
""",
    "sync_script": """\
organizations: ['Emulated organization']
results: True
""",
    "trio_app": """\
results: True
left: cancelled
moved on: True, and on the platform it is cancelled
""",
}
TRANSPORTS = {"transport_aiohttp", "transport_pycurl", "transport_urllib3"}
"""Held against the contract by tests/conformance."""
TESTED_ELSEWHERE = {"fan_out_dask", "quickstart", "unit_test_with_fake", *TRANSPORTS}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_should(name: str) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert process.stderr == ""
    assert process.stdout == PRINTED[name]
    assert process.returncode == 0


def test_the_unit_tests_with_the_fake_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "unit_test_with_fake.py")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "4 passed" in process.stdout
    assert process.returncode == 0


def test_a_cluster_that_loses_a_worker_loses_no_execution_and_starts_none_twice() -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "fan_out_dask.py"), "60"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert process.stderr == ""
    assert process.stdout.startswith("60 results of 60 executions, 1 worker lost, ")
    assert process.returncode == 0


def test_every_example_is_run_by_a_test() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == PRINTED.keys() | TESTED_ELSEWHERE


@pytest.mark.parametrize("name", ["embed_in_sdk", *sorted(TRANSPORTS)])
def test_a_whole_sdk_or_a_transport_is_written_in_under_sixty_lines(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) < 60
