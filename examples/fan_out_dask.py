"""A thousand executions on a Dask cluster, of which a worker process is killed on the way: nothing is lost, and nothing runs twice.

    python examples/fan_out_dask.py [how many]

Dask hands out the tasks, and repeats those that were lost with a worker: under way, or done with the result still in its memory. So
each operation is made, and with it its idempotency key, before a task is: a task that is repeated sends the same submission with the
same key, and the platform answers with the execution that it has. Between tasks an execution is carried as the JSON of its handle.

Needs `platform-client[emulator]` and `distributed`. Ends with 0 if all went as it should, else with 1.
"""
# distributed has types for a part of what it offers.
# mypy: disable-error-code="no-untyped-call"
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from uuid import uuid4

from distributed import Client, LocalCluster, as_completed

from flow_sdk import ExecutionHandle, SyncPlatformClient
from platform_core import restore, snapshot, submit_code_block_execution
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS

ECHO = next(each.component_id for each in COMPONENTS if each.name == "echo")


def submitted(stored: str) -> str:
    """On a worker: submit what was stored as JSON, and answer with the handle of its execution as JSON."""
    with SyncPlatformClient() as client:
        return client.handle(client.run(restore(json.loads(stored)))).to_json()


def awaited(handle: str) -> int:
    """On a worker, maybe on another one: wait for the execution, and answer with its result."""
    with SyncPlatformClient() as client:
        return int(client.resume(ExecutionHandle.from_json(handle))["result"]["number"])


def results(cluster: Client, count: int) -> Iterator[int]:
    """All results, each as it comes."""
    operations = [submit_code_block_execution(ECHO, {"number": number}, seed=uuid4()) for number in range(count)]
    handles = cluster.map(submitted, [json.dumps(snapshot(each)) for each in operations])
    for _, result in as_completed(cluster.map(awaited, handles), with_results=True):
        yield result


def processes(local: LocalCluster) -> set[int]:
    """The worker processes of the cluster, as they are now."""
    return {nanny.pid for nanny in local.workers.values()}


def main(count: int) -> bool:
    """Whether there is one execution for each result, though a worker was lost."""
    with Emulator() as platform:
        # Workers inherit the environment, from which each makes its client: no token is in any task.
        os.environ |= {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token}
        # Its dashboard takes any free port: two clusters on one machine would ask for the same one.
        local = LocalCluster(n_workers=2, threads_per_worker=8, silence_logs=logging.CRITICAL, dashboard_address="127.0.0.1:0")
        with local, Client(local) as cluster:
            workers = processes(local)
            found: list[int] = []
            for result in results(cluster, count):
                found.append(result)
                if len(found) == count // 3:
                    os.kill(min(workers), signal.SIGKILL)
            lost = workers - processes(local)
        submissions = [request.headers.get("Idempotency-Key") for request in platform.requests if request.method == "POST"]
        executions = platform.executions
    repeated = len(submissions) - len(set(submissions))
    print(f"{len(found)} results of {len(executions)} executions, {len(lost)} worker lost, {repeated} submissions repeated")
    return sorted(found) == list(range(count)) and len(executions) == count and len(lost) == 1


if __name__ == "__main__":  # worker processes import this file too
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000) else 1)
