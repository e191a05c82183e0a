"""What a process has used: its memory at the peak, its CPU time; and a process of its own to measure it in."""

import gc
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, TypeVar, TypeVarTuple, Unpack, cast

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Used(NamedTuple):
    """What this process has used by now, or between two moments."""

    memory_bytes: int
    cpu_seconds: float
    seconds: float

    @classmethod
    def now(cls, memory: str) -> "Used":
        """By now; `memory` is the line of /proc/self/status that says it."""
        return cls(_status_bytes(memory), time.process_time(), time.monotonic())

    @classmethod
    def idle(cls) -> "Used":
        """Where it begins: the peak is from here on (man 5 proc)."""
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return cls.now("VmRSS")

    def until_now(self) -> "Used":
        """Since then; the memory at its peak, beyond what there was."""
        after = self.now("VmHWM")
        return Used(after.memory_bytes - self.memory_bytes, after.cpu_seconds - self.cpu_seconds, after.seconds - self.seconds)


def apart(function: Callable[[Unpack[Ts]], T], *arguments: *Ts, seconds_max: float) -> T:
    """What the function answers with, in a process that does nothing else. Raises `TimeoutError` where it hangs, or dies."""
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_tell, args=(sending, function, *arguments))
    process.start()
    sending.close()
    try:
        if not receiving.poll(seconds_max):
            message = f"the process that measures has not ended in {seconds_max:g} s"
            raise TimeoutError(message)
        return cast("T", receiving.recv())
    finally:
        process.kill()
        process.join()
        receiving.close()


def _tell(sending: Connection, function: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> None:
    sending.send(function(*arguments))


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
