"""Names that resolve as a check says, or never: `socket.getaddrinfo` is replaced while it lasts, for every library in this process."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

from .ends import ImpossibleError

Found: TypeAlias = "list[tuple[Any, ...]]"
OTHER_HOST = "127.0.0.2"
"""Loopback as well, on Linux and Windows without further ado; nobody listens there."""
_HANG_SECONDS_MAX = 10.0


@contextmanager
def resolving(answer: Callable[[], Found]) -> Generator[None]:
    """Let this answer where a name is looked up; what is an address already is found as ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002, ANN401 -- as socket names it
        text = host.decode("ascii") if isinstance(host, bytes) else host
        if flags & socket.AI_NUMERICHOST or not isinstance(text, str) or text.replace(".", "").isdigit() or ":" in text:
            return real(host, port, family, type, proto, flags)
        return answer()

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = real


def unknown_name() -> Found:
    """No name is known."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@contextmanager
def hanging() -> Generator[Callable[[], Found]]:
    """An answer that does not come as long as the check lasts."""
    ended = threading.Event()

    def hang() -> Found:
        ended.wait(_HANG_SECONDS_MAX)
        raise socket.gaierror(socket.EAI_AGAIN, "the check has ended")

    try:
        yield hang
    finally:
        ended.set()


@contextmanager
def dead_address(port: int = 0) -> Generator[tuple[str, int]]:
    """An address that takes no connection and refuses none: its queue is full. Not that of the server on this port, if one is given."""
    with ExitStack() as stack:
        try:
            full = stack.enter_context(socket.create_server((OTHER_HOST if port else "127.0.0.1", port), backlog=1))
        except OSError as error:
            message = f"there is no address {OTHER_HOST} here"
            raise ImpossibleError(message) from error
        address: tuple[str, int] = full.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.0)
            filler.connect_ex(address)
        yield address


def addresses(port: int, *hosts: str) -> Found:
    """As `socket.getaddrinfo` tells them; one port for all, as ever."""
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)) for host in hosts]


@contextmanager
def no_descriptors() -> Generator[None]:
    """No file descriptor to spare, for the whole process."""
    try:
        import resource
    except ImportError:  # pragma: no cover -- Windows has no such limit
        raise ImpossibleError("this system has no limit on file descriptors that a process may lower") from None
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A new descriptor has the lowest number that is free: with 0, 1 and 2 taken, none is below this.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
