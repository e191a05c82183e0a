"""What can be imported from where, at what cost; and that both clients have the same face."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

import flow_sdk
import flow_sdk.platform_client
import platform_core.errors
from flow_sdk import PlatformClient, SyncPlatformClient

ERRORS = {name for name, value in vars(platform_core.errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
CLIENTS = {"PlatformClient", "SyncPlatformClient"}
_START = "context=None, ring_id=None, timeout_seconds=None, *, scope=None, lifecycle_event=None"
_AGENT_START = "context=None, execution_mode='isolated', ring_id=None, timeout_seconds=None, *, scope=None, lifecycle_event=None"
_POLL = "poll_interval_seconds=1.0, on_abandon='cancel'"
DOCUMENTED = {
    "_request": "method, path, *, params=None, json=None, content=None, headers=None",
    "request": "method, path, *, params=None, json=None, content=None, headers=None",
    "request_raw": "method, path, *, params=None, json=None, content=None, headers=None",
    "execute_code_block": f"code_block_id, input_parameters=None, {_START}, {_POLL}",
    "execute_agent": f"agent_id, input_data=None, {_AGENT_START}, {_POLL}",
    "execute_workflow": f"workflow_id, input_data=None, {_START}, {_POLL}",
    "submit_code_block_execution": f"code_block_id, input_parameters=None, {_START}",
    "submit_agent_execution": f"agent_id, input_data=None, {_AGENT_START}",
    "submit_workflow_execution": f"workflow_id, input_data=None, {_START}",
    "get_execution_status": "execution_id",
    "await_execution_result": "execution_id, timeout_seconds=None, poll_interval_seconds=1.0",
    "cancel_execution": "execution_id",
    "get_service_skills": "service_id, version=None",
    "resume": "handle",
    "run": "operation",
}
METHODS = {*DOCUMENTED, "close", "aclose"}
ITERATED = {"await_all": "handles_or_ids, *, concurrency=100, on_progress=None", "recover": "journal"}
_NEXT = "ByCursor(field='next_cursor', parameter='cursor', first=None, may_be_missing=False)"
ITERATED["pages"] = f"path, *, params=None, headers=None, items='items', next={_NEXT}"
"""What answers with an iterator, and so is not awaited itself."""
OF_LISTS = {"RawResponse", "Page", "ByCursor", "ByNumber", "ByOffset"}
AT_ONCE = {"with_options": "*, timeout=None, retry=None, headers=None"}
"""What asks nobody, and so is not awaited in either world."""
STREAMED = {
    "download": "path, to=None, *, params=None, headers=None, timeout_seconds=None",
    "stream_agent": f"agent_id, input_data=None, {_AGENT_START}, on_abandon='cancel'",
}
"""What answers with a stream, or with what is awaited in the async client alone."""
WITH_BODY = {"_request", "request", "request_raw"}
"""What takes a body, which may be asynchronous in the async client alone."""
OF_ONE_WORLD = {"transport", "token_provider", "on_auth_token_refresh"}
"""Parameters whose types differ, since one world awaits where the other calls."""
CONTEXT_MANAGERS = {"__aenter__", "__aexit__", "__enter__", "__exit__"}


def face(client: type) -> set[str]:
    """The names that a client offers, dunder methods and what both have as it is aside."""
    found = {name: value for part in (*client.__bases__, client) for name, value in vars(part).items()}
    return {name for name, value in found.items() if inspect.isfunction(value) and not (name.startswith("_") and name != "_request")}


def fresh(code: str) -> list[str]:
    """What a new process prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


class TestNames:
    def test_the_documented_names_are_there(self) -> None:
        others = {"RetryPolicy", "Limits", "ExecutionHandle", "Journal", "Body", "Downloaded", "Event", *OF_LISTS}
        assert set(flow_sdk.__all__) == CLIENTS | ERRORS | others
        assert set(flow_sdk.platform_client.__all__) == CLIENTS | ERRORS

    @pytest.mark.parametrize("name", flow_sdk.__all__)
    def test_each_is_one_object_wherever_it_comes_from(self, name: str) -> None:
        found = getattr(flow_sdk, name)
        assert found.__name__ == name
        assert found is getattr(flow_sdk.platform_client, name, found)
        assert name in dir(flow_sdk)

    def test_any_other_name_is_refused(self) -> None:
        with pytest.raises(AttributeError, match=r"^module 'flow_sdk' has no attribute 'Client'$"):
            _ = getattr(flow_sdk, "Client")  # noqa: B009 -- type checkers know that it is not there
        with pytest.raises(ImportError):
            exec("from flow_sdk import Client")

    def test_all_can_be_imported_at_once(self) -> None:
        found: dict[str, Any] = {}
        exec("from flow_sdk import *", found)
        assert set(flow_sdk.__all__) <= found.keys()


