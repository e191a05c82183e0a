"""Answers that are good: each comes in whole and as it was sent, however the network cuts it (RFC 9112, sections 4 to 7)."""

import gzip

from platform_core.limits import Limits
from platform_transports.conformance.check import Check, Exchange
from platform_transports.conformance.ends import Answered
from platform_transports.conformance.steps import CLOSE, Reply

_GZIPPED = gzip.compress(b"0" * 1000, mtime=0)
_BOMB = gzip.compress(b"0" * 1_000_000, mtime=0)
_HEAD = b"HTTP/1.1 200 OK\r\n"
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_FIELDS = (("X-One", "1"), ("set-cookie", "a=b"), ("SET-COOKIE", "c=d"), ("x-empty", ""), ("X-Latin-1", "Müller"))
_THOUSAND = b"a" * 1000
_SMALL = Limits(response_body_bytes_max=1000)

_WHOLE: tuple[Check, ...] = (
    Exchange(
        "fields-keep-order-and-case",
        "The header fields of an answer keep their order, their case, their repetitions, and are Latin-1.",
        (Reply(200, b"ok", _FIELDS),),
        Answered(200, b"ok", (*_FIELDS, ("Content-Length", "2"))),
    ),
    Exchange("empty-body", "An answer may have an empty body.", (Reply(200, b""),), Answered(200, b"")),
    Exchange("status-404", "An answer with an error status is an answer.", (Reply(404, b"{}"),), Answered(404, b"{}")),
    Exchange("status-503", "A transport does not try again on 503.", (Reply(503, b"{}", (("Retry-After", "0"),)),), Answered(503, b"{}")),
    Exchange("status-401", "A transport does not try other credentials on 401.", (Reply(401, b""),), Answered(401, b"")),
    Exchange("status-407", "A transport takes 407 as an answer.", (Reply(407, b""),), Answered(407, b"")),
    Exchange("status-599", "A status need not be a known one (RFC 9110, section 15).", (Reply(599, b"x"),), Answered(599, b"x")),
    Exchange(
        "status-999",
        "A status of three digits is taken as it is, also outside of 100 to 599: the core judges it.",
        (Reply(999, b"x"),),
        Answered(999, b"x"),
    ),
    Exchange(
        "body-at-the-limit", "A body may be as long as the limit.", (Reply(200, b"a" * 1000),), Answered(200, b"a" * 1000), limits=_SMALL
    ),
    Exchange(
        "gzip-is-not-decoded",
        "A compressed body is handed on as it came: the client never asked for it, and the core refuses it.",
        (Reply(200, _GZIPPED, (("Content-Encoding", "gzip"),)),),
        Answered(200, _GZIPPED),
    ),
    Exchange(
        "gzip-bomb-is-not-expanded",
        "A megabyte that was packed into a thousand bytes stays a thousand bytes (CVE-2025-66471).",
        (Reply(200, _BOMB, (("Content-Encoding", "gzip"),)),),
        Answered(200, _BOMB),
        limits=Limits(response_body_bytes_max=len(_BOMB)),
        is_cut=False,
    ),
    Exchange(
        "truncated-gzip-is-not-noticed",
        "What a coding holds is not the transport's business.",
        (Reply(200, _GZIPPED[:-4], (("Content-Encoding", "gzip"),)),),
        Answered(200, _GZIPPED[:-4]),
    ),
    Exchange(
        "unknown-coding",
        "A coding that nobody knows is handed on, and so are six of them in a row.",
        (Reply(200, b"??", (("Content-Encoding", "zip, rar, gzip, gzip, br, deflate"),)),),
        Answered(200, b"??"),
    ),
    Exchange(
        "body-of-any-bytes",
        "A body is bytes: invalid UTF-8, a BOM, NUL, all of it.",
        (Reply(200, b"\xef\xbb\xbf\x00\xff\xfe\r\n\r\n\x80"),),
        Answered(200, b"\xef\xbb\xbf\x00\xff\xfe\r\n\r\n\x80"),
    ),
    *(
        Exchange(
            f"redirect-{status}-is-an-answer",
            "No redirect is followed: the token would go to whoever is named.",
            (Reply(status, b"", (("Location", "/elsewhere"),)),),
            Answered(status, b"", (("Location", "/elsewhere"), ("Content-Length", "0"))),
        )
        for status in (301, 302, 303, 307, 308)
    ),
    Exchange(
        "redirect-to-nowhere-is-an-answer",
        "Nobody looks at where a redirect leads.",
        (Reply(302, b"", (("Location", "http://a:b/"),)),),
        Answered(302, b""),
    ),
)

