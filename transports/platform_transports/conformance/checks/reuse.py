"""Which connection serves again: only one whose answer was read whole, with nothing after it, and that both sides keep."""

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Call
from platform_transports.conformance.check import Check, Dialogue, Expired, Release
from platform_transports.conformance.ends import Answered, Failed
from platform_transports.conformance.sender import SHORT_SECONDS
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE, OK, OK_BYTES, READ, RESET, WAIT, Reply, Step

_HEAD = b"HTTP/1.1 200 OK\r\n"
_OK = b"Content-Length: 2\r\n\r\nok"
_STALE = Failed(FailureCause.DISCONNECTED, "maybe", reused=True)
_EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def _kept(name: str, fact: str, answer: Step, first: Call) -> Dialogue:
    return Dialogue(name, fact, ((READ, answer, READ, OK),), (first, Call()), connections=1)


def _last(name: str, fact: str, *answer: Step, first: Call | None = None) -> Dialogue:
    """The answer is the last on its connection: the client closes, or the next call finds the connection closed."""
    return Dialogue(name, fact, ((READ, *answer), (READ, OK)), (first or Call(), Call()), connections=2)


CHECKS: tuple[Check, ...] = (
    _kept("connection-is-kept", "A connection serves again after a whole answer.", OK, Call()),
    _kept(
        "kept-after-chunks",
        "Also after one of chunks.",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        Call(),
    ),
    _kept("kept-after-head", "Also after one to HEAD.", _HEAD + b"Content-Length: 5\r\n\r\n", Call(Answered(200, b""), "HEAD")),
    _kept("kept-after-an-error", "Also after an error status.", Reply(500, b"no"), Call(Answered(500, b"no"))),
    _kept("kept-after-no-content", "Also after 204.", b"HTTP/1.1 204 No Content\r\n\r\n", Call(Answered(204, b""))),
    _last(
        "not-kept-by-the-server",
        "`Connection: close` is the server's word.",
        _HEAD + b"Connection: close\r\n" + _OK,
        AWAIT_CLOSE,
    ),
    _last(
        "not-kept-among-others",
        "Also within a list, in any case.",
        _HEAD + b"Connection: x-a, CLOSE\r\n" + _OK,
        AWAIT_CLOSE,
    ),
    _last("not-kept-in-http-1.0", "HTTP/1.0 keeps none.", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", AWAIT_CLOSE),
    _last("not-kept-after-the-close", "What was read to the close is closed.", _HEAD + b"\r\nok", CLOSE),
    _last("not-kept-with-more-bytes", "Bytes after an answer belong to nobody: they answer no later call.", OK_BYTES + _EVIL, AWAIT_CLOSE),
    _last("not-kept-with-one-byte-more", "Not even one.", OK_BYTES + b"\n", AWAIT_CLOSE),
    _last(
        "no-content-with-a-body",
        "The body that 204 must not have answers no later call.",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n" + _EVIL,
        AWAIT_CLOSE,
        first=Call(Answered(204, b"")),
    ),
    _last(
        "not-modified-with-a-body",
        "Nor does that of 304.",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n" + _EVIL,
        AWAIT_CLOSE,
        first=Call(Answered(304, b"")),
    ),
    _last(
        "head-with-a-body",
        "Nor does that of an answer to HEAD.",
        _HEAD + b"Content-Length: 42\r\n\r\n" + _EVIL,
        AWAIT_CLOSE,
        first=Call(Answered(200, b""), "HEAD"),
    ),
    Dialogue(
        "reset-content-with-a-body",
        "The body that 205 must not have is none (RFC 9110, section 15.3.6), and answers no later call.",
        ((READ, b"HTTP/1.1 205 Reset Content\r\nContent-Length: 42\r\n\r\n" + _EVIL, READ, OK), (READ, OK)),
        (Call(Answered(205, b"")), Call()),
    ),
    Dialogue(
        "bytes-while-idle",
        "What comes on an idle connection answers no later call.",
        ((READ, OK, WAIT, _EVIL, AWAIT_CLOSE), (READ, OK)),
        (Call(), Release(), Call()),
        connections=2,
    ),
    Dialogue(
        "closed-while-idle",
        "A connection that was closed while idle is not used.",
        ((READ, OK, WAIT), (READ, OK)),
        (Call(), Release(), Call()),
        connections=2,
    ),
    Dialogue(
        "reset-while-idle",
        "Nor is one that was reset.",
        ((READ, OK, WAIT, RESET), (READ, OK)),
        (Call(), Release(), Call()),
        connections=2,
    ),
    Dialogue(
        "idle-connection-expires",
        "An idle connection is closed by us, before the server does it.",
        ((READ, OK, AWAIT_CLOSE), (READ, OK)),
        (Call(), Expired(), Call()),
        connections=2,
        closed=1,
        limits=Limits(idle_seconds_max=SHORT_SECONDS / 4),
    ),
    Dialogue(
        "closed-as-we-send",
        "A kept connection that is closed as we send is told from a new one: the core may send again at once (RFC 9112, section 9.3.1).",
        ((READ, OK, READ, CLOSE),),
        (Call(), Call(_STALE)),
    ),
    Dialogue("reset-as-we-send", "Also one that is reset.", ((READ, OK, READ, RESET),), (Call(), Call(_STALE))),
    Dialogue(
        "cut-off-on-a-kept-connection",
        "An answer that breaks off is `read`, also on a kept connection.",
        ((READ, OK, READ, _HEAD + b"Content-Length: 9\r\n\r\nhalf", CLOSE),),
        (Call(), Call(Failed(FailureCause.READ, "maybe", reused=True))),
    ),
    Dialogue(
        "head-cut-off-on-a-kept-connection",
        "Also within its head: the server has begun to answer, so that this is not the race with its closing.",
        ((READ, OK, READ, b"HTTP/1.1 20", CLOSE),),
        (Call(), Call(Failed(FailureCause.READ, "maybe", reused=True))),
    ),
    Dialogue(
        "no-retry",
        "A transport sends once: whether again is decided elsewhere.",
        ((READ, CLOSE), (READ, OK)),
        (Call(Failed(FailureCause.DISCONNECTED), "GET"),),
        connections=1,
    ),
    Dialogue(
        "no-retry-on-a-kept-connection",
        "Also where the connection was a kept one.",
        ((READ, OK, READ, CLOSE), (READ, OK)),
        (Call(), Call(_STALE, "GET")),
        connections=1,
    ),
    Dialogue(
        "refused-answers-cost-their-connection",
        "An answer that was not read whole closes its connection.",
        ((READ, _HEAD + b"Content-Length: 2000\r\n\r\n" + b"a" * 1500, AWAIT_CLOSE), (READ, OK)),
        (Call(Failed(FailureCause.TOO_LARGE), limits=Limits(response_body_bytes_max=1000)), Call()),
        connections=2,
        closed=1,
    ),
)
