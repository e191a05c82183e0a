"""Access tokens as the platform mints them: JSON Web Tokens (RFC 7519), signed with one symmetric key."""

import hashlib
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast
from uuid import uuid4

import jwt

from .callers import Caller
from .components import ORG_ID, WORKSPACE_ID

DEVELOPMENT_KEY = "platform-emulator development key: signs nothing that is worth anything"
"""Fixed, so that an emulator that was started again accepts the tokens given out before."""

_jwt = cast(Any, jwt)
"""Untyped: its types name those of cryptography, which may not be installed."""

ALGORITHM = "HS256"
KEY_BYTES_MIN = 32
"""RFC 7518, section 3.2: as long as the hash."""
LIFETIME_SECONDS = 12 * 3600.0
LEEWAY_SECONDS = 10.0
"""For clocks that differ."""
TICK_SECONDS = 1e-6
"""What a POSIX time as a float still tells apart."""


class TokenError(Exception):
    """A token is not accepted; the text says why, and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose an accepted token or key is: a name of its own, when it was given out (POSIX seconds), and what it may see."""

    name: str
    issued_at: float
    caller: Caller


class Tokens:
    """Mints and checks tokens; usable from many threads.

    Every token, and every `moment`, has a time of its own, so that "minted before" is never in doubt within a process.
    Raises `ValueError` for an empty key; one that is shorter than its hash is stretched by SHA-256.
    """

    def __init__(self, key: str = DEVELOPMENT_KEY) -> None:
        if not key:
            raise ValueError("key must not be empty")
        raw = key.encode("utf-8")
        self._key = raw if len(raw) >= KEY_BYTES_MIN else hashlib.sha256(raw).digest()
        self._lock = threading.Lock()
        self._last = 0.0

    def new(self, lifetime_seconds: float = LIFETIME_SECONDS, *, org_ids: Iterable[str] = (ORG_ID,), use: str = "access") -> str:
        """A token that expires after so many seconds; a negative number makes one that has expired.

        It opens these organizations, see `Caller.seeing`; of another `use` than `access` it opens nothing.
        """
        caller = Caller.seeing(org_ids)
        if not isfinite(lifetime_seconds):
            raise ValueError(f"lifetime_seconds must be finite, not {lifetime_seconds}")
        issued_at = self.moment()
        claims = {
            "sub": "developer",
            "org_id": ORG_ID,
            "org_ids": sorted(caller.org_ids),
            "workspace_id": WORKSPACE_ID,
            "use": use,
            "jti": str(uuid4()),
            "iat": issued_at,
            "exp": issued_at + lifetime_seconds,
        }
        token: str = _jwt.encode(claims, self._key, algorithm=ALGORITHM)
        return token

    def moment(self) -> float:
        """The time, in POSIX seconds: later than that of every token minted so far, earlier than that of every later one."""
        with self._lock:
            self._last = max(time.time(), self._last + TICK_SECONDS)
            return self._last

    def identity(self, token: str) -> Identity:
        """Whose this token is. Raises `TokenError` for one that is not ours, has expired, or is not for access."""
        try:
            claims: dict[str, Any] = _jwt.decode(
                token, self._key, algorithms=[ALGORITHM], leeway=LEEWAY_SECONDS, options={"require": _CLAIMS}
            )
        except jwt.ExpiredSignatureError:
            raise TokenError("the token has expired") from None
        except jwt.InvalidTokenError:
            raise TokenError("the token is not one of this platform") from None
        if claims["use"] != "access":
            raise TokenError("the token is not one for access")
        return Identity(claims["jti"], float(claims["iat"]), Caller(frozenset(claims["org_ids"])))


_CLAIMS = ["exp", "iat", "jti", "org_ids", "use"]
