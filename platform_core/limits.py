"""Every bound on what is sent and taken in, in one frozen value."""

from dataclasses import dataclass, fields

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that make an answer accepted or refused the same way however the network cuts it.

    Raises `TypeError` or `ValueError`, naming the field, for anything but a positive number.
    """

    header_bytes_max: int = 64 * 1024
    """The header block of an answer, with its status line."""
    headers_count_max: int = 100
    interim_answers_max: int = 16
    """1xx answers before the final one: CVE-2021-3737 is an endless row of them."""
    request_body_bytes_max: int = 64 * _MIB
    response_body_bytes_max: int = 64 * _MIB
    json_depth_max: int = 64
    """Far below the depth at which CPython's parser runs out of stack."""
    connections_max: int = 100
    idle_seconds_max: float = 20.0
    """How long an unused connection is kept; below the usual keep-alive of servers, so that we close first."""
    connect_seconds_max: float = 10.0
    """Name resolution, connection and TLS handshake together."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            whole = field.type is int
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                message = f"limits.{field.name} must be {'a whole number' if whole else 'a number'}, not {type(value).__name__}"
                raise TypeError(message)
            if not 0 < value < float("inf"):
                message = f"limits.{field.name} must be positive and finite, not {value}"
                raise ValueError(message)


DEFAULT_LIMITS = Limits()
