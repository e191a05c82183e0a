"""What runs in a worker process: one function of a user's, once, from its inputs to its outcome.

It says `READY`, is sent the inputs, and sends its outcome, each as one message of bytes: nothing that it sends is unpickled.
"""

import asyncio
import importlib
import inspect
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import reduce
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

if sys.platform == "linux":
    import fcntl

from platform_core.limits import DEFAULT_LIMITS
from platform_core.strict_json import InvalidJson, strict_json

READY = b"ready"
RESULT_BYTES_MAX = DEFAULT_LIMITS.response_body_bytes_max // 4
"""A record with such a result, escaped to ASCII, is still one that a client takes in."""


def main(connection: Connection, module: str, qualified_name: str) -> None:
    """Run one function. It can be interrupted in no way but by the end of this process."""
    os.dup2(2, 1)  # what functions print is not for whoever reads the emulator's own output
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    with connection:
        connection.send_bytes(READY)
        inputs: dict[str, Any] = json.loads(connection.recv_bytes())
        connection.send_bytes(outcome(module, qualified_name, inputs))


def outcome(module: str, qualified_name: str, inputs: dict[str, Any]) -> bytes:
    """`{"result": …}`, or `{"error": {"code", "message", "details"}}` where the function raises or its result is not JSON."""

    def found(given: dict[str, Any]) -> object:
        function: Any = reduce(getattr, qualified_name.split("."), importlib.import_module(module))
        return function(given)

    return outcome_of(found, inputs)


def outcome_of(function: Callable[[dict[str, Any]], Any], inputs: dict[str, Any]) -> bytes:
    """The same of a function that is at hand."""
    try:
        result: object = function(inputs)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
    except BaseException as error:  # noqa: BLE001 -- whatever it is, it ends this run and is told to whoever waits for it
        return _error("COMPONENT_FAILED", f"{type(error).__name__}: {error}".removesuffix(": "))
    try:
        text = json.dumps({"result": result}, allow_nan=False).encode("ascii")
        strict_json(text, DEFAULT_LIMITS.json_depth_max - 2)  # the record lies around it
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"must be JSON that every reader takes: {error}" if isinstance(error, InvalidJson) else f"must be JSON: {error}"
        return _error("INVALID_RESULT", f"the result {reason}")
    if len(text) > RESULT_BYTES_MAX:
        return _error("INVALID_RESULT", f"the result must have at most {RESULT_BYTES_MAX} bytes as JSON")
    return text


async def _awaited(awaitable: Any) -> object:  # noqa: ANN401 -- whatever can be awaited
    return await awaitable


def _error(code: str, message: str) -> bytes:
    """An error whose text may hold anything, also what UTF-8 has no form for."""
    text = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps({"error": {"code": code, "message": text, "details": []}}).encode("ascii")


def _end_with_parent() -> None:
    """No run outlives the emulator, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        if sys.platform == "linux":
            _signal_hangup(parent.sentinel)
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _signal_hangup(pipe: int) -> None:
    """Let the kernel end this process when nobody holds the other end of a pipe.

    A thread does the same, but where a function is in C code that never lets another thread run. Only on Linux is this known to work.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
