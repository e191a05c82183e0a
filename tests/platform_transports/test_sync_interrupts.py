"""A KeyboardInterrupt anywhere in a call over the blocking transport: no slot is lost, nothing stays open, and the next call works."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import pytest

import platform_transports
from platform_core.limits import Limits
from platform_transports.sync import BlockingTransport
from tests.platform_transports.certificates import serving, trusting
from tests.platform_transports.echo_server import echo_server
from tests.platform_transports.native_subject import blocking_send, held
from tests.support.interrupts import unreachable

OURS = str(Path(platform_transports.__file__).parent)
SOCKETS = {"socket", "SSLSocket", "_SSLSocket", "SSLContext", "poll"}
"""Types, by their names, since that of an established TLS session has no public one."""

Interrupted: TypeAlias = Callable[[int, Callable[[], object]], bool]
"""Call, and raise a KeyboardInterrupt at the place of this number; whether there was one."""


def at_line(number: int, call: Callable[[], object]) -> bool:
    """Before a line of ours that a signal may come before."""
    left = number

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line" and frame.f_lasti not in unreachable(frame.f_code):
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def at_socket_call(number: int, call: Callable[[], object]) -> bool:
    """Before or after a call of the system on a socket, also those that Python's own `socket` and `ssl` make."""
    left = number

    def profile(_: FrameType, event: str, function: object) -> None:
        nonlocal left
        if event in {"c_call", "c_return", "c_exception"} and type(getattr(function, "__self__", None)).__name__ in SOCKETS:
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket between two bytecodes is closed by nobody else
@pytest.mark.parametrize(
    ("interrupted", "secure"),
    [(at_line, False), (at_socket_call, False), (at_socket_call, True)],
    ids=["at a line", "at a call on a socket", "at a call on a socket with TLS"],
)
@pytest.mark.parametrize("warm", [False, True], ids=["new", "kept"])
def test_an_interrupt_costs_no_slot_and_the_next_call_works(interrupted: Interrupted, secure: bool, warm: bool) -> None:
    number = 0
    with echo_server(serving("127.0.0.1") if secure else None) as (url, connections):
        while True:
            transport = BlockingTransport(Limits(connections_max=1), ssl_context=trusting() if secure else None)
            if warm:
                blocking_send(transport, url, "warm")
            is_interrupted = interrupted(number, lambda: blocking_send(transport, url, "interrupted"))  # noqa: B023
            gc.collect(0)
            assert held(transport) == 0, f"at place {number}"
            assert blocking_send(transport, url, f"next {number}").body == f"next {number}".encode()
            transport.close()
            if not is_interrupted:
                break
            number += 1
        connections.wait_until_closed()
    print(f"interrupted at {number} places")
    assert number >= (8 if interrupted is at_socket_call else 50)
