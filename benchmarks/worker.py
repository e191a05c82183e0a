"""One client in a process and on a core of its own, which measures it whenever it is told to.

Run as a program it takes the number of its subject in `subjects()`; each line of its standard input is a JSON list, the URL of the
server, how many calls at a time, for how many seconds; it answers each with a line: microseconds of CPU time for one call.
"""

import gc
import json
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import cast

import anyio

from benchmarks.json_server import RECORD
from benchmarks.machine import pinned
from benchmarks.subjects import AsyncCall, AsyncOpened, Call, Opened, Subject, subjects

_MICROSECONDS = 1e6


class _Measured:
    """CPU time for each call; zero calls are the fault of whoever measured for too short a time."""

    def __init__(self) -> None:
        self.calls = 0
        self.cpu_seconds = 0.0

    @contextmanager
    def counting(self) -> Generator[None]:
        gc.collect()
        began = time.process_time()
        yield
        self.cpu_seconds = time.process_time() - began

    @property
    def microseconds(self) -> float:
        return self.cpu_seconds / self.calls * _MICROSECONDS


def measure(subject: Subject, url: str, at_a_time: int, seconds: float) -> float:
    """CPU time of one call in microseconds: so many at a time, one after the other, until so many seconds are over.

    Each of them has made a first call before, so that its connection is open.
    """
    if subject.world == "threads":
        return _measure_in_threads(cast("Opened", subject.opened), url, at_a_time, seconds)
    options = {"use_uvloop": subject.world == "uvloop"} if subject.world != "trio" else {}
    backend = "trio" if subject.world == "trio" else "asyncio"
    return anyio.run(
        _measure_in_tasks, cast("AsyncOpened", subject.opened), url, at_a_time, seconds, backend=backend, backend_options=options
    )


async def _measure_in_tasks(opened: AsyncOpened, url: str, at_a_time: int, seconds: float) -> float:
    measured = _Measured()

    async def repeat(call: AsyncCall, until: float) -> None:
        while True:
            await call()
            measured.calls += 1
            if time.monotonic() >= until:
                return

    async with opened(url, at_a_time) as call:
        assert await call() == RECORD, "the right answer, read right"
        async with anyio.create_task_group() as first:
            for _ in range(at_a_time):
                first.start_soon(call)
        with measured.counting():
            async with anyio.create_task_group() as tasks:
                until = time.monotonic() + seconds
                for _ in range(at_a_time):
                    tasks.start_soon(repeat, call, until)
    return measured.microseconds


def _measure_in_threads(opened: Opened, url: str, at_a_time: int, seconds: float) -> float:
    measured = _Measured()

    def repeat(call: Call, until: float) -> int:
        calls = 0
        while True:
            call()
            calls += 1
            if time.monotonic() >= until:
                return calls

    with opened(url, at_a_time) as call, ThreadPoolExecutor(at_a_time) as threads:
        assert call() == RECORD, "the right answer, read right"
        for each in [threads.submit(call) for _ in range(at_a_time)]:
            each.result()
        with measured.counting():
            until = time.monotonic() + seconds
            measured.calls = sum([each.result() for each in [threads.submit(repeat, call, until) for _ in range(at_a_time)]])
    return measured.microseconds


def main(number: str) -> None:
    """Serve one subject."""
    pinned(0)
    subject = subjects()[int(number)]
    for line in sys.stdin:
        url, at_a_time, seconds = json.loads(line)
        print(measure(subject, url, at_a_time, seconds), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
