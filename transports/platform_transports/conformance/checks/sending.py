"""What goes out: what the core says, once, and nothing that a library or the environment would add."""

import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call, closed_port
from platform_transports.conformance.check import Check, Procedure, require, turns
from platform_transports.conformance.ends import Answered, Failed
from platform_transports.conformance.sender import CREDENTIALS, SHORT_SECONDS
from platform_transports.conformance.steps import OK, READ, RECEIVE, WAIT, Reply
from platform_transports.contract import Progress

_FIELDS = (("Accept", "application/json"), ("X-Request-ID", "r-1"), ("X-Latin-1", "Müller"))
_ADDED = {"host", "content-length", "connection"}
"""What HTTP needs, and what says that the connection is kept, which is the default."""
_LARGE = bytes(range(256)) * 4000
_UPLOAD = bytes(16 * 1024 * 1024)
"""More than the buffers of both sockets take."""
_TARGETS = ("/", "/a%2Fb%2e%7E/c", "/a//b?x=%27&y='", "/a?x=[1]&y={z}|", "/a%C3%A4:@!$&'()*+,;=~", "/a/../b")


def _fields(request: bytes) -> list[tuple[str, str]]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _says(name: str, fact: str, judge: Callable[[bytes], tuple[bool, str]], call: Call | None = None) -> Procedure:
    """A check of what one request looks like on the wire."""

    async def run(bench: Bench) -> None:
        with bench.server((READ, OK)) as server:
            await bench.call(bench.sender(), server.url, call or Call(headers=_FIELDS))
            holds, said = judge(server.requests[0])
            require(holds, said)

    return Procedure(name, fact, run)


def _credentials_once(request: bytes) -> tuple[bool, str]:
    found = [value for name, value in _fields(request) if name.lower() == CREDENTIALS.header.lower()]
    return found == [CREDENTIALS.value], f"{CREDENTIALS.header} must go out once, as given, but went out {len(found)} times"


def _nothing_added(request: bytes) -> tuple[bool, str]:
    given = {name.lower() for name, _ in _FIELDS} | {CREDENTIALS.header.lower()} | _ADDED
    added = [name for name, _ in _fields(request) if name.lower() not in given]
    return not added, f"these header fields were added: {', '.join(added)}"


def _in_order(request: bytes) -> tuple[bool, str]:
    given = [field for field in _fields(request) if field[0].lower() in {name.lower() for name, _ in _FIELDS}]
    return given == list(_FIELDS), f"the header fields must go out as {_FIELDS}, but went out as {given}"


def _with_length(request: bytes) -> tuple[bool, str]:
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [value for name, value in _fields(request) if name.lower() == "content-length"]
    return (lengths, body) == (["6"], b"\x00\xff" * 3), f"a body of 6 bytes must go out with its length: {head!r} {body!r}"


def _empty_length(request: bytes) -> tuple[bool, str]:
    return b"content-length: 0\r\n" in request.lower() + b"\r\n", "an empty POST must say that it is empty (RFC 9110, section 8.6)"


def _no_length(request: bytes) -> tuple[bool, str]:
    framed = [name for name, _ in _fields(request) if name.lower() in {"content-length", "transfer-encoding"}]
    return not framed, f"a GET has no body, and no {', '.join(framed)}"


def _no_expectation(request: bytes) -> tuple[bool, str]:
    return b"\r\nexpect:" not in request.lower(), "no Expect: a server that never answers it would cost seconds"


def _host(request: bytes) -> tuple[bool, str]:
    hosts = [value for name, value in _fields(request) if name.lower() == "host"]
    return len(hosts) == 1 and hosts[0].startswith("127.0.0.1:"), f"Host must go out once with the URL's host and port, but is {hosts}"