_FRAMED: tuple[Check, ...] = (
    Exchange("chunked", "Chunks make one body.", (_CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",), Answered(200, b"hello")),
    Exchange("chunked-empty", "A chunked body may be empty.", (_CHUNKED + b"0\r\n\r\n",), Answered(200, b"")),
    Exchange(
        "chunk-size-forms",
        "A chunk's size is hexadecimal in either case, and may have leading zeros.",
        (_CHUNKED + b"0A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",),
        Answered(200, b"01234567890123456789"),
    ),
    Exchange(
        "chunk-extensions-are-ignored",
        "Chunk extensions are ignored (RFC 9112, section 7.1.1).",
        (_CHUNKED + b'2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n',),
        Answered(200, b"ok"),
    ),
    Exchange(
        "trailers-are-ignored",
        "Fields after the last chunk are no part of the answer's fields.",
        (_CHUNKED + b"2\r\nok\r\n0\r\nX-Late: 1\r\nX-Later: 2\r\n\r\n",),
        Answered(200, b"ok", (("Transfer-Encoding", "chunked"),)),
    ),
    Exchange(
        "body-to-the-close", "A body without a length ends with the connection.", (_HEAD + b"\r\nhello", CLOSE), Answered(200, b"hello")
    ),
    Exchange("http-1.0", "HTTP/1.0 is understood.", (b"HTTP/1.0 200 OK\r\n\r\nhello", CLOSE), Answered(200, b"hello")),
    Exchange("no-content", "204 has no body.", (b"HTTP/1.1 204 No Content\r\n\r\n",), Answered(204, b"")),
    Exchange(
        "no-content-with-a-length",
        "The body that 204 announces is not waited for (RFC 9110, section 15.3.5).",
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",),
        Answered(204, b""),
    ),
    Exchange(
        "not-modified-with-a-length",
        "The length of 304 is that of a body that does not come (RFC 9110, section 8.6).",
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",),
        Answered(304, b""),
    ),
    Exchange(
        "head-with-a-length",
        "The length of an answer to HEAD is that of a body that does not come.",
        (_HEAD + b"Content-Length: 5\r\n\r\n",),
        Answered(200, b"", (("Content-Length", "5"),)),
        method="HEAD",
    ),
    Exchange(
        "head-with-chunks",
        "An answer to HEAD has no chunks.",
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",),
        Answered(200, b""),
        method="HEAD",
    ),
    Exchange("reset-content", "205 has no body.", (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",), Answered(205, b"")),
    Exchange(
        "interim-answers-are-skipped",
        "Interim answers, asked for or not, come before the answer (RFC 9110, section 15.2).",
        (_INTERIM + _HEAD + b"Content-Length: 2\r\n\r\nok",),
        Answered(200, b"ok", (("Content-Length", "2"),)),
    ),
    Exchange(
        "no-reason-phrase",
        "The reason phrase may be empty, and so may the space before it be missing.",
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",),
        Answered(200, b"ok"),
    ),
    Exchange(
        "space-around-values",
        "Space around a field's value is no part of it (RFC 9110, section 5.5).",
        (b"HTTP/1.1 200 OK\r\nX-A: \t a b \t\r\nContent-Length:2\r\n\r\nok",),
        Answered(200, b"ok", (("X-A", "a b"), ("Content-Length", "2"))),
    ),
    Exchange(
        "same-length-twice",
        "The same Content-Length twice is one (RFC 9110, section 8.6).",
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",),
        Answered(200, b"ok", (("Content-Length", "2"),)),
    ),
)

CHECKS = (*_WHOLE, *_FRAMED)
