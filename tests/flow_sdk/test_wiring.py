"""What both clients refuse, from the constructor and from every method, before anything is sent; and how they look in a text."""

import copy
import os
import pickle
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from flow_sdk import Limits, PlatformClient, RetryPolicy, SyncPlatformClient
from flow_sdk.wiring import documented_by
from platform_core import operations
from platform_transports.contract import Credentials
from platform_transports.fake import FakePlatform
from platform_transports.httpx import HttpxSyncTransport, HttpxTransport
from tests.support.platform import ECHO, modelled
from tests.support.worlds import World

TOKEN = "eyJ.c2VjcmV0.sig"
CR, NUL, WIDE = "a\r\nX-Evil: 1", "a\x00b", "ключ"
LONE = "a\ud800"


class Named:
    """Something that looks as if it were a transport, for as far as it is told."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


async def coroutine_function(*_: object) -> str:
    return "token"


class CalledByCoroutine:
    async def __call__(self) -> str:
        return "token"


CONSTRUCTOR: list[tuple[str, object, type[Exception], str]] = [
    ("base_url", "", ValueError, "base_url must begin with https"),
    ("base_url", "platform.test", ValueError, "base_url must begin with https"),
    ("base_url", "ftp://platform.test", ValueError, "base_url must begin with https"),
    ("base_url", "http://platform.test", ValueError, "allow_http"),
    ("base_url", "https://", ValueError, "base_url must have a host"),
    ("base_url", "https://user:secret@platform.test", ValueError, "user info"),
    ("base_url", "https://platform.test?x=1", ValueError, "query"),
    ("base_url", "https://platform.test#x", ValueError, "fragment"),
    ("base_url", "https://platform.test:99999", ValueError, "port"),
    ("base_url", "https://[::1", ValueError, "base_url"),
    ("base_url", "https://platform.test/../x", ValueError, "dot segment"),
    ("base_url", "https://platform.test/\r\nx", ValueError, "base_url"),
    ("base_url", f"https://{'a' * 64}.test", ValueError, "63"),
    ("base_url", b"https://platform.test", TypeError, "base_url must be a str"),
    ("auth_token", "", ValueError, "auth_token is empty"),
    ("auth_token", f"{TOKEN}\n", ValueError, "auth_token has a character"),
    ("auth_token", f" {TOKEN}", ValueError, "auth_token has a character"),
    ("auth_token", f"“{TOKEN}”", ValueError, "auth_token has a character"),
    ("auth_token", f"{TOKEN}\x00", ValueError, "auth_token has a character"),
    ("auth_token", TOKEN.encode(), TypeError, "auth_token must be a str"),
    ("org_id", "", ValueError, "org_id"),
    ("org_id", "..", ValueError, "org_id"),
    ("org_id", NUL, ValueError, "org_id"),
    ("org_id", 7, TypeError, "org_id"),
    ("workspace_id", CR, ValueError, "workspace_id"),
    ("workspace_id", WIDE, ValueError, "workspace_id"),
    ("workspace_id", [], TypeError, "workspace_id"),
    ("timeout", 0, ValueError, "timeout must be a positive"),
    ("timeout", -1.0, ValueError, "timeout must be a positive"),
    ("timeout", float("nan"), ValueError, "timeout must be a positive"),
    ("timeout", float("inf"), ValueError, "timeout must be a positive"),
    ("timeout", True, TypeError, "timeout must be a number"),
    ("timeout", "300", TypeError, "timeout must be a number"),
    ("on_auth_token_refresh", "print", TypeError, "on_auth_token_refresh must be callable, not str"),
    ("token_provider", TOKEN, TypeError, "token_provider must be callable, not str"),
    ("retry", 4, TypeError, "retry must be a RetryPolicy"),
    ("limits", {}, TypeError, "limits must be a Limits"),
    ("idempotent_submissions", 1, TypeError, "idempotent_submissions must be a bool"),
    ("allow_http", "yes", TypeError, "allow_http must be a bool"),
    ("observers", print, TypeError, "observers must be an iterable of callables, not builtin"),
    ("observers", ["print"], TypeError, "observers must be callables, not str"),
    ("observers", "print", TypeError, "observers must be callables, not str"),
    ("env", ["PATH"], TypeError, "env must be a mapping, not list"),
    ("transport", "httpx", TypeError, "transport must have name, send"),
    ("transport", object(), TypeError, "transport must have name, send"),
    ("transport", FakePlatform, TypeError, "transport must be an instance, not the class FakePlatform"),
    ("transport", Named(name="x", send=print), TypeError, "transport must have name, send"),
    ("transport", Named(name=7, send=print, close=print, aclose=print), TypeError, "transport must have name, send"),
    ("transport", Named(name="x", send=7, close=print, aclose=print), TypeError, "transport must have name, send"),
]
VARIABLES: list[tuple[str, str, str]] = [
    *[(name, value, name) for name in ("PARENT_BILLING_TXN_ID", "LIFECYCLE_EVENT") for value in (CR, NUL, WIDE, LONE, " a")],
    ("WORKSPACE_ID", CR, "WORKSPACE_ID"),
    ("WORKSPACE_ID", WIDE, "WORKSPACE_ID"),
    ("ORG_ID", NUL, "ORG_ID"),
    ("RING_ID", "..", "RING_ID"),
]
ID_FAULTS: list[tuple[object, type[Exception]]] = [
    ("", ValueError),
    (".", ValueError),
    ("..", ValueError),
    (CR, ValueError),
    (NUL, ValueError),
    (LONE, ValueError),
    (7, TypeError),
    (None, TypeError),
    (b"a", TypeError),
]
IDS = {
    "execute_code_block": "code_block_id",
    "execute_agent": "agent_id",
    "execute_workflow": "workflow_id",
    "submit_code_block_execution": "code_block_id",
    "submit_agent_execution": "agent_id",
    "submit_workflow_execution": "workflow_id",
    "get_execution_status": "execution_id",
    "await_execution_result": "execution_id",
    "cancel_execution": "execution_id",
    "get_service_skills": "service_id",
}
EXECUTES = [name for name in IDS if name.startswith("execute_")]
STARTS = [name for name in IDS if IDS[name] != "execution_id" and name != "get_service_skills"]
CALLS: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    *[(name, {"timeout_seconds": value}, ValueError, "timeout_seconds") for name in STARTS for value in (-1, 0, float("nan"))],
    *[(name, {"context": []}, TypeError, "context must be a mapping") for name in STARTS],
    *[(name, {"ring_id": ".."}, ValueError, "ring_id") for name in STARTS],
    *[(name, {"scope": 1}, TypeError, "scope") for name in STARTS],
    *[(name, {"lifecycle_event": value}, ValueError, "lifecycle_event") for name in STARTS for value in (CR, NUL, WIDE, "")],
    *[(name, {"poll_interval_seconds": -1}, ValueError, "poll_interval_seconds") for name in EXECUTES],
    *[(name, {"on_abandon": "stop"}, ValueError, "on_abandon must be one of cancel, detach") for name in EXECUTES],
    ("execute_code_block", {"input_parameters": "text"}, TypeError, "input_parameters must be a mapping"),
    ("execute_code_block", {"input_parameters": {"a": float("nan")}}, ValueError, "input_parameters"),
    ("execute_code_block", {"input_parameters": {"a": LONE}}, ValueError, "input_parameters"),
    ("execute_code_block", {"input_parameters": {"a": object()}}, TypeError, "input_parameters"),
    ("execute_agent", {"input_data": {1: 1}}, TypeError, "input_data"),
    ("execute_agent", {"execution_mode": ""}, ValueError, "execution_mode"),
    ("await_execution_result", {"timeout_seconds": -1}, ValueError, "timeout_seconds"),
    ("await_execution_result", {"poll_interval_seconds": 0}, ValueError, "poll_interval_seconds"),
    ("get_service_skills", {"version": 0}, ValueError, "version must be positive"),
    ("get_service_skills", {"version": True}, TypeError, "version must be a whole number"),
]
REQUESTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"method": "BREW"}, ValueError, "method must be one of"),
    ({"method": "GET\r\n"}, ValueError, "method must be one of"),
    ({"method": None}, TypeError, "method must be a str"),
    ({"path": "api/v1/x"}, ValueError, "path must begin with one /"),
    ({"path": "//other.test/api"}, ValueError, "path must begin with one /"),
    ({"path": "https://other.test/api"}, ValueError, "path must begin with one /"),
    ({"path": "/api/v1/x?y=1"}, ValueError, "query"),
    ({"path": "/api/v1/x#y"}, ValueError, "fragment"),
    ({"path": "/api/v1/{org_id}/x"}, ValueError, "placeholder"),
    ({"path": "/api/v1/100%"}, ValueError, "%"),
    ({"path": "/api/v1/../x"}, ValueError, "dot segment"),
    ({"path": "/api/v1/%2e%2e/x"}, ValueError, "dot segment"),
    ({"path": f"/api/v1/{CR}"}, ValueError, "path must not have a control character"),
    ({"path": f"/api/v1/{NUL}"}, ValueError, "path must not have a control character"),
    ({"path": f"/api/v1/{LONE}"}, ValueError, "path must not have a lone surrogate"),
    ({"json": {}, "content": b""}, ValueError, "json and content are both given"),
    ({"json": float("nan")}, ValueError, "json"),
    ({"json": {"a": float("inf")}}, ValueError, "json"),
    ({"json": {1}}, TypeError, "json"),
    ({"content": "text"}, TypeError, "content must be bytes"),
    ({"params": "a=1"}, TypeError, "params must be a mapping"),
    ({"params": {"a": float("nan")}}, ValueError, "params"),
    ({"headers": {"X-A": CR}}, ValueError, "headers"),
    ({"headers": {"X-A": NUL}}, ValueError, "headers"),
    ({"headers": {"X-A": WIDE}}, ValueError, "headers"),
    ({"headers": {"X\r\nA": "1"}}, ValueError, "headers"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, ValueError, "twice"),
    ({"headers": [("X-A", "1")]}, TypeError, "headers must be a mapping"),
    *[
        ({"headers": {name: "x"}}, ValueError, f"headers must not have {name}")
        for name in ("Authorization", "x-api-key", "Host", "Content-Length", "Transfer-Encoding", "Connection")
    ],
]


class TestConstructor:
    @pytest.mark.parametrize(("parameter", "value", "error", "text"), CONSTRUCTOR)
    def test_a_bad_argument_is_refused_by_its_name(
        self, world: World, parameter: str, value: object, error: type[Exception], text: str
    ) -> None:
        arguments: dict[str, Any] = {"base_url": "https://platform.test", "auth_token": TOKEN, "env": {}, parameter: value}
        client = PlatformClient if world.is_async else SyncPlatformClient
        with pytest.raises(error) as caught:
            client(**arguments)
        assert text in str(caught.value)
        assert "c2VjcmV0" not in str(caught.value)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(("variable", "value", "text"), VARIABLES)
    def test_a_bad_variable_is_refused_by_its_name(self, world: World, variable: str, value: str, text: str) -> None:
        with pytest.raises(ValueError, match=text):
            world.client(env={variable: value})

    def test_no_base_url(self, world: World) -> None:
        with pytest.raises(ValueError, match=r"^base_url is missing: give it, or set PLATFORM_API_URL$"):
            world.client(base_url=None)

    def test_no_token(self, world: World) -> None:
        with pytest.raises(ValueError, match=r"^auth_token is missing: give it, give a token_provider, or set AUTH_TOKEN$"):
            world.client(auth_token=None)

    def test_a_bad_token_of_the_environment_is_named_and_not_quoted(self, world: World) -> None:
        with pytest.raises(ValueError, match=r"^AUTH_TOKEN has a character") as caught:
            world.client(auth_token=None, env={"AUTH_TOKEN": f"{TOKEN} "})
        assert "c2VjcmV0" not in str(caught.value)

    def test_a_provider_stands_for_the_token(self, world: World) -> None:
        world.client(auth_token=None, token_provider=lambda: TOKEN)

    @pytest.mark.parametrize("base_url", ["http://localhost:1", "http://127.0.0.9", "http://[::1]:80", "https://münchen.example/prefix/"])
    def test_a_good_base_url(self, world: World, base_url: str) -> None:
        world.client(base_url=base_url)

    def test_clear_text_on_request(self, world: World) -> None:
        assert "http://platform.test" in repr(world.client(base_url="http://platform.test", allow_http=True))

    @pytest.mark.parametrize("parameter", ["token_provider", "on_auth_token_refresh"])
    @pytest.mark.parametrize("callback", [coroutine_function, CalledByCoroutine()])
    def test_an_async_callback_is_refused_by_the_blocking_client(self, parameter: str, callback: Callable[[], Any]) -> None:
        arguments: dict[str, Any] = {parameter: callback}
        with pytest.raises(TypeError, match=f"{parameter} must be a plain function for SyncPlatformClient"):
            SyncPlatformClient("https://platform.test", TOKEN, env={}, **arguments)

    def test_a_transport_with_a_bad_name_is_refused(self, world: World) -> None:
        send = coroutine_function if world.is_async else print
        with pytest.raises(ValueError, match=r"transport\.name"):
            world.client(transport=Named(name="a\r\nb", send=send, close=print, aclose=print))


class TestEnvironment:
    def test_what_is_left_out_comes_from_the_process(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        found = {"PLATFORM_API_URL": "https://from.env", "AUTH_TOKEN": TOKEN, "ORG_ID": "o", "WORKSPACE_ID": "w"}
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        client = world.client(base_url=None, auth_token=None, env=None)
        assert repr(client).endswith("PlatformClient(base_url='https://from.env', org_id='o', workspace_id='w')")

    def test_an_argument_overrules_it(self, world: World) -> None:
        env = {"PLATFORM_API_URL": "https://from.env", "AUTH_TOKEN": "\n", "ORG_ID": "..", "WORKSPACE_ID": ".."}
        client = world.client(env=env, org_id=UUID(int=1), workspace_id="mine")
        assert repr(client).endswith(f"PlatformClient(base_url='https://platform.test', org_id='{UUID(int=1)}', workspace_id='mine')")

    def test_it_is_read_once(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARENT_BILLING_TXN_ID", "first")
        platform = modelled()
        client = world.client(env=None, transport=platform)
        monkeypatch.setenv("PARENT_BILLING_TXN_ID", "second")

        async def scenario(_: PlatformClient) -> None:
            monkeypatch.setitem(os.environ, "PARENT_BILLING_TXN_ID", "third")
            await _.get_service_skills("5e7c0000-0000-4000-8000-000000000001")

        world.run(scenario, client=client)
        assert platform.requests[0].headers.get("X-Parent-Billing-Txn-Id") == "first"


class TestCalls:
    def refuses(self, world: World, method: str, arguments: dict[str, Any], error: type[Exception], text: str) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(error) as caught:
                await getattr(client, method)(**arguments)
            assert text in str(caught.value)

        world.run(scenario, transport=platform)
        assert platform.requests == []

    @pytest.mark.parametrize("method", IDS)
    @pytest.mark.parametrize(("value", "error"), ID_FAULTS)
    def test_a_bad_id_is_refused_before_anything_is_sent(self, world: World, method: str, value: object, error: type[Exception]) -> None:
        self.refuses(world, method, {IDS[method]: value}, error, IDS[method])

    @pytest.mark.parametrize(("method", "arguments", "error", "text"), CALLS)
    def test_a_bad_argument_is_refused_before_anything_is_sent(
        self, world: World, method: str, arguments: dict[str, Any], error: type[Exception], text: str
    ) -> None:
        self.refuses(world, method, {IDS[method]: ECHO, **arguments}, error, text)

    @pytest.mark.parametrize("method", ["request", "_request"])
    @pytest.mark.parametrize(("arguments", "error", "text"), REQUESTS)
    def test_a_bad_request_is_refused_before_anything_is_sent(
        self, world: World, method: str, arguments: dict[str, Any], error: type[Exception], text: str
    ) -> None:
        self.refuses(world, method, {"method": "POST", "path": "/api/v1/x", **arguments}, error, text)

    def test_a_body_over_the_limit_is_refused_before_anything_is_sent(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(ValueError, match=r"limits\.request_body_bytes_max"):
                await client.request("PUT", "/api/v1/x", content=b"12345")

        world.run(scenario, transport=platform, limits=Limits(request_body_bytes_max=4))
        assert platform.requests == []

    @pytest.mark.parametrize(
        "operation", [None, "execute", operations.execute_code_block, type(operations.execution_status("x", seed=UUID(int=1)))]
    )
    def test_what_is_no_operation_is_not_run(self, world: World, operation: object) -> None:
        self.refuses(world, "run", {"operation": operation}, TypeError, "operation must be one that platform_core builds")


BLOCKING: list[Callable[[], object]] = [
    FakePlatform().synchronous,
    HttpxSyncTransport,
    lambda: Named(name="x", send=print, close=print),
]
ASYNC: list[Callable[[], object]] = [
    FakePlatform().asynchronous,
    HttpxTransport,
    lambda: Named(name="x", send=coroutine_function, aclose=coroutine_function),
    lambda: Named(name="x", send=coroutine_function, aclose=coroutine_function, close=print),
]


class TestTransports:
    @pytest.mark.parametrize("make", BLOCKING)
    def test_a_blocking_one_is_refused_by_the_async_client(self, make: Callable[[], Any]) -> None:
        with pytest.raises(TypeError, match=r"^transport \w+ is for SyncPlatformClient; PlatformClient takes .+\.AsyncTransport$"):
            PlatformClient("https://platform.test", TOKEN, env={}, transport=make())

    @pytest.mark.parametrize("make", ASYNC)
    def test_an_async_one_is_refused_by_the_blocking_client(self, make: Callable[[], Any]) -> None:
        with pytest.raises(TypeError, match=r"^transport \w+ is for PlatformClient; SyncPlatformClient takes .+\.SyncTransport$"):
            SyncPlatformClient("https://platform.test", TOKEN, env={}, transport=make())

    @pytest.mark.parametrize("make", ASYNC)
    def test_an_async_one_is_taken_by_the_async_client(self, make: Callable[[], Any]) -> None:
        PlatformClient("https://platform.test", TOKEN, env={}, transport=make())

    @pytest.mark.parametrize("make", BLOCKING)
    def test_a_blocking_one_is_taken_by_the_blocking_client(self, make: Callable[[], Any]) -> None:
        SyncPlatformClient("https://platform.test", TOKEN, env={}, transport=make())

    def test_a_client_of_httpx_is_told_from_a_transport(self, world: World) -> None:
        import httpx

        with pytest.raises(TypeError, match=r"transport must have name, send and a?close, as platform_transports\.contract"):
            world.client(transport=httpx.AsyncClient() if world.is_async else httpx.Client())


class TestText:
    def test_a_repr_shows_where_and_for_whom_but_no_token(self, world: World) -> None:
        client = world.client(auth_token=TOKEN, org_id="o", base_url="https://[::1]:99/x")
        assert repr(client) == f"{type(client).__name__}(base_url='https://[::1]:99/x', org_id='o')"
        parts: list[Any] = [client, client._wiring, client._tokens, client._tokens._numbers]
        assert not any("c2VjcmV0" in repr(part.__dict__) for part in parts)

    @pytest.mark.parametrize("store", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_is_neither_pickled_nor_copied(self, world: World, store: Callable[[Any], Any]) -> None:
        client = world.client(auth_token=TOKEN)
        with pytest.raises(TypeError, match=rf"^a {type(client).__name__} is neither pickled nor copied") as caught:
            store(client)
        assert "c2VjcmV0" not in str(caught.value)

    def test_credentials_do_not_show_the_token(self) -> None:
        assert repr(Credentials("Authorization", f"Bearer {TOKEN}")) == "Credentials('Authorization', <secret>)"


def test_retry_and_limits_reach_the_calls(world: World) -> None:
    platform = modelled()

    async def scenario(client: PlatformClient) -> None:
        await client.submit_code_block_execution(ECHO)

    heard: list[Any] = []
    retry = RetryPolicy(attempts_max=2)
    world.run(scenario, transport=platform, retry=retry, limits=Limits(json_depth_max=9), timeout=7, observers=[heard.append])
    settings = heard[0].before.call.settings
    assert (settings.retry, settings.limits.json_depth_max, settings.timeout_seconds) == (retry, 9, 7)


def test_documented_by_copies_what_is_missing_and_nothing_else() -> None:
    class Original:
        def one(self) -> None:
            """One."""

        def two(self) -> None:
            """Two."""

    @documented_by(Original)
    class Copy:
        value = 1

        def one(self) -> None: ...

        def two(self) -> None:
            """Its own."""

        def three(self) -> None: ...

    assert (Copy.one.__doc__, Copy.two.__doc__, Copy.three.__doc__) == ("One.", "Its own.", None)