async def _targets(bench: Bench) -> None:
    for target in _TARGETS:
        with bench.server((READ, OK)) as server:
            await bench.call(bench.sender(), server.url, Call(target=target))
            line = server.requests[0].partition(b"\r\n")[0].decode("latin-1")
            require(line == f"GET {target} HTTP/1.1", f"the target {target} must go out byte for byte, but went out as {line!r}")


async def _methods(bench: Bench) -> None:
    sender = bench.sender()
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    answers = iter([(Reply(204, b""),) for _ in methods])
    with bench.server(*[turns(answers) for _ in methods]) as server:
        for method in methods:
            body = b"{}" if method in {"POST", "PUT", "PATCH"} else b""
            await bench.call(sender, server.url, Call(Answered(204, b""), method, body))
            sent = server.requests[-1].partition(b" ")[0].decode()
            require(sent == method, f"{method} went out as {sent}")


async def _large(bench: Bench) -> None:
    with bench.server((READ, Reply(200, _LARGE))) as server:
        await bench.call(bench.sender(), server.url, Call(Answered(200, _LARGE), "PUT", _LARGE))
        require(server.requests[0].endswith(_LARGE), "a large body must go out byte for byte")


def _not_said(name: str, fact: str, field: tuple[str, str]) -> Procedure:
    async def run(bench: Bench) -> None:
        with bench.server((READ, OK)) as server:
            await bench.call(bench.sender(), server.url, Call(Failed(FailureCause.LOCAL, "no"), headers=(field,)))
            require(not server.requests, "it went out all the same")

    return Procedure(name, fact, run)


async def _progress(bench: Bench) -> None:
    sender = bench.sender()
    seen: list[str] = []
    progress = Progress()
    with bench.server((READ, WAIT, OK)) as server:

        def look() -> None:
            server.wait_for(requests=1)
            seen.append(progress.sent)
            server.release()

        async def watch() -> None:
            await bench.wait(look)

        await bench.at_once(lambda: sender.send(Call().request(server.url), progress=progress), watch)
    require(seen == ["maybe"], "progress.sent must be 'maybe' before the first byte is handed on")


async def _early_answer(bench: Bench) -> None:
    sender = bench.sender()
    early = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch"
    with bench.server((RECEIVE, early, WAIT), (READ, OK)) as server:
        await bench.call(sender, server.url, Call(Answered(413, b"much"), "PUT", _UPLOAD))
        await bench.call(sender, server.url, Call(), "after it: ")
        require(server.connections > 1, "a connection on which a request was not sent whole must not be used again")


async def _closed_while_sending(bench: Bench) -> None:
    kinds = (FailureCause.WRITE, FailureCause.DISCONNECTED, FailureCause.READ)
    with bench.server((RECEIVE,)) as server:
        await bench.call(bench.sender(), server.url, Call(tuple([Failed(kind) for kind in kinds]), "PUT", _UPLOAD))


async def _nobody_reads(bench: Bench) -> None:
    with bench.server((RECEIVE, WAIT)) as server:
        await bench.call(bench.sender(), server.url, Call(Failed(FailureCause.TIMEOUT), "PUT", _UPLOAD, seconds=SHORT_SECONDS))


async def _no_cookies(bench: Bench) -> None:
    sender = bench.sender()
    answer = Reply(200, b"ok", (("Set-Cookie", "a=b; Path=/"),))
    with bench.server((READ, answer, READ, OK), (READ, OK)) as server:
        for _ in range(2):
            await bench.call(sender, server.url, Call())
        require(b"cookie" not in server.requests[1].lower(), "a cookie must neither be kept nor sent back")


@contextmanager
def _environment(folder: str) -> Generator[None]:
    """A proxy that does not answer, and a password for the server."""
    netrc = Path(folder, "netrc")
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    proxy = f"http://127.0.0.1:{closed_port()}"
    names = [name for each in ("http_proxy", "https_proxy", "all_proxy") for name in (each, each.upper())]
    before = dict(os.environ)
    os.environ.update({**dict.fromkeys(names, proxy), "NETRC": str(netrc), "HOME": folder})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _no_environment(bench: Bench) -> None:
    with bench.server((READ, OK)) as server, tempfile.TemporaryDirectory() as folder:
        with _environment(folder):
            await bench.call(bench.sender(), server.url, Call())
        require(*_credentials_once(server.requests[0]))


