"""What a hostile server or network does beyond what the conformance suite asks of everybody, as checks of the same kind."""

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call
from platform_transports.conformance.certificates import serving
from platform_transports.conformance.check import Check, Dialogue, Exchange, Procedure, require
from platform_transports.conformance.ends import Answered, Failed
from platform_transports.conformance.sender import SHORT_SECONDS
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE, OK, READ, RECEIVE, RESET, WAIT, Endless, Reply

HOST = "127.0.0.1"
HEAD = b"HTTP/1.1 200 OK\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
UPLOAD = bytes(16 * 1024 * 1024)
NO_ANSWER = (Failed(FailureCause.PROTOCOL), Failed(FailureCause.DISCONNECTED), Failed(FailureCause.READ))


async def _plain_to_a_tls_port(bench: Bench) -> None:
    """What does not understand us may answer with an alert, or close, or reset."""
    with bench.server((READ, OK), tls=serving(HOST)) as server:
        await bench.call(bench.sender(), server.url.replace("https", "http"), Call(NO_ANSWER))
        require(not server.requests, "a server of TLS cannot have read a plain request")


async def _closing_over_unread_bytes(bench: Bench) -> None:
    sender = bench.sender(trusted=True)
    with bench.server((READ, OK, WAIT, EVIL, AWAIT_CLOSE), tls=serving(HOST)) as server:
        await bench.call(sender, server.url, Call())
        server.release()
        await sender.close()
        await bench.wait(lambda: server.wait_for(closed=1))


async def _trust_is_each_transports_own(bench: Bench) -> None:
    trusting, distrusting = bench.sender(trusted=True), bench.sender()
    with bench.server((READ, OK, READ, OK, AWAIT_CLOSE), *[(READ, OK)] * 2, tls=serving(HOST)) as server:
        await bench.call(trusting, server.url, Call())
        await bench.call(distrusting, server.url, Call(Failed(FailureCause.TLS, "no")), "without trust: ")
        await bench.call(trusting, server.url, Call(), "with trust, again: ")
        require(len(server.requests) == 2, "the request of the one that does not trust went out")


async def _reset_while_sending(bench: Bench) -> None:
    sender = bench.sender()
    ends = tuple([Failed(kind) for kind in (FailureCause.WRITE, FailureCause.DISCONNECTED, FailureCause.READ)])
    with bench.server((RECEIVE, RESET), (READ, OK)) as server:
        await bench.call(sender, server.url, Call(ends, "PUT", UPLOAD))
        await bench.call(sender, server.url, Call(), "after it: ")


SCRIPTS: tuple[Check, ...] = (
    Procedure("plain-to-a-tls-port", "A server of TLS does not answer plain HTTP, and that is an error.", _plain_to_a_tls_port),
    Procedure(
        "tls-closing-over-unread-bytes",
        "Bytes that come while TLS is closed (APPLICATION_DATA_AFTER_CLOSE_NOTIFY) neither fail the closing nor hold it up.",
        _closing_over_unread_bytes,
    ),
    Procedure("trust-is-each-transports-own", "Whom one transport trusts is nobody else's business.", _trust_is_each_transports_own),
    Procedure(
        "reset-while-sending",
        "A reset in the middle of an upload may have been seen, and costs nothing but its connection.",
        _reset_while_sending,
    ),
    Exchange(
        "folded-field",
        "A field that goes on in the next line is one, with a space between (RFC 9112, section 5.2).",
        (HEAD + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok",),
        Answered(200, b"ok", (("X-A", "a b"), ("Content-Length", "2"))),
    ),
    Exchange(
        "bare-line-feeds",
        "Lines may end without a CR (RFC 9112, section 2.2).",
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",),
        Answered(200, b"ok", (("Content-Length", "2"),)),
    ),
    Exchange("status-600", "A status outside of 100 to 599 is handed on: the core refuses it.", (Reply(600, b"x"),), Answered(600, b"x")),
    Exchange("status-499", "A status that nobody knows is an answer.", (Reply(499, b"x"),), Answered(499, b"x")),
    Exchange(
        "footer-of-a-chunk-wrong",
        "A chunk's data ends with CR LF and nothing else (CVE-2025-43859).",
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n", AWAIT_CLOSE),
        Failed(FailureCause.PROTOCOL),
    ),
    # ── two faults at once ────────────────────────────────────────────────────────────────────────────────────────────
    Dialogue(
        "stale-then-broken",
        "A kept connection that is closed as we send, and then a new one that breaks off: each is told as what it is.",
        ((READ, OK, READ, CLOSE), (READ, HEAD + b"Content-Length: 9\r\n\r\nhalf", CLOSE), (READ, OK)),
        (Call(), Call(Failed(FailureCause.DISCONNECTED, "maybe", reused=True)), Call(Failed(FailureCause.READ)), Call()),
        connections=3,
    ),
    Dialogue(
        "stalls-then-trickles",
        "A server that stalls, and on the next connection trickles: neither outlasts its deadline, and neither connection serves again.",
        ((READ, HEAD, AWAIT_CLOSE), (READ, HEAD + b"Content-Length: 99\r\n\r\n", Endless(b"a", 0.01)), (READ, OK)),
        (*[Call(Failed(FailureCause.TIMEOUT), seconds=SHORT_SECONDS)] * 2, Call()),
        connections=3,
        closed=2,
    ),
    Dialogue(
        "interim-answer-then-closed",
        "An interim answer is none: what is closed after it is no answer.",
        ((READ, b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE), (READ, OK)),
        (Call((Failed(FailureCause.DISCONNECTED), Failed(FailureCause.READ))), Call()),
        connections=2,
    ),
    Dialogue(
        "too-large-then-evil",
        "What comes after an answer that was refused for its length answers no later call.",
        ((READ, HEAD + b"Content-Length: 20\r\n\r\n" + b"a" * 20 + EVIL, AWAIT_CLOSE), (READ, OK)),
        (Call(Failed(FailureCause.TOO_LARGE), limits=Limits(response_body_bytes_max=10)), Call()),
        connections=2,
        closed=1,
    ),
)
CHECKS: dict[str, Check] = {check.name: check for check in SCRIPTS}
