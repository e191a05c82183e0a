"""The blocking transport alone: many threads, and a fork."""

# Slots are counted, and taken, from outside.
# pyright: reportPrivateUsage=false

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports._thread_slots import Slots
from platform_transports.conformance.certificates import authority, serving
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, request_to
from platform_transports.conformance.server import raw_server
from platform_transports.conformance.steps import AWAIT_CLOSE, READ
from platform_transports.contract import Progress, TransportError
from platform_transports.http1.request import Origin
from platform_transports.sync import BlockingTransport
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import blocking_send, held
from tests.support.patience import HANG_SECONDS


def test_many_threads_share_few_connections() -> None:
    transport = BlockingTransport(Limits(connections_max=3))

    def call(number: int) -> bool:
        return all(blocking_send(transport, url, f"{number}-{turn}").body == f"{number}-{turn}".encode() for turn in range(15))

    with echo_server() as (url, connections), ThreadPoolExecutor(24) as threads:
        assert all(threads.map(call, range(24)))
        assert held(transport) == 0
        assert len(connections) <= 3
        transport.close()


def test_closing_ends_the_calls_of_all_threads_those_that_wait_too() -> None:
    transport = BlockingTransport(Limits(connections_max=2))
    kinds: list[tuple[FailureCause, str]] = []

    def call() -> None:
        try:
            transport.send(request_to(server.url), CREDENTIALS, time.monotonic() + LONG_SECONDS, DEFAULT_LIMITS, Progress())
        except TransportError as error:
            kinds.append((error.kind, error.sent))

    with raw_server((READ, AWAIT_CLOSE), (READ, AWAIT_CLOSE)) as server:
        threads = [threading.Thread(target=call) for _ in range(6)]
        for thread in threads:
            thread.start()
        server.wait_for(requests=2)
        began = time.monotonic()
        transport.close()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < LONG_SECONDS / 2
    assert sorted(kinds) == [(FailureCause.CLOSED, "maybe")] * 2 + [(FailureCause.CLOSED, "no")] * 4


def test_a_close_in_the_moment_before_a_socket_is_known_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = BlockingTransport()
    attach = Slots.attach

    def close_first(slots: Slots, lease: Any, stream: Any) -> None:
        transport.close()
        attach(slots, lease, stream)

    monkeypatch.setattr(Slots, "attach", close_first)
    began = time.monotonic()
    with raw_server((AWAIT_CLOSE,)) as server, pytest.raises(TransportError) as caught:
        blocking_send(transport, server.url.replace("http", "https"), "late")
    assert time.monotonic() - began < LONG_SECONDS / 2
    assert (caught.value.kind, caught.value.sent) == (FailureCause.CLOSED, "no")


FORKING = """
import os, ssl, sys, time
from platform_core.limits import DEFAULT_LIMITS
from platform_core.messages import Headers, Inline, OutgoingRequest
from platform_transports.contract import Credentials, Progress
from platform_transports._thread_slots import Slots
from platform_transports.http1.request import Origin
from platform_transports.sync import BlockingTransport

transport = BlockingTransport(ssl_context=ssl.create_default_context(cafile=sys.argv[2]))

def call(name):
    request = OutgoingRequest("GET", sys.argv[1] + "/", Headers((("X-Request-ID", name),)), Inline(b""))
    answer = transport.send(request, Credentials("A", "b"), time.monotonic() + 5, DEFAULT_LIMITS, Progress())
    assert answer.body == name.encode(), answer.body

call("before")
slots = transport._slots()
slots._lock.acquire()  # as if another thread had held it
child = os.fork()
if not child:
    code = 1
    try:
        call("child 1")
        call("child 2")
        transport.close()
        code = 0
    finally:
        os._exit(code)
slots._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
call("after")
transport.close()
"""


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_a_fork_has_connections_of_its_own_and_leaves_those_of_its_parent_alone(tmp_path: Path, is_secure: bool) -> None:
    trusted = tmp_path / "authority.pem"
    authority().cert_pem.write_to_path(trusted)
    with echo_server(serving("127.0.0.1") if is_secure else None) as (url, connections):
        subprocess.run([sys.executable, "-W", "error", "-c", FORKING, url, trusted], check=True, timeout=HANG_SECONDS)
    assert len(connections) == 2


FORKING_CLIENT = """
import os, sys
from flow_sdk import SyncPlatformClient

client = SyncPlatformClient()

def call(side):
    for number in range(20):
        record = client.execute_code_block(sys.argv[1], {side: number})
        assert record["result"] == {side: number}, record

call("before")
child = os.fork()
if not child:
    code = 1
    try:
        call("child")
        client.close()
        code = 0
    finally:
        os._exit(code)
call("parent")
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
call("after")
client.close()
"""


def test_a_client_goes_on_in_both_processes_of_a_fork() -> None:
    echo = next(each.component_id for each in COMPONENTS if each.name == "echo")
    with Emulator() as platform:
        environment = {**os.environ, "PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token}
        subprocess.run([sys.executable, "-W", "error", "-c", FORKING_CLIENT, echo], check=True, timeout=60, env=environment)
        assert len(platform.executions) == 80


def test_who_waits_looks_for_himself_where_nobody_told_him(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    wait = Slots.wait

    def tell(slots: Slots, lease: Any, deadline: float) -> bool:
        waiting.set()
        return wait(slots, lease, deadline)

    monkeypatch.setattr(Slots, "wait", tell)
    transport = BlockingTransport(Limits(connections_max=1))
    with echo_server() as (url, _):
        blocking_send(transport, url, "first")
        slots = transport._slots()
        lease = slots.acquire(Origin("http", "127.0.0.1", int(url.rpartition(":")[2])))
        answers: list[Response] = []
        thread = threading.Thread(target=lambda: answers.append(blocking_send(transport, url, "second")))
        thread.start()
        assert waiting.wait(LONG_SECONDS)
        del lease
        thread.join()
        assert answers[0].body == b"second"
        transport.close()
