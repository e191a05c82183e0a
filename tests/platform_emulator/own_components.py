"""Functions as a user would write them, for worker processes to import."""

import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

from platform_emulator import agent, code_block, workflow

print("printed at import")


@code_block
def double(inputs: dict[str, Any]) -> dict[str, Any]:
    print("printed in a run")
    return {"n": 2 * inputs["n"]}


@code_block(name="by_another_name", component_id="C0DE0000-0000-4000-8000-00000000ABCD")
def named(inputs: dict[str, Any]) -> Any:
    return inputs


@code_block
def sleep_for_ever(inputs: dict[str, Any]) -> None:
    """Says which process it is, and holds on to it."""
    Path(inputs["file"]).write_text(str(os.getpid()))
    while True:
        try:
            time.sleep(60)
        except BaseException:  # noqa: BLE001 -- as stubborn as a function can be
            continue


@code_block
def never_lets_go(inputs: dict[str, Any]) -> None:
    """Says that it runs, and then is for ages in C code, in which no other thread of its process can run."""
    Path(inputs["file"]).write_text(str(os.getpid()))
    re.match("(a+)+b", "a" * 100)


@code_block
def raises(inputs: dict[str, Any]) -> None:
    raise LookupError(inputs.get("message", ""))


@code_block
def exits(_inputs: dict[str, Any]) -> None:
    sys.exit("gone")


@code_block
def dies(_inputs: dict[str, Any]) -> None:
    os._exit(3)


@code_block
def answers_with(inputs: dict[str, Any]) -> Any:
    """What JSON has no form for, by name."""
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    return {
        "a set": {1},
        "nan": float("nan"),
        "a lone surrogate": "\ud800",
        "deep": deep,
        "large": "x" * 20_000_000,
    }[inputs["what"]]


@code_block
def leaves_a_thread(_inputs: dict[str, Any]) -> str:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return "done"


@agent
async def helper(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"answer": inputs}


@workflow
def plan(inputs: dict[str, Any]) -> list[Any]:
    return [inputs]


def plain(inputs: dict[str, Any]) -> Any:
    return inputs
