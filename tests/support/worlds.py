"""One scenario in three worlds: on asyncio, on trio, and without an event loop, through the blocking client.

A scenario is a coroutine function of the client::

    def test_an_echo_ends_with_its_input(world: World) -> None:
        async def scenario(client: PlatformClient) -> ExecutionRecord:
            return await client.execute_code_block(ECHO, {"a": 1})

        assert world.run(scenario, transport=FakePlatform(model=…))["result"] == {"a": 1}

In the sync world `client` is a `SyncPlatformClient` behind the face of a `PlatformClient`: each call blocks, and is over when it is
awaited. So a scenario awaits the client and what this module offers, and nothing else.
"""

import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, cast

import anyio

from flow_sdk import PlatformClient, SyncPlatformClient
from platform_transports.fake import FakePlatform

T = TypeVar("T")
Scenario: TypeAlias = Callable[[PlatformClient], Coroutine[Any, Any, T]]
_CALLBACKS = ("token_provider", "on_auth_token_refresh")
_DEFAULTS: dict[str, Any] = {"base_url": "https://platform.test", "auth_token": "a-token", "env": {}}


class Event(Protocol):
    """Something that happens once; who waits for it goes on then."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    async def wait(self) -> None: ...


class World:
    """Where a scenario runs."""

    def __init__(self, name: Literal["asyncio", "trio", "sync"]) -> None:
        self.name = name
        self.is_async = name != "sync"

    def __str__(self) -> str:
        return self.name

    def client(self, **arguments: Any) -> Any:
        """This world's client. Nothing comes from the environment, and `token_provider` and the like are plain functions in each world."""
        arguments = _DEFAULTS | arguments
        if not self.is_async:
            return SyncPlatformClient(**arguments)
        return PlatformClient(**{name: _as_async(value) if name in _CALLBACKS else value for name, value in arguments.items()})

    def run(self, scenario: Scenario[T], *, client: Any = None, **arguments: Any) -> T:
        """Make a client unless there is one, open it, run the scenario to its end, close the client."""
        client = self.client(**arguments) if client is None else client
        if not self.is_async:
            with client:
                return _blocking(scenario(cast("PlatformClient", _Face(client))))

        async def opened() -> T:
            async with client:
                return await scenario(client)

        return anyio.run(opened, backend=self.name)

    async def together(self, *calls: Callable[[], Coroutine[Any, Any, Any]], platform: FakePlatform | None = None) -> list[Any]:
        """Run these at the same time, in tasks or in threads: what each of them ended in, its value or its exception.

        Where each is one call to the fake platform, give it too: no time passes there until all of them have begun.
        """
        ends: list[Any] = [None] * len(calls)
        if not self.is_async:
            if platform is not None:
                platform.together(len(calls))
            with ThreadPoolExecutor(len(calls)) as threads:
                return list(threads.map(_blocking, [_ended(call) for call in calls]))

        async def end(index: int, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
            ends[index] = await _ended(call)

        async with anyio.create_task_group() as tasks:
            for index, call in enumerate(calls):
                tasks.start_soon(end, index, call)
        return ends

    def event(self) -> Event:
        """An event of this world."""
        return anyio.Event() if self.is_async else _BlockingEvent()


WORLDS = (World("asyncio"), World("trio"), World("sync"))


class _Face:
    """A blocking client whose calls can be awaited."""

    def __init__(self, client: SyncPlatformClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not inspect.iscoroutinefunction(getattr(PlatformClient, name)):
            return method if name != "with_options" else partial(_with_options, method)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call

    def __repr__(self) -> str:
        return repr(self._client)


def _with_options(method: Callable[..., SyncPlatformClient], **options: Any) -> _Face:
    return _Face(method(**options))


class _BlockingEvent:
    def __init__(self) -> None:
        self._event = threading.Event()
        self.set = self._event.set
        self.is_set = self._event.is_set

    async def wait(self) -> None:
        self._event.wait()


def _blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in which nothing really waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise AssertionError("a scenario awaits the client, and what tests.support.worlds offers, and nothing else")


async def _ended(call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 -- handed to the test
        return error


def _as_async(function: Any) -> Any:
    return function if not callable(function) else partial(_called, function)


async def _called(function: Callable[..., T], *args: Any) -> T:
    return function(*args)
