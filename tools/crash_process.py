"""One process of the crash sweep (`crash_sweep.py`): it runs an execution and dies at a given moment, or goes on with what one left.

Where the platform is stands in the environment. What a recovered run ended in is printed as a line of JSON.
"""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import anyio

from flow_sdk import Journal, PlatformClient, SyncPlatformClient
from flow_sdk.many import Recovered
from platform_core.actions import Action, Send, Sleep
from platform_core.machine import Decision
from platform_emulator.components import COMPONENTS

World: TypeAlias = Literal["asyncio", "trio", "sync"]
When: TypeAlias = Literal["before it is stored", "stored, not performed", "performed"]
SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")


class Moment(NamedTuple):
    """When the process dies, by the action that it decided on last: `submission`, `wait`, `poll`, `cancel` or `end`, and which of them."""

    action: str
    number: int
    when: When


class Dying(Journal):
    """A journal whose process is killed at this moment, by the signal that no process can answer."""

    def __init__(self, path: Path, moment: Moment) -> None:
        super().__init__(path)
        self._moment = moment
        self._told = Counter[str]()
        self._last = "nothing", 0

    def __call__(self, decision: Decision) -> None:
        """Store it, unless that moment is now."""
        self._die("performed")
        name = _name(decision.action)
        self._told[name] += 1
        self._last = name, self._told[name]
        self._die("before it is stored")
        super().__call__(decision)
        self._die("stored, not performed")

    def _die(self, when: When) -> None:
        if (*self._last, when) == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


def main(command: str, world: World, journal: str, arguments: str = "{}") -> None:
    """`die` at a `Moment`, of an execution that sleeps so long, and whose caller may leave in the first pause; or `recover`."""
    path, given = Path(journal), json.loads(arguments)
    if command == "recover":
        ends = _recover_sync(path) if world == "sync" else anyio.run(_recover, path, backend=world)
        print(*(json.dumps(_told(each)) for each in ends), sep="\n")
        return
    dying = Dying(path, Moment(*given["moment"]))
    if world == "sync":
        _execute_sync(dying, given["seconds"], leaves=given["leaves"])
    else:
        anyio.run(_execute, dying, given["seconds"], given["leaves"], backend=world)


async def _execute(journal: Journal, seconds: float, leaves: bool) -> None:  # noqa: FBT001 -- anyio.run hands on by position alone
    with anyio.CancelScope() as scope:

        def leave(decision: Decision) -> None:
            if leaves and isinstance(decision.action, Sleep):
                scope.cancel()

        async with PlatformClient(journal=journal, observers=[leave]) as client:
            await client.execute_code_block(SLEEP, {"seconds": seconds})


def _execute_sync(journal: Journal, seconds: float, *, leaves: bool) -> None:
    def leave(decision: Decision) -> None:
        if leaves and isinstance(decision.action, Sleep):
            raise KeyboardInterrupt

    with SyncPlatformClient(journal=journal, observers=[leave]) as client:
        client.execute_code_block(SLEEP, {"seconds": seconds})


async def _recover(path: Path) -> list[Recovered]:
    async with PlatformClient() as client:
        return [each async for each in client.recover(path)]


def _recover_sync(path: Path) -> list[Recovered]:
    with SyncPlatformClient() as client:
        return list(client.recover(path))


def _name(action: Action[Any]) -> str:
    if isinstance(action, Sleep):
        return "wait"
    if not isinstance(action, Send):
        return "end"
    if action.request.method == "GET":
        return "poll"
    return "cancel" if action.request.path.endswith("/cancel") else "submission"


def _told(recovered: Recovered) -> dict[str, Any]:
    handle, end = recovered
    told = {"execution_id": None if handle is None else handle.execution_id}
    if isinstance(end, Exception):
        return {**told, "ended": type(end).__name__, "result": None}
    return {**told, "ended": end["status"], "result": end.get("result")}


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