class TestCost:
    def test_importing_the_package_loads_nothing_else(self) -> None:
        others = "platform_core", "platform_transports", "anyio", "asyncio", "trio", "httpx", "httpx2", "flow_sdk.client"
        assert fresh(f"import flow_sdk, sys; print(*(name for name in {others!r} if name in sys.modules))") == []

    def test_an_error_costs_no_client(self) -> None:
        others = "platform_transports", "anyio", "asyncio", "flow_sdk.client"
        code = f"from flow_sdk import PlatformClientError; import sys; print(*(name for name in {others!r} if name in sys.modules))"
        assert fresh(code) == []

    def test_making_a_client_loads_no_http_library_no_other_event_loop_and_no_extra(self) -> None:
        libraries = "httpx", "httpx2", "httpcore", "h11", "trio", "opentelemetry", "rich", "typer"
        others = *libraries, "platform_transports.httpx", "platform_transports.fake", "platform_emulator"
        for client in sorted(CLIENTS):
            make = f"from flow_sdk import {client}; import sys; {client}('https://platform.test', 'a', env={{}})"
            assert fresh(f"{make}; print(*(name for name in {others!r} if name in sys.modules))") == []

    def test_a_blocking_client_and_its_calls_load_no_event_loop(self) -> None:
        others = "asyncio", "anyio", "sniffio", "trio", "concurrent.futures"
        call = """
            from flow_sdk import PlatformConnectionError, SyncPlatformClient
            import sys
            with SyncPlatformClient("http://127.0.0.1:1", "a", allow_http=True, timeout=0.1, env={}) as client:
                try:
                    client.request("GET", "/x")
                except PlatformConnectionError:
                    print("sent")
        """
        assert fresh(f"{dedent(call)}\nprint(*(name for name in {others!r} if name in sys.modules))") == ["sent"]


class TestSameFace:
    def test_both_have_the_documented_methods_and_no_others(self) -> None:
        faces = METHODS | ITERATED.keys() | AT_ONCE.keys() | STREAMED.keys()
        assert face(PlatformClient) == face(SyncPlatformClient) == faces

    def test_each_is_a_context_manager_of_its_world(self) -> None:
        assert {name for name in CONTEXT_MANAGERS if hasattr(PlatformClient, name)} == {"__aenter__", "__aexit__"}
        assert {name for name in CONTEXT_MANAGERS if hasattr(SyncPlatformClient, name)} == {"__enter__", "__exit__"}

    @pytest.mark.parametrize("name", sorted(METHODS))
    def test_a_method_has_the_same_signature_and_docstring(self, name: str) -> None:
        ours, theirs = getattr(PlatformClient, name), getattr(SyncPlatformClient, name)
        asynchronous = " | collections.abc.AsyncIterable[bytes]" if name in WITH_BODY else ""
        assert str(inspect.signature(ours)).replace(asynchronous, "") == str(inspect.signature(theirs))
        assert inspect.getdoc(ours) == inspect.getdoc(theirs)
        assert inspect.getdoc(ours), "and there is one"
        assert inspect.iscoroutinefunction(ours)
        assert not inspect.iscoroutinefunction(theirs)

    @pytest.mark.parametrize("name", ITERATED)
    def test_what_is_iterated_over_differs_in_the_iterator_alone(self, name: str) -> None:
        ours, theirs = getattr(PlatformClient, name), getattr(SyncPlatformClient, name)
        assert bare(ours) == bare(theirs) == f"(self, {ITERATED[name]})"
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters
        assert str(inspect.signature(theirs)) == str(inspect.signature(ours)).replace("AsyncIterator", "Iterator")
        assert inspect.getdoc(ours) == inspect.getdoc(theirs)
        assert inspect.getdoc(ours), "and there is one"

    @pytest.mark.parametrize("name", AT_ONCE)
    def test_what_asks_nobody_is_the_same_in_both_worlds(self, name: str) -> None:
        ours, theirs = getattr(PlatformClient, name), getattr(SyncPlatformClient, name)
        assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
        assert bare(ours) == f"(self, {AT_ONCE[name]})"
        assert not inspect.iscoroutinefunction(ours)
        assert inspect.getdoc(ours) == inspect.getdoc(theirs)
        assert inspect.getdoc(ours), "and there is one"

    @pytest.mark.parametrize("name", STREAMED)
    def test_what_is_streamed_differs_in_what_it_answers_with_alone(self, name: str) -> None:
        ours, theirs = getattr(PlatformClient, name), getattr(SyncPlatformClient, name)
        assert bare(ours) == bare(theirs) == f"(self, {STREAMED[name]})"
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters
        assert inspect.getdoc(ours) == inspect.getdoc(theirs)
        assert inspect.getdoc(ours), "and there is one"

    def test_a_handle_is_made_without_asking_anybody_and_so_without_await(self) -> None:
        assert PlatformClient.handle is SyncPlatformClient.handle
        assert bare(PlatformClient.handle) == "(self, record)"
        assert not inspect.iscoroutinefunction(PlatformClient.handle)
        assert inspect.getdoc(PlatformClient.handle)

    def test_the_constructor_differs_in_what_is_awaited_alone(self) -> None:
        ours, theirs = (inspect.signature(client).parameters for client in (PlatformClient, SyncPlatformClient))
        assert PlatformClient.__init__.__doc__ == SyncPlatformClient.__init__.__doc__
        assert [(each.name, each.kind, each.default) for each in ours.values()] == [
            (each.name, each.kind, each.default) for each in theirs.values()
        ]
        assert {name for name in ours if ours[name].annotation != theirs[name].annotation} == OF_ONE_WORLD

    def test_the_constructor_is_as_documented(self) -> None:
        documented = (
            "(base_url=None, auth_token=None, org_id=None, workspace_id=None, timeout=None, on_auth_token_refresh=None, *, "
            "transport=None, token_provider=None, retry=None, limits=None, idempotent_submissions=True, "
            "allow_http=False, observers=(), env=None, journal=None)"
        )
        assert bare(PlatformClient) == documented

    @pytest.mark.parametrize("name", DOCUMENTED)
    def test_a_method_is_as_documented(self, name: str) -> None:
        assert bare(getattr(SyncPlatformClient, name)) == f"(self, {DOCUMENTED[name]})"


def bare(function: Callable[..., object]) -> str:
    """The signature without its types."""
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
