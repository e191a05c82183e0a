"""Answers that are none: each is refused with its kind, however the network cuts it, and never half of it is handed on."""

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.check import Check, Exchange
from platform_transports.conformance.ends import Failed
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE, RESET, Endless, Reply, Step

_HEAD = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_OK = b"Content-Length: 2\r\n\r\nok"
_TWO = b"2\r\nok\r\n0\r\n\r\n"
_BROKEN = Failed(FailureCause.READ)
_GONE = Failed(FailureCause.DISCONNECTED)
_NONSENSE = Failed(FailureCause.PROTOCOL)
_TOO_LARGE = Failed(FailureCause.TOO_LARGE)
_SMALL_BODY = Limits(response_body_bytes_max=1000)
_SMALL_HEAD = Limits(header_bytes_max=200, headers_count_max=5)


def _broken(name: str, fact: str, answer: bytes) -> Exchange:
    return Exchange(name, fact, (answer, CLOSE), _BROKEN)


def _bad(name: str, fact: str, answer: bytes) -> Exchange:
    return Exchange(name, fact, (answer, AWAIT_CLOSE), _NONSENSE)


def _endless(name: str, fact: str, *answer: Step, limits: Limits = DEFAULT_LIMITS) -> Exchange:
    return Exchange(name, fact, answer, _TOO_LARGE, limits=limits, is_cut=False)


_CUT_OFF: tuple[Check, ...] = (
    Exchange("closed-before-the-answer", "A new connection that is closed before any byte is `disconnected`.", (CLOSE,), _GONE),
    Exchange("reset-before-the-answer", "And so is one that is reset.", (RESET,), _GONE),
    _broken("closed-in-the-status-line", "What breaks off within the answer is `read`.", b"HTTP/1.1 20"),
    _broken("closed-in-the-head", "A head that breaks off is no head.", _HEAD + b"Content-Length: 2\r\n"),
    _broken("closed-in-the-body", "A body shorter than announced is none.", _HEAD + b"Content-Length: 9\r\n\r\nhalf"),
    _broken("closed-after-the-head", "Nor is one that never began.", _HEAD + b"Content-Length: 9\r\n\r\n"),
    _broken("closed-in-a-chunk", "A chunk that breaks off is no chunk.", _CHUNKED + b"9\r\nhalf"),
    _broken("closed-in-a-chunk-size", "And so is its size.", _CHUNKED + b"2\r\nok\r\n1"),
    _broken("no-last-chunk", "Chunks without the last one are no body.", _CHUNKED + b"2\r\nok\r\n"),
    Exchange(
        "closed-in-the-trailer", "The end of a trailer belongs to the answer.", (_CHUNKED + b"2\r\nok\r\n0\r\nX-A: b\r\n", CLOSE), _BROKEN
    ),
    Exchange(
        "huge-length-few-bytes",
        "Nothing is set aside for bytes that are only announced (CVE-2025-13836); that there are too many may be said at once.",
        (_HEAD + b"Content-Length: 99999999999999\r\n\r\nfew", CLOSE),
        (_BROKEN, _TOO_LARGE),
    ),
)


def _length(value: bytes) -> bytes:
    return _HEAD + b"Content-Length: " + value + b"\r\n\r\nok"