async def _early_answer_then_close(bench: Bench) -> None:
    """The reset that follows unread bytes may reach us before the answer does."""
    sender = bench.sender()
    early = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmuch"
    lost = tuple([Failed(kind) for kind in (FailureCause.WRITE, FailureCause.DISCONNECTED, FailureCause.READ)])
    with bench.server((RECEIVE, early), (READ, OK)) as server:
        await bench.call(sender, server.url, Call((Answered(413, b"much"), *lost), "PUT", _UPLOAD))
        await bench.call(sender, server.url, Call(), "after it: ")


async def _waiting_is_not_sending(bench: Bench) -> None:
    sender = bench.sender(Limits(connections_max=1))
    with bench.server((READ, WAIT, OK, READ, OK), (READ, OK)) as server:

        async def late() -> None:
            await bench.wait(lambda: server.wait_for(requests=1))
            await bench.call(sender, server.url, Call(Failed(FailureCause.TIMEOUT, "no"), seconds=SHORT_SECONDS), "waiting for a slot: ")
            require(server.connections == 1, "there must be no more connections than limits.connections_max")
            server.release()

        await bench.at_once(lambda: bench.call(sender, server.url, Call()), late)
        await anyio.lowlevel.checkpoint()


CHECKS: tuple[Check, ...] = (
    _says("credentials-once", "The credentials' header goes out, once.", _credentials_once),
    _says("nothing-added", "No header field goes out that the core did not say, but Host, Content-Length and Connection.", _nothing_added),
    _says("fields-in-order", "Header fields go out in their order and case, as Latin-1.", _in_order),
    _says("host", "Host is the URL's.", _host),
    _says("body-with-length", "A body goes out byte for byte, with its length.", _with_length, Call(method="POST", body=b"\x00\xff" * 3)),
    _says("empty-post", "An empty POST says that it is empty.", _empty_length, Call(method="POST")),
    _says("get-without-body", "A GET has neither body nor framing.", _no_length, Call()),
    _says("no-expectation", "A large body goes out without `Expect: 100-continue`.", _no_expectation, Call(method="POST", body=_LARGE)),
    Procedure("methods", "Each method goes out as it is.", _methods),
    Procedure("targets", "A target goes out byte for byte.", _targets),
    Procedure("large-bodies", "Large bodies pass both ways.", _large),
    _not_said("field-with-a-line-break", "A line break in a field's value is `local`, and nothing goes out.", ("X-A", "a\r\nX-B: b")),
    _not_said("field-with-nul", "So is a NUL.", ("X-A", "a\x00b")),
    _not_said("field-not-latin-1", "So is what is not Latin-1.", ("X-A", "\u20ac")),
    Procedure("progress", "`progress.sent` is set before the server sees anything.", _progress),
    Procedure("early-answer", "An answer that comes while the body goes out ends the upload, and the connection.", _early_answer),
    Procedure("early-answer-then-close", "Where a reset overtakes it, the call is lost, and the next one works.", _early_answer_then_close),
    Procedure("closed-while-sending", "A connection that is closed while the body goes out may have been seen.", _closed_while_sending),
    Procedure("nobody-reads", "The deadline binds an upload that nobody reads.", _nobody_reads),
    Procedure("no-cookies", "Cookies are neither kept nor sent.", _no_cookies),
    Procedure("no-environment", "Proxies and passwords of the environment (`HTTP_PROXY`, `~/.netrc`) are not used.", _no_environment),
    Procedure("waiting-is-not-sending", "Whoever waits for a free connection has sent nothing.", _waiting_is_not_sending),
)
