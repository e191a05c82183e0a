"""Meets every error class over real HTTP, and prints what it says: what happened, to which call, which request, what to do next."""

import resource
import socket
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from flow_sdk import SyncPlatformClient
from flow_sdk.platform_client import PlatformClientError
from platform_core import Decision, RetryPolicy, Sleep
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

IDS = {each.name: each.component_id for each in COMPONENTS}
_SHOWN = textwrap.TextWrapper(120, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
IMPATIENT = RetryPolicy(attempts_max=2, pause_first_seconds=0.01)


def errors_met() -> Iterator[tuple[str, PlatformClientError]]:
    """How each was brought about, and the error."""
    with Emulator() as platform, SyncPlatformClient(platform.url, platform.token, retry=IMPATIENT, env={}) as client:
        for name, call in _ways(platform, client):
            yield name, _error_of(call)
        with SyncPlatformClient(platform.url, "not.a.token", env={}) as stranger:
            yield "a token that is none", _error_of(lambda: stranger.request("GET", "/api/v1/tenants/orgs"))
        with SyncPlatformClient(platform.url, platform.token, timeout=0.1, retry=RetryPolicy(attempts_max=1), env={}) as hasty:
            platform.inject({"kind": "delay", "seconds": 0.5})
            yield "an answer that takes longer than the timeout", _error_of(lambda: hasty.request("GET", "/api/v1/tenants/orgs"))
    yield "a journal that cannot be written any more", _error_of(_without_journal)
    with SyncPlatformClient(_where_nobody_listens(), "a.token", retry=IMPATIENT, env={}) as lonely:
        yield "a port where nobody listens", _error_of(lambda: lonely.request("GET", "/api/v1/tenants/orgs"))


def main() -> None:
    """Print them all."""
    for name, error in errors_met():
        print(name, f"  {type(error).__name__}", _SHOWN.fill(str(error)), "", sep="\n")


def _ways(platform: Emulator, client: SyncPlatformClient) -> Iterator[tuple[str, Callable[[], object]]]:
    sleeping = client.submit_code_block_execution(IDS["sleep"], {"seconds": 60})["execution_id"]
    yield "an endpoint that does not exist", lambda: client.request("GET", "/api/v1/some/endpoint")
    yield "an execution that does not exist", lambda: client.get_execution_status("8f022ca4-b146-5fca-9fd9-95bd62a4b26e")
    yield "inputs that are refused", lambda: client.request("POST", f"/api/v1/code-blocks/{IDS['echo']}/executions", json={"surprise": 1})
    yield "a component that fails", lambda: client.execute_code_block(IDS["fail"], {"message": "no such file"})
    yield "the platform's deadline", lambda: client.execute_code_block(IDS["sleep"], {"seconds": 60}, timeout_seconds=0.05)
    yield "our own deadline", lambda: client.await_execution_result(sleeping, timeout_seconds=0.1)
    client.cancel_execution(sleeping)
    yield "an execution that was cancelled", lambda: client.await_execution_result(sleeping)
    platform.inject({"kind": "status", "status": 403})
    yield "a permission that is missing", lambda: client.request("GET", "/api/v1/tenants/orgs")
    platform.inject({"kind": "status", "status": 500})
    yield "a failure on the server", lambda: client.request("GET", "/api/v1/tenants/orgs")
    platform.inject({"kind": "status", "status": 429, "retry_after": "3600"})
    yield "a rate limit that asks for an hour", lambda: client.request("GET", "/api/v1/tenants/orgs")
    platform.inject({"kind": "status", "status": 502, "body": "<html>Bad gateway</html>", "times": 2})
    yield "a proxy in the way", lambda: client.request("GET", "/api/v1/tenants/orgs")
    platform.inject({"kind": "status", "status": 200, "body": "<html>Log in</html>"})
    yield "a page instead of a record", lambda: client.get_execution_status(sleeping)
    platform.inject({"kind": "status", "status": 202, "body": {}})
    yield "a submission whose answer has no id", lambda: client.execute_code_block(IDS["echo"])
    platform.inject({"kind": "status", "status": 503, "times": 2})
    yield "a submission that a proxy could not hand on", lambda: client.execute_code_block(IDS["echo"])
    platform.inject({"kind": "drop_after"})
    yield "a POST without a key whose answer is lost", lambda: client.request("POST", f"/api/v1/agents/{IDS['answer']}/execute", json={})
    platform.inject({"kind": "status", "status": 403, "path": f"/executions/{sleeping}"})
    yield "a permission that is missing while an execution is awaited", lambda: client.await_execution_result(sleeping)
    platform.inject({"kind": "drop_after", "path": "/executions", "times": 9})
    yield "a submission whose answers are lost", lambda: client.execute_code_block(IDS["echo"])


def _error_of(call: Callable[[], object]) -> PlatformClientError:
    try:
        found = call()
    except PlatformClientError as error:
        return error
    message = f"an error was due, and this came: {found!r}"
    raise AssertionError(message)


def _without_journal() -> object:
    """As where the disk is full once the submission has been answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "journal.jsonl"

        def fill(decision: Decision) -> None:
            if isinstance(decision.action, Sleep):
                resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))

        with Emulator() as platform, SyncPlatformClient(platform.url, platform.token, journal=file, observers=[fill], env={}) as client:
            try:
                return client.execute_code_block(IDS["sleep"], {"seconds": 60})
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _where_nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


if __name__ == "__main__":
    main()
