"""Answers that are good HTTP and bad all the same, and what a whole client says of each: once, over every transport."""

import gzip
import json
from dataclasses import dataclass

from platform_transports.conformance.steps import Reply

JSON = ("Content-Type", "application/json")
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
RECORD = {"execution_id": "e-1", "status": "running"}


@dataclass(frozen=True)
class Case:
    """`error` is the name of its class; None: there is a record. `text` stands in it."""

    name: str
    reply: Reply
    error: str | None
    text: str = ""


def _record(**fields: object) -> bytes:
    return json.dumps(RECORD | fields).encode()


def _nonsense(name: str, body: bytes, text: str, *fields: tuple[str, str], status: int = 200) -> Case:
    return Case(name, Reply(status, body, fields or (JSON,)), "PlatformResponseError", text)


CASES: tuple[Case, ...] = (
    Case("the record", Reply(200, _record(), (JSON,)), None),
    Case(
        "a media type in any case, with parameters", Reply(200, _record(), (("content-TYPE", 'Application/JSON; charset="UTF-8"'),)), None
    ),
    _nonsense("a gzip bomb", gzip.compress(bytes(10_000_000)), "content encoding", JSON, ("Content-Encoding", "gzip")),
    _nonsense("a gzip that broke off", gzip.compress(_record())[:-4], "content encoding", JSON, ("Content-Encoding", "gzip")),
    _nonsense("a chain of codings", b"??", "content encoding", JSON, ("Content-Encoding", "gzip, br, gzip, deflate, gzip, gzip")),
    _nonsense("a coding that nobody knows", _record(), "content encoding", JSON, ("Content-Encoding", "rar")),
    _nonsense("invalid UTF-8", b'{"status": "\xff"}', "not UTF-8"),
    _nonsense("a byte order mark", b"\xef\xbb\xbf" + _record(), "not JSON"),
    _nonsense("UTF-16", json.dumps(RECORD).encode("utf-16"), "not UTF-8"),
    _nonsense("NaN", b'{"execution_id": "e-1", "status": "running", "progress": NaN}', "NaN or Infinity"),
    _nonsense("a number that is too large", b'{"execution_id": "e-1", "status": "running", "progress": 1e400}', "too large"),
    _nonsense("a key that stands twice", b'{"execution_id": "e-1", "status": "failed", "status": "completed"}', "stands twice"),
    _nonsense("deep nesting", b'{"execution_id": "e-1", "status": "running", "result": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too deeply"),
    _nonsense("an empty body", b"", "a JSON object"),
    _nonsense("no object", b"[]", "a JSON object"),
    _nonsense("a page", HTML, "a JSON object", ("Content-Type", "text/html")),
    _nonsense("a page that says it is JSON", HTML, "not JSON"),
    _nonsense("true for a number", _record(progress=True), "progress"),
    _nonsense("a number in a string", _record(progress="5"), "progress"),
    _nonsense("null for a string", _record(status=None), "status"),
    _nonsense("a status that HTTP does not have", _record(), "600", status=600),
    Case("a page of a proxy", Reply(502, HTML, (("Content-Type", "text/html"),)), "PlatformClientError", "502"),
    Case(
        "a problem (RFC 9457)",
        Reply(404, b'{"title": "gone"}', (("Content-Type", "application/problem+json"),)),
        "PlatformNotFoundError",
        "gone",
    ),
    Case("a status that nobody knows", Reply(418, b"{}", (JSON,)), "PlatformClientError", "418"),
    Case("a redirect", Reply(302, b"", (("Location", "https://evil.test/"),)), "PlatformClientError", "evil.test"),
)
