"""When to try again, and when next. Whether anything is repeated is decided here and nowhere else.

Rule 1: what the server cannot have seen may be sent again.
Rule 2: what it may have seen only where repeating is harmless: a method idempotent by RFC 9110, section 9.2.2, a cancel, or a
        request with an idempotency key. Such a request is also repeated after an answer that says "later" (RFC 9110, 15.5.9,
        15.6.3 to 15.6.5). RFC 9110 says that a client should not repeat an automatic repeat; our bounded loop departs from it,
        and the key is what allows that.
Rule 3: 429 says that nothing was done, so anything may be repeated after it. 500 is the platform's word for a failed execution.
Rule 4: what would fail the same way again is not repeated: a certificate, an answer over the limits, our own closing.
Rule 5: a body that cannot be sent twice is handed to a transport once, whatever becomes of it: not even for a new token, and not after
        `sent="no"` either, since whoever made the connection may have asked the body for its first piece.
Rule 6: an attempt that brought more of a download is the first of a new row: what is bounded is how often in a row nothing comes of it.
        The deadline and the budget bound the whole.
"""

from dataclasses import dataclass
from typing import NamedTuple

from .checks import checked_count, checked_seconds
from .messages import External, Request
from .outcomes import FailureCause, Sent

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
IDEMPOTENCY_KEY = "Idempotency-Key"
TOO_MANY_REQUESTS = 429
CONFLICT = 409
LATER_STATUSES = frozenset({408, TOO_MANY_REQUESTS, 502, 503, 504})
CONFLICT_SECONDS_MAX = 10.0
"""How long a submission bears that its first attempt is still being taken in."""
FINAL_CAUSES = frozenset({FailureCause.TLS, FailureCause.TOO_LARGE, FailureCause.CLOSED})
RETRY_COST = 5
_DOUBLINGS_MAX = 64
"""Beyond it a pause is at its cap in any case, and 2.0 ** n would overflow in the end."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one call is tried, and how long it pauses in between: full jitter below a bound that doubles up to its cap.

    Raises `TypeError` or `ValueError` that names the field.
    """

    attempts_max: int = 4
    """The first one included; the send after a token refresh is none."""
    pause_first_seconds: float = 0.5
    pause_seconds_max: float = 8.0

    def __post_init__(self) -> None:
        checked_count(self.attempts_max, "retry.attempts_max")
        checked_seconds(self.pause_first_seconds, "retry.pause_first_seconds")
        checked_seconds(self.pause_seconds_max, "retry.pause_seconds_max")

    def pause_seconds(self, pauses: int) -> float:
        """The upper bound of the pause after `pauses` pauses, before jitter."""
        return min(self.pause_seconds_max, self.pause_first_seconds * 2.0 ** min(pauses, _DOUBLINGS_MAX))


DEFAULT_RETRY = RetryPolicy()


class RetryBudget(NamedTuple):
    """What a client may still spend on repeats, so that an outage does not turn all its calls into a storm of them."""

    balance: int = 500
    balance_max: int = 500

    @property
    def is_full(self) -> bool:
        """Whether nothing was spent that has not been paid back."""
        return self.balance >= self.balance_max

    def withdraw(self, cost: int) -> "RetryBudget | None":
        """The budget after paying, or None where it cannot pay: it is never negative."""
        return RetryBudget(self.balance - cost, self.balance_max) if cost <= self.balance else None

    def deposit(self) -> "RetryBudget":
        """The budget after an operation that ended well."""
        return self if self.is_full else RetryBudget(self.balance + 1, self.balance_max)


def is_harmless(request: Request) -> bool:
    """Whether repeating this request does nothing that its first sending did not do; a cancel is harmless besides."""
    return request.method in IDEMPOTENT_METHODS or IDEMPOTENCY_KEY in request.headers


def is_sent_once(request: Request) -> bool:
    """Whether the request cannot be sent a second time: Rule 5."""
    return isinstance(request.body, External) and not request.body.replayable


def repeats_status(status: int, *, harmless: bool) -> bool:
    """Whether a request that was answered with this status is sent again: Rules 2 and 3."""
    return status == TOO_MANY_REQUESTS or (harmless and status in LATER_STATUSES)


def repeats_failure(cause: FailureCause, sent: Sent, *, harmless: bool) -> bool:
    """Whether a request that got no answer is sent again: Rules 1, 2 and 4."""
    return cause not in FINAL_CAUSES and (sent == "no" or harmless)


def repeats_at_once(cause: FailureCause, sent: Sent, *, reused: bool, harmless: bool) -> bool:
    """Whether the server closed an idle connection just as we used it again (RFC 9112, section 9.3.1): no fault, so no pause."""
    return reused and cause is FailureCause.DISCONNECTED and repeats_failure(cause, sent, harmless=harmless)


def attempts_so_far(attempts: int, *, moved_on: bool) -> int:
    """How many attempts count once this one has ended: Rule 6."""
    return 1 if moved_on else attempts


def may_have_been_seen(status: int) -> bool:
    """Whether a server that answered so may have begun what was asked for: not after a refusal."""
    return status in (408, CONFLICT) or not 300 <= status < 500
