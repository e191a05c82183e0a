"""What the native transports share about connecting: addresses, the TLS context, and what failures mean."""

import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypeVar

from platform_core.outcomes import FailureCause

from ._connections import connect_kind
from .contract import TransportError
from .http1.request import Origin

L = TypeVar("L")
RECEIVE_BYTES = 64 * 1024
PIECE_BYTES = 256 * 1024
"""How much of a long body is handed on at a time, so that an early answer is seen between two pieces."""
_LEFT_BEHIND_MAX = 32
_PROXY_VARIABLES = {"http": ("http_proxy", "all_proxy"), "https": ("https_proxy", "all_proxy")}


class Address(NamedTuple):
    """One place where a host may be reached, as `socket.getaddrinfo` tells it."""

    family: int
    sockaddr: tuple[str | int | bytes, ...]


Found: TypeAlias = "list[Address] | OSError"


@lru_cache(maxsize=1)
def default_context() -> ssl.SSLContext:
    """What verifies servers against the system's certificates. Made once, since that takes longer than many requests."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def checked_context(ssl_context: object) -> ssl.SSLContext | None:
    """A caller's context, used as it is; None stands for our own, which is made when it is needed."""
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        message = f"ssl_context must be an ssl.SSLContext or None, not {type(ssl_context).__name__}"
        raise TypeError(message)
    return ssl_context


def context_for(origin: Origin, given: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The context for a connection there; None where it has no TLS."""
    if origin.scheme != "https":
        return None
    return default_context() if given is None else given


def same_loop(bound: L | None, loop: L) -> L:
    """The event loop that a transport is bound to: the first one in which it was used. Raises `TransportError` in another."""
    if bound is not None and bound is not loop:
        raise TransportError(FailureCause.LOCAL, "no", detail="this transport belongs to another event loop")
    return loop


def connect_error(error: Exception, origin: Origin) -> TransportError:
    """What a failure to connect means. Nothing was sent; the detail says so where a proxy may be what is missing."""
    kind = connect_kind(error)
    hint = "" if kind is FailureCause.LOCAL else _proxy_hint(origin)
    return TransportError(kind, "no", detail=_detail_of(error) + hint)


def connect_late(origin: Origin, until: float, deadline: float) -> TransportError:
    """Connecting has lasted until then."""
    kind = FailureCause.CONNECT_TIMEOUT if until < deadline else FailureCause.TIMEOUT
    return TransportError(kind, "no", detail="connecting took too long" + _proxy_hint(origin))


def broken_detail(error: BaseException | None) -> str:
    """A short word for how a connection broke; never the text of the error, which may hold anything."""
    return "closed without a word" if error is None else _detail_of(error)


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """One family after the other in turn, the first one first, so that a family without a route costs one try (RFC 8305, section 4)."""
    first = [each for each in addresses if each.family == addresses[0].family]
    others = [each for each in addresses if each.family != addresses[0].family]
    mixed = [each for pair in zip(first, others, strict=False) for each in pair]
    return mixed + first[len(others) :] + others[len(first) :]


def share_seconds(left: float, addresses_left: int) -> float:
    """How long one address is tried: an even share of what is left, so that a dead one leaves time for the others."""
    return left / addresses_left


def numeric_addresses(origin: Origin) -> list[Address] | None:
    """The address of a host that is one already; None for a name."""
    try:
        return _looked_up(origin, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None


_left_behind: dict[threading.Thread, None] = {}
"""Threads that nobody waits for any more. Each change of it is one step of the interpreter, so that it needs no lock."""


@contextmanager
def looked_up(origin: Origin, tell: Callable[[], object]) -> Generator[list[Found]]:
    """Resolve a host in a thread of its own, which then calls `tell`: the list that this answers with has one element by then.

    Nothing can end a lookup that hangs: leaving this leaves it behind. While too many are left behind, there is none more.
    """
    found: list[Found] = []

    def run() -> None:
        try:
            addresses: Found = interleaved(_looked_up(origin, 0))
        except OSError as error:
            addresses = error.with_traceback(None)
        except UnicodeError:
            addresses = socket.gaierror(socket.EAI_NONAME, "not a name")
        found.append(addresses)
        tell()

    thread = threading.Thread(target=run, name="lookup", daemon=True)
    try:
        _start(thread)
    except OSError as error:
        found.append(error.with_traceback(None))
        tell()
    try:
        yield found
    finally:
        if not found:
            _left_behind[thread] = None


def _start(thread: threading.Thread) -> None:
    for each in list(_left_behind):
        if not each.is_alive():  # nor is any after a fork
            _left_behind.pop(each, None)
    if len(_left_behind) >= _LEFT_BEHIND_MAX:
        raise OSError(errno.ENOBUFS, "too many lookups hang")
    try:
        thread.start()
    except RuntimeError:
        raise OSError(errno.ENOMEM, "no thread for a lookup") from None


def _looked_up(origin: Origin, flags: int) -> list[Address]:
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM, flags=flags)
    return [Address(family, tuple(sockaddr)) for family, _, _, _, sockaddr in found]


def _detail_of(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"certificate refused: {error.verify_message}"
        case ssl.SSLError():
            hint = ": is it a port for plain HTTP?" if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"} else ""
            return f"{error.reason or type(error).__name__}{hint}"
        case OSError() if error.errno in errno.errorcode:
            return errno.errorcode[error.errno or 0]
        case BaseExceptionGroup():
            return ", ".join(sorted({_detail_of(each) for each in error.exceptions}))
        case OSError() if error.errno is None and error.__cause__ is not None:
            return _detail_of(error.__cause__)
        case _:
            return type(error).__name__


def _proxy_hint(origin: Origin) -> str:
    """A proxy's URL may hold a password: only the variable is named."""
    from urllib.request import proxy_bypass  # takes longer to import than all of ours

    for name in _PROXY_VARIABLES[origin.scheme]:
        for variable in (name, name.upper()):
            if os.environ.get(variable) and not proxy_bypass(origin.host):
                return f"; {variable} is set, but this transport uses no proxy: hand in HttpxTransport(proxy=…), or HttpxSyncTransport"
    return ""
