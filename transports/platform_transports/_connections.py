"""What every adapter says of a connection: why it could not be made, and how long its closing may take."""

import errno
import socket
import ssl

from platform_core.outcomes import FailureCause

CLOSE_SECONDS_MAX = 1.0
"""How long the closing of a connection may take, in the middle of whatever made us close it."""
_LOCAL_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""This machine has no file descriptor, memory or port to spare."""


def connect_kind(error: BaseException) -> FailureCause:
    """What lies at the ground of a failed connection, also where a library has wrapped it."""
    match error:
        case socket.gaierror() | UnicodeError():
            return FailureCause.DNS
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return FailureCause.CONNECT
        case ssl.SSLError():
            return FailureCause.TLS
        case OSError() if error.errno in _LOCAL_ERRNOS:
            return FailureCause.LOCAL
        case BaseExceptionGroup():
            kinds = {connect_kind(each) for each in error.exceptions}
            return kinds.pop() if len(kinds) == 1 else FailureCause.CONNECT
        case _:
            below = below_of(error)
            return FailureCause.CONNECT if below is None else connect_kind(below)


def below_of(error: BaseException) -> BaseException | None:
    """What an exception was made of: some libraries cut `__cause__`, but keep the exception as an argument of their own one."""
    if error.__cause__ is not None:
        return error.__cause__
    return next((each for each in error.args if isinstance(each, BaseException)), None)
