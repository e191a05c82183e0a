"""All that looks random, as pure functions of (seed, purpose, counter): so that a replay is exact by construction."""

import hashlib
from uuid import UUID, uuid5

_VARIANT = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
"""The digit that holds the variant of a UUID (RFC 9562, section 4.1), by what the digest has in its place."""


def derived_uuid(seed: UUID, purpose: str, counter: int = 0) -> UUID:
    """A UUID for this purpose: always the same one for the same arguments (RFC 9562, section 5.5)."""
    return uuid5(seed, f"{purpose}/{counter}")


def unit_random(seed: UUID, purpose: str, counter: int) -> float:
    """A number in [0, 1) for this purpose, evenly spread."""
    digest = hashlib.blake2b(f"{purpose}/{counter}".encode(), key=seed.bytes, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def idempotency_key(seed: UUID) -> UUID:
    """The key of the one submission that a run may make."""
    return derived_uuid(seed, "idempotency-key")


def request_id(seed: UUID, number: int) -> str:
    """The `X-Request-ID` of the run's request of this number, counted from 0."""
    digest = hashlib.sha1(seed.bytes + b"request/%d" % number, usedforsecurity=False).hexdigest()
    # The text of `derived_uuid(seed, "request", number)`, without the UUID: every request has one, and nobody asks for more than its text.
    variant = _VARIANT[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
