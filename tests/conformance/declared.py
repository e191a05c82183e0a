"""What the transports that are here cannot do, by check, with the reason: the library underneath, and its issue where there is one."""

import sys
from collections.abc import Mapping

from platform_transports.conformance.check import Check, Dialogue, Exchange
from platform_transports.conformance.checks import CHECKS
from platform_transports.conformance.steps import AwaitClose, Close, Read, Reply, Reset, Wait

_PLAYABLE = (Read, Reply, Close, Reset, Wait, AwaitClose)
EXTRA_BYTES = "httpcore keeps what came after an answer in h11's buffer, and takes it for the next one (RFC 9112, section 6.3)"
_READS_LATE = "httpcore reads once it has sent, unless sending fails (encode/httpx#30, pydantic/httpx2#13)"
_SKIPPED_UNCOUNTED = "httpcore skips interim answers without a count"
_NO_PARTIAL_HEAD = "httpcore does not tell a head that broke off from none (encode/httpcore#479)"

HTTPX: dict[str, str] = {
    "tls-body-to-the-close-needs-close-notify": "httpcore takes any end of TLS for its end (encode/httpcore#362)",
    "early-answer": _READS_LATE,
    "flows-up-early-answer": _READS_LATE,
    "closed-in-the-status-line": _NO_PARTIAL_HEAD,
    "closed-in-the-head": _NO_PARTIAL_HEAD,
    "head-cut-off-on-a-kept-connection": _NO_PARTIAL_HEAD,
    "endless-interim-answers": _SKIPPED_UNCOUNTED,
    "chunk-extensions-over-the-limit": "h11 drops chunk extensions without a count",
    "not-kept-with-more-bytes": EXTRA_BYTES,
    "not-kept-with-one-byte-more": EXTRA_BYTES,
    "no-content-with-a-body": EXTRA_BYTES,
    "not-modified-with-a-body": EXTRA_BYTES,
    "head-with-a-body": EXTRA_BYTES,
}
HTTPX_ONLY: dict[str, str] = {
    "redirect-to-nowhere-is-an-answer": "httpx parses where a redirect leads, followed or not (encode/httpx#3706)",
}
_NOT_WOKEN = "httpx has no way to end a call from another thread"
MENDED_HERE = frozenset({"tls-handshake-left"}) if sys.version_info >= (3, 13) else frozenset[str]()
"""What Python's own `ssl` sees to since."""
HTTPX_SYNC: dict[str, str] = {
    "lookup-hangs": "nothing bounds getaddrinfo in the thread that calls it (urllib3/urllib3#1334)",
    "lookup-hangs-to-the-deadline": "nothing bounds getaddrinfo in the thread that calls it (urllib3/urllib3#1334)",
    "tls-handshake-left": "before Python 3.13, httpcore leaves the socket of an interrupted handshake open (encode/httpcore#443)",
    "head-trickles": "httpx has timeouts for each read, none for the whole (encode/httpx#1450, pydantic/httpx2#557)",
    "closing-before-the-answer": _NOT_WOKEN,
    "closing-within-the-answer": _NOT_WOKEN,
    "closing-while-waiting": _NOT_WOKEN,
    "flow-closed": _NOT_WOKEN,
}
_WHOLE_PROCEDURES = frozenset(
    {
        *("closing-twice", "closing-unused", "error-chains-nothing", "error-pickles", "error-shows-no-token", "transport-shows-no-token"),
        *("flows-down-empty", "flows-down-refused", "flows-down-refused-at-length"),
    }
)


def fake(checks: Mapping[str, Check] = CHECKS) -> dict[str, str]:
    """The fake has whole answers, and declares whatever is about bytes, sockets and TLS."""
    return {
        name: "the fake has no bytes, sockets or TLS, and no time but its own"
        for name, check in checks.items()
        if not _is_whole(check) and name not in _WHOLE_PROCEDURES
    }


def _is_whole(check: object) -> bool:
    match check:
        case Exchange():
            return all(isinstance(step, _PLAYABLE) for step in check.answer)
        case Dialogue():
            return (
                check.connections is None and not check.closed and all(isinstance(each, _PLAYABLE) for one in check.scripts for each in one)
            )
        case _:
            return False
