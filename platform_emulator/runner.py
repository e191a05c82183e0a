"""Runs of users' functions: each in a process of its own, with a thread of ours that talks to it.

Rule 1: the model decides and records; what a process reports is taken where the model still waits for it.
Rule 2: an execution that ended otherwise, cancelled or past its deadline, has its process killed: nothing else surely ends Python code.
Rule 3: processes are made by `spawn`: a fork of a process with threads may deadlock.
"""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from platform_core.lifecycle import ExecutionStatus

from . import keeping
from .executions import WORKER_LOST
from .keeping import DatabaseError
from .registration import Registered
from .service import Service
from .state import Execution
from .submissions import inputs_of
from .worker_process import READY, RESULT_BYTES_MAX, main

T = TypeVar("T")

PROCESSES_MAX = 8
"""Running at once; further executions stay pending."""
START_SECONDS_MAX = 60.0
"""For the start of an interpreter, on the busiest of machines."""

_LOST: dict[str, Any] = {"error": {"code": WORKER_LOST, "message": "the worker process ended before the function did", "details": []}}

_PROCESSES = threading.Lock()
"""Held to start and to reap: multiprocessing keeps one list of all children, and starting one reaps others."""


class Runner:
    """Belongs to one thread, but for its runs; `changed` is called in theirs, whenever the platform's state has changed."""

    def __init__(self, service: Service, functions: Iterable[Registered], changed: Callable[[], None]) -> None:
        self._service = service
        self._functions = {each.component.component_id: each for each in functions}
        self._changed = changed
        self._runs: dict[str, _Run] = {}

    def look(self) -> None:
        """End the runs of what has ended, and begin those of what waits, as far as there are processes for them."""
        for execution_id, run in list(self._runs.items()):
            if not run.is_alive():
                del self._runs[execution_id]
            elif self._service.ended(execution_id) is not None:
                run.kill()
        for execution in self._service.waiting():
            if len(self._runs) >= PROCESSES_MAX:
                break
            if execution.execution_id not in self._runs:
                function = self._functions[execution.component.component_id]
                run = self._runs[execution.execution_id] = _Run(self._service, execution, function, self._changed)
                run.start()

    def close(self) -> None:
        """Kill all runs, and return when they are gone."""
        for run in self._runs.values():
            run.kill()
        for run in self._runs.values():
            run.join()


class _Run(threading.Thread):
    def __init__(self, service: Service, execution: Execution, function: Registered, changed: Callable[[], None]) -> None:
        super().__init__(name=f"platform_emulator {execution.execution_id}", daemon=True)
        self._service = service
        self._execution = execution
        self._changed = changed
        self._killed = False
        self._process_lives = False
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe()
        self._process = context.Process(target=main, args=(self._theirs, function.module, function.qualified_name), daemon=True)

    def run(self) -> None:
        with self._ours:
            outcome: dict[str, Any] | None
            try:
                self._start_process()
                outcome = self._conversation()
            except (EOFError, OSError, ValueError):
                outcome = _LOST
            finally:
                self._end_process()
        if outcome is not None and not self._killed:
            self._begin()  # where it was lost before it was ready: only a running one can fail
            if "error" in outcome:
                end = partial(self._service.end, self._execution.execution_id, ExecutionStatus.FAILED, outcome["error"])
            else:
                end = partial(self._service.end, self._execution.execution_id, ExecutionStatus.COMPLETED, outcome["result"])
            self._kept(end)
        self._changed()

    def kill(self) -> None:
        """End the process; nothing is reported any more."""
        with _PROCESSES:
            self._killed = True
            if self._process_lives:
                self._process.kill()

    def _start_process(self) -> None:
        with _PROCESSES, self._theirs:
            if self._killed:
                raise EOFError
            self._process.start()
            self._process_lives = True

    def _conversation(self) -> dict[str, Any] | None:
        """What the function came to; None where nobody waits for it any more.

        Raises `EOFError`, `OSError` or `ValueError` where the process is lost.
        """
        if not self._ours.poll(START_SECONDS_MAX) or self._ours.recv_bytes(len(READY)) != READY:
            raise EOFError
        if not self._begin():
            return None
        self._changed()
        self._ours.send_bytes(json.dumps(inputs_of(self._execution)).encode("ascii"))
        outcome: dict[str, Any] = json.loads(self._ours.recv_bytes(2 * RESULT_BYTES_MAX))
        return outcome

    def _begin(self) -> bool:
        return self._kept(partial(self._service.begin, self._execution.execution_id)) or False

    def _kept(self, change: Callable[[], T]) -> T | None:
        """What this change of the platform comes to, as soon as it can be kept; None where the run is killed before."""
        while not self._killed:
            try:
                return change()
            except DatabaseError:
                time.sleep(keeping.AGAIN_SECONDS)
        return None

    def _end_process(self) -> None:
        """Also where the function has come to its end: it may have left threads behind, for which the process would wait."""
        with _PROCESSES:
            if self._process_lives:
                self._process_lives = False
                self._process.kill()
                self._process.join()
                self._process.close()
