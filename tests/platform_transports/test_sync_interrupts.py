"""A KeyboardInterrupt anywhere in a call over the blocking transport, and once more in its clean-up.

After each: no slot is held, nothing stays open, and the next call works over the only slot; after one alone nothing runs on the platform
that nobody waits for.
"""

# Slots are counted from outside.
# pyright: reportPrivateUsage=false

import gc
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import pytest

import platform_transports
from flow_sdk import SyncPlatformClient
from platform_core.lifecycle import ExecutionStatus
from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_emulator import Emulator
from platform_emulator.components import COMPONENTS
from platform_transports._sockets import wrapped
from platform_transports.conformance.sender import CREDENTIALS, LONG_SECONDS, Flow, Sender
from platform_transports.contract import Progress
from platform_transports.sync import BlockingTransport
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import held, idle
from tests.platform_transports.sendings import SENDINGS, Sending
from tests.support.interrupts import unreachable

OURS = str(Path(platform_transports.__file__).parent)
SOCKETS = {"socket", "SSLSocket", "_SSLSocket", "SSLContext", "poll"}
"""Types, by their names, since that of an established TLS session has no public one."""
SLEEP = next(each.component_id for each in COMPONENTS if each.name == "sleep")
EXECUTION_SECONDS = 0.02
POLL_SECONDS_MAX = 0.01
ONE_SLOT = Limits(connections_max=1)
OVER = {ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED}

Record = Callable[[str, str], None]


class Interrupts(Protocol):
    """Makes a call, and raises KeyboardInterrupts at the places of these numbers, counted from 0."""

    met: int

    def __init__(self, *numbers: int) -> None: ...
    def interrupted(self, call: Callable[[], object]) -> bool:
        """Whether the call has ended by one."""
        ...


class AtLines:
    """Before a line of ours that a signal may come before: one interrupt alone, since Python gives up tracing after it."""

    def __init__(self, *numbers: int) -> None:
        self.met = 0
        self._numbers = numbers

    def interrupted(self, call: Callable[[], object]) -> bool:
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line" and frame.f_lasti not in unreachable(frame.f_code):
            self.met += 1
            if self.met - 1 in self._numbers:
                raise KeyboardInterrupt
        return self._trace


class AtSocketCalls:
    """Before and after each call of the system on a socket, also those that Python's own `socket` and `ssl` make."""

    events = frozenset({"c_call", "c_return", "c_exception"})

    def __init__(self, *numbers: int) -> None:
        self.met = 0
        self._numbers = numbers
        self._is_under_way = False

    def interrupted(self, call: Callable[[], object]) -> bool:
        before = sys.getprofile()
        self._is_under_way = True
        sys.setprofile(self._profile)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(before)
            self._is_under_way = False
        return False

    def go_on(self, _decision: object) -> None:
        """As an observer: Python gives up profiling once it has raised."""
        if self._is_under_way:
            sys.setprofile(self._profile)

    def _profile(self, _: FrameType, event: str, function: object) -> None:
        if event in self.events and type(getattr(function, "__self__", None)).__name__ in SOCKETS:
            self.met += 1
            if self.met - 1 in self._numbers:
                raise KeyboardInterrupt


class BeforeSocketCalls(AtSocketCalls):
    """Half as many, for what takes longer."""

    events = frozenset({"c_call"})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket between two bytecodes is closed by nobody else
@pytest.mark.parametrize("sending", SENDINGS.values(), ids=SENDINGS)
@pytest.mark.parametrize("interrupts", [AtLines, AtSocketCalls])
def test_a_send_that_is_interrupted_anywhere_loses_nothing(interrupts: type[Interrupts], sending: Sending, record_property: Record) -> None:
    def send(transport: BlockingTransport, request: OutgoingRequest, flow: Flow | None = None) -> Response:
        return Sender(transport).blocking(flow).send(request, CREDENTIALS, time.monotonic() + LONG_SECONDS, DEFAULT_LIMITS, Progress())

    def run(*numbers: int) -> tuple[int, bool]:
        transport, interrupting = BlockingTransport(ONE_SLOT, ssl_context=sending.client_context), interrupts(*numbers)
        if sending.is_warm:
            send(transport, sending.short_request(url, "warm"))
        is_interrupted = interrupting.interrupted(lambda: send(transport, sending.request(url, "interrupted"), sending.flow))
        gc.collect(0)
        assert held(transport) == 0, f"interrupted at {numbers}"
        assert send(transport, sending.short_request(url, "next")).body == b"next", f"interrupted at {numbers}"
        assert idle(transport) == 1
        transport.close()
        return interrupting.met, is_interrupted

    with echo_server(sending.server_context) as (url, connections):
        places, _ = run()
        interrupted = sum(run(number)[1] for number in range(places))
        connections.wait_until_closed()
    record_property("swept", f"{places} places, interrupted at {interrupted}")
    assert interrupted >= (8 if interrupts is AtSocketCalls else 50)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socket_that_is_interrupted_on_its_way_to_tls_is_closed_once() -> None:
    context = ssl.create_default_context()
    number, is_interrupted = 0, True
    while is_interrupted:
        ours, theirs = socket.socketpair()
        interrupts = AtSocketCalls(number)
        is_interrupted = interrupts.interrupted(lambda: wrapped(ours, context, "platform.test").close())  # noqa: B023
        gc.collect(0)
        ours.close()  # EBADF, where another has closed it
        assert theirs.recv(1) == b""
        theirs.close()
        number += 1
    assert number > 10


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_execution_that_is_interrupted_anywhere_loses_nothing(platform: Emulator, record_property: Record) -> None:
    def run(*numbers: int) -> tuple[int, bool]:
        interrupts = BeforeSocketCalls(*numbers)
        with SyncPlatformClient(platform.url, platform.token, limits=ONE_SLOT, observers=[interrupts.go_on], env={}) as client:
            before = len(platform.executions)
            is_interrupted = interrupts.interrupted(
                lambda: client.execute_code_block(SLEEP, {"seconds": EXECUTION_SECONDS}, poll_interval_seconds=POLL_SECONDS_MAX)
            )
            statuses = {each.status for each in platform.executions[before:]}
            gc.collect(0)
            assert statuses <= OVER or len(numbers) == 2, f"interrupted at {numbers}"
            transport = client._binding.get(client._closed)
            assert isinstance(transport, BlockingTransport)
            assert held(transport) == 0, f"interrupted at {numbers}"
            assert client.request("GET", "/api/v1/tenants/orgs")
        return interrupts.met, is_interrupted

    places, _ = run()
    once = twice = 0
    for first in range(places):
        once += run(first)[1]
        second = first + 1
        while run(first, second)[0] > second:
            second, twice = second + 1, twice + 1
    record_property("swept", f"{places} places, interrupted at {once}, and {twice} times again in the clean-up")
    assert once > 8
    assert twice > once
