"""What the tests of both token stores share."""

from typing import Any

from platform_core.tokens import Token
from platform_transports.contract import Credentials
from platform_transports.tokens import Denied, Granted
from tests.support.patience import HANG_SECONDS

OLD = "old-s3cr3t"
NEW = "new-s3cr3t"
LONG_SECONDS = HANG_SECONDS
AWAY = Denied("client closed", permanent=True)
LATE = Denied("deadline passed", permanent=False)
ANSWERS: list[tuple[Any, Denied]] = [
    (OSError(NEW), Denied("OSError", permanent=False)),
    (ConnectionResetError(NEW), Denied("ConnectionResetError", permanent=False)),
    (TimeoutError(NEW), Denied("TimeoutError", permanent=False)),
    (RuntimeError(NEW), Denied("RuntimeError", permanent=True)),
    (KeyError(NEW), Denied("KeyError", permanent=True)),
    (f"{NEW} ", Denied("ValueError", permanent=True)),
    ("", Denied("ValueError", permanent=True)),
    (b"new", Denied("TypeError", permanent=True)),
    (None, Denied("TypeError", permanent=True)),
]

SHARED: list[tuple[Any, Granted | Denied]] = [
    (NEW, Granted()),
    (OSError(), Denied("OSError", permanent=False)),
    (LookupError(), Denied("LookupError", permanent=True)),
]


def token(text: str = OLD) -> Token:
    return Token.checked(text, "auth_token")


def bearer(text: str) -> Credentials:
    return Credentials("Authorization", f"Bearer {text}")