_MALFORMED: tuple[Check, ...] = (
    _bad("not-http", "Another protocol is not HTTP.", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    _bad("tls-alert", "A port for TLS answers plain HTTP with an alert.", b"\x15\x03\x03\x00\x02\x02\x46\r\n\r\n"),
    _bad("empty-line-before-the-answer", "Nothing comes before the status line.", b"\r\n\r\n" + _HEAD + _OK),
    _bad("unasked-upgrade", "101 was not asked for.", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    _bad("status-of-two-digits", "A status has three digits.", b"HTTP/1.1 20 OK\r\n" + _OK),
    _bad("status-000", "And is at least 100.", b"HTTP/1.1 000 OK\r\n" + _OK),
    _bad("status-099", "And is at least 100.", b"HTTP/1.1 099 OK\r\n" + _OK),
    _bad("length-with-a-sign", "`+2` is no length (CVE-2023-47627).", _length(b"+2")),
    _bad("length-negative", "`-1` is no length.", _length(b"-1")),
    _bad("length-with-an-underscore", "`2_0` is no length, though `int` takes it.", _length(b"2_0")),
    _bad("length-of-thirty-digits", "A length of 30 digits is none.", _length(b"9" * 30)),
    _bad("length-empty", "Nothing is no length.", _length(b"")),
    _bad("lengths-that-differ", "Two lengths are none.", _HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk"),
    _bad(
        "length-and-chunks",
        "Both framings at once are an attempt at smuggling (RFC 9112, section 6.3).",
        _HEAD + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n" + _TWO,
    ),
    _bad("coding-gzip-chunked", "We asked for no transfer coding.", _HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + _TWO),
    _bad("coding-unknown", "`xchunked` is not `chunked`.", _HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + _TWO),
    _bad(
        "coding-twice",
        "Chunked twice is not chunked.",
        _HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + _TWO,
    ),
    _bad("chunk-size-negative", "`-3` is no size.", _CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n"),
    _bad("chunk-size-with-a-prefix", "`0x3` is no size.", _CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    _bad("chunk-size-of-21-digits", "A size of 21 digits is none.", _CHUNKED + b"0" * 20 + b"3\r\nabc\r\n0\r\n\r\n"),
    _bad("chunk-size-missing", "Nothing is no size.", _CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    _bad("chunk-longer-than-its-size", "A chunk ends where its size says (CVE-2025-43859).", _CHUNKED + b"2\r\nokXX" + _TWO),
    _bad("trailer-malformed", "A trailer is made of fields.", _CHUNKED + b"2\r\nok\r\n0\r\nno field\r\n\r\n"),
    _bad("space-before-the-colon", "A name has no space after it (RFC 9112, section 5.1).", _HEAD + b"X-A : a\r\n" + _OK),
    _bad("name-empty", "A field has a name.", _HEAD + b": a\r\n" + _OK),
    _bad("no-colon", "A field has a colon.", _HEAD + b"X-A\r\n" + _OK),
    _bad("nul-in-a-value", "A value has no NUL.", _HEAD + b"X-A: a\x00b\r\n" + _OK),
    _bad("bare-cr-in-a-value", "A value has no bare CR.", _HEAD + b"X-A: a\rb\r\n" + _OK),
)

_FIELD = b"X-A: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
_LONG_EXTENSION = b"1;" + b"a" * 10_000 + b"\r\na\r\n"
_LONG_FIELD = (("X-A", "a" * 200),)
_CHUNK = b"a\r\n0123456789\r\n"
_OVERSIZED: tuple[Check, ...] = (
    Exchange("body-over-the-limit", "A body may not be longer than the limit.", (Reply(200, b"a" * 1001),), _TOO_LARGE, limits=_SMALL_BODY),
    Exchange(
        "fields-over-the-limit",
        "Nor may there be more header fields.",
        (Reply(200, b"ok", (("X-A", "a"),) * 5),),
        _TOO_LARGE,
        limits=_SMALL_HEAD,
    ),
    Exchange("head-over-the-limit", "Nor may the head be longer.", (Reply(200, b"ok", _LONG_FIELD),), _TOO_LARGE, limits=_SMALL_HEAD),
    Exchange(
        "chunks-over-the-limit",
        "Chunks are counted as they come.",
        (_CHUNKED + _CHUNK * 101 + b"0\r\n\r\n",),
        _TOO_LARGE,
        limits=_SMALL_BODY,
        is_cut=False,
    ),
    _endless("endless-head", "A head that never ends is ended.", _HEAD, Endless(_FIELD * 500)),
    _endless("endless-field", "And so is a field.", _HEAD + b"X-A: ", Endless(b"a" * 10_000)),
    _endless("endless-body", "And a body without a length.", _HEAD + b"\r\n", Endless(b"a" * 10_000), limits=_SMALL_BODY),
    _endless("endless-chunks", "And one of chunks.", _CHUNKED, Endless(_CHUNK * 500), limits=_SMALL_BODY),
    _endless("endless-interim-answers", "And a row of interim answers (CVE-2021-3737).", Endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    _endless("chunk-extensions-over-the-limit", "And chunk extensions (CVE-2023-39326).", _CHUNKED, Endless(_LONG_EXTENSION)),
    _endless("endless-chunk-extension", "Also one that has no end.", _CHUNKED + b"1;", Endless(b"a" * 10_000)),
    _endless("endless-trailer", "And a trailer (aiohttp's CVE-2026-22815).", _CHUNKED + b"2\r\nok\r\n0\r\n", Endless(_FIELD * 500)),
)

CHECKS = (*_CUT_OFF, *_MALFORMED, *_OVERSIZED)
