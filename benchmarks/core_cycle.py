"""What one poll costs in the core, beside one cycle of h11: without any I/O, so that it can be timed, or its instructions counted.

The poll is what a driver makes of it: the pause is over, the request goes out, the answer comes, the next pause. Strict JSON is taken out
of it, since whoever reads an answer pays for that. h11's cycle is that of a client: a request is made and sent, the answer read.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import h11

from benchmarks.json_server import ANSWER, BODY, EXECUTION_ID, ROOT
from benchmarks.machine import pinned
from benchmarks.rounds import Ratio, ratio
from platform_core import config, execution, messages, operations, outcomes, strict_json

_SEED = UUID("6f1c2a7e-0f60-4d0b-9f1e-0d5f4f8f1a11")
_HOUR = 3600.0
_MICROSECONDS = 1e6
_COUNT = 1000
SHARE_AIM = 0.36


def polls(count: int) -> None:
    """So many polls of an execution that goes on, and their pauses."""
    response = messages.Response(200, messages.Headers((("Content-Type", "application/json"), ("Content-Length", str(len(BODY))))), BODY)
    operation: Any = operations.await_execution(EXECUTION_ID, _HOUR * 1000, 1.0, seed=_SEED, settings=config.DEFAULT_SETTINGS)
    operation, _ = operation.step(outcomes.Started(0.0))
    at = 0.0
    for _ in range(count):
        operation, _ = operation.step(outcomes.Received(at, response, 1))
        at += 0.01
        operation, _ = operation.step(outcomes.Woke(at))
    assert isinstance(operation, execution.Polling), "it goes on"


def readings(count: int) -> None:
    """So many times the JSON of that answer."""
    for _ in range(count):
        strict_json.strict_json(BODY, 64)


def h11_cycles(count: int) -> None:
    """So many requests and answers on one connection."""
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", "127.0.0.1"), ("Authorization", "Bearer token"), ("Accept", "application/json"), ("User-Agent", "benchmark")]
    for _ in range(count):
        connection.send(h11.Request(method="GET", target=f"/api/v1/executions/{EXECUTION_ID}", headers=headers))
        connection.send(h11.EndOfMessage())
        connection.receive_data(ANSWER)
        while not isinstance(connection.next_event(), h11.EndOfMessage):
            pass
        connection.start_next_cycle()


class Costs(NamedTuple):
    """CPU microseconds for each."""

    poll: float
    reading: float
    h11_cycle: float

    @property
    def share(self) -> float:
        """The poll without its JSON, beside h11's cycle."""
        return (self.poll - self.reading) / self.h11_cycle


def costs(count: int) -> Costs:
    """One round: each of the three, one after the other."""
    return Costs(*(_timed(work, count) for work in (polls, readings, h11_cycles)))


def shares(rounds: int) -> Ratio:
    """The share of the core in as many rounds, in a process and on a core of its own."""
    command = [sys.executable, "-m", "benchmarks.core_cycle", str(rounds)]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return ratio(json.loads(ran.stdout), [1.0] * rounds)


def _timed(work: Callable[[int], None], count: int) -> float:
    began = time.process_time()
    work(count)
    return (time.process_time() - began) / count * _MICROSECONDS


if __name__ == "__main__":
    pinned(0)
    costs(_COUNT)
    print(json.dumps([costs(_COUNT).share for _ in range(int(sys.argv[1]))]))
