"""The wrapper around a token, so that no text, pickle or copy of anything that holds one shows it."""

import re
from dataclasses import dataclass
from typing import NoReturn

API_KEY_PREFIX = "fl_"
_B64TOKEN = r"[A-Za-z0-9\-._~+/]+=*"


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A bearer token, or an API key of the platform. Compares by value; made by `Token.checked`."""

    _value: str

    @classmethod
    def checked(cls, value: object, parameter: str) -> "Token":
        """The token in `value` (b64token of RFC 6750, section 2.1).

        Raises `TypeError` or `ValueError` that names the parameter and never quotes the value.
        """
        if not isinstance(value, str):
            message = f"{parameter} must be a str, not {type(value).__name__}"
            raise TypeError(message)
        if not value:
            message = f"{parameter} is empty"
            raise ValueError(message)
        if not re.fullmatch(_B64TOKEN, value):
            message = f"{parameter} has a character that a bearer token may not have (RFC 6750, section 2.1); look for spaces and quotes"
            raise ValueError(message)
        return cls(str.__str__(value))

    @property
    def header(self) -> tuple[str, str]:
        """The name and the value of the header that carries it. The value is the secret: for a transport, never for a text."""
        if self._value.startswith(API_KEY_PREFIX):
            return "X-API-Key", self._value
        return "Authorization", f"Bearer {self._value}"

    def __repr__(self) -> str:
        return "Token(<secret>)"

    def __reduce__(self) -> NoReturn:
        message = "a token is not pickled or copied: it would then stand where nobody guards it"
        raise TypeError(message)
