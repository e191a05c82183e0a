"""Who a request comes from: bearer tokens, API keys, and the login that gives tokens out."""

import hashlib
import secrets
import threading
from collections.abc import Iterable
from typing import Any

from platform_core.messages import Headers, Request, Response

from .answers import json_answer, unauthenticated
from .callers import NOT_PRESENTED, Caller, presented
from .components import ORG_ID
from .fields import TEXT, Invalid, check_fields, json_fields
from .keeping import NOWHERE, Keeper
from .tokens import LIFETIME_SECONDS, Identity, TokenError, Tokens

DEVELOPMENT_API_KEY = "fl_emulator-development-key-that-opens-nothing-else"
"""Fixed, so that a configuration may name it. Stands for the ordinary developer."""

DEVELOPMENT_EMAIL = "developer@example.com"
DEVELOPMENT_PASSWORD = "development"
"""The one user there is."""

REFRESH_LIFETIME_SECONDS = 30 * 24 * 3600.0


def digest(api_key: str) -> bytes:
    """What is kept of a key. It is random and long, so that nothing slower than SHA-256 is needed for it."""
    return hashlib.sha256(api_key.encode("utf-8")).digest()


class Credentials:
    """Gives credentials out and checks them; usable from many threads."""

    def __init__(self, tokens: Tokens, keeper: Keeper = NOWHERE) -> None:
        self.tokens = tokens
        self._keeper = keeper
        self._lock = threading.Lock()
        self._keys = {digest(DEVELOPMENT_API_KEY): Identity("the development key", 0.0, Caller()), **keeper.api_keys}

    def new_api_key(self, org_ids: Iterable[str] = (ORG_ID,)) -> str:
        """One more key that is accepted, by this emulator alone. Raises `DatabaseError` where it cannot be kept."""
        caller = Caller.seeing(org_ids)
        key = f"fl_{secrets.token_urlsafe(24)}"
        with self._lock:
            identity = Identity(f"key {len(self._keys)}", self.tokens.moment(), caller)
            self._keeper.keep_api_key(digest(key), identity)
            self._keys[digest(key)] = identity
        return key

    def identity(self, headers: Headers) -> Identity:
        """Whose credentials these are; where a key and a token stand, the key counts. Raises `TokenError`."""
        found = presented(headers)
        if found is None:
            raise TokenError(NOT_PRESENTED)
        if not found.is_key:
            return self.tokens.identity(found.secret)
        with self._lock:
            identity = self._keys.get(digest(found.secret))
        if identity is None:
            raise TokenError("the API key is not one of this platform")
        return identity

    def login(self, request: Request) -> Response:
        """200 with `access_token` and `refresh_token` for the right e-mail and password, else 401; 4xx where one is missing."""
        try:
            fields: dict[str, Any] = json_fields(request)
            check_fields(fields, {"email": TEXT, "password": TEXT}, frozenset({"email", "password"}))
        except Invalid as invalid:
            return invalid.answer
        if (fields["email"], fields["password"]) != (DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD):
            return unauthenticated("the e-mail or the password is wrong")
        return json_answer(
            200,
            {
                "access_token": self.tokens.new(),
                "refresh_token": self.tokens.new(REFRESH_LIFETIME_SECONDS, use="refresh"),
                "token_type": "bearer",
                "expires_in": int(LIFETIME_SECONDS),
            },
        )
