"""TLS: who is trusted, what an end is, and that no end of it takes time."""

import ssl

import anyio

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call
from platform_transports.conformance.certificates import serving
from platform_transports.conformance.check import Check, Procedure, require
from platform_transports.conformance.ends import Answered, Failed
from platform_transports.conformance.sender import SHORT_SECONDS
from platform_transports.conformance.steps import AWAIT_CLOSE, CLOSE_NOTIFY, OK, READ, RECEIVE, RESET, WAIT, Step

_HOST = "127.0.0.1"
_REFUSED = Failed(FailureCause.TLS, "no")
_NEVER_THERE = Failed(FailureCause.CONNECT, "no")
_HEAD = b"HTTP/1.1 200 OK\r\n"
_CLOSE_SECONDS_MAX = 2.0


def _over_tls(name: str, fact: str, script: tuple[Step, ...], *calls: Call, connections: int = 1) -> Procedure:
    async def run(bench: Bench) -> None:
        sender = bench.sender(trusted=True)
        with bench.server(*[script] * connections, tls=serving(_HOST)) as server:
            for call in calls:
                await bench.call(sender, server.url, call)
                await anyio.sleep(0.02 if connections > 1 else 0)
            require(server.connections == connections, f"there must be {connections} connections, not {server.connections}")

    return Procedure(name, fact, run)


def _refusing(name: str, fact: str, names: str = _HOST, *, trusted: bool = True, expired: bool = False) -> Procedure:
    async def run(bench: Bench) -> None:
        context: ssl.SSLContext = serving(names, expired=expired)
        with bench.server((READ, OK), tls=context) as server:
            await bench.call(bench.sender(trusted=trusted), server.url, Call(_REFUSED))
            require(not server.requests, "the request reached a server that is not trusted")

    return Procedure(name, fact, run)


def _no_handshake(name: str, fact: str, script: tuple[Step, ...], call: Call, *, closed: int = 0) -> Procedure:
    """Https to a server that knows no TLS."""

    async def run(bench: Bench) -> None:
        with bench.server(script) as server:
            await bench.call(bench.sender(), server.url.replace("http", "https"), call)
            if closed:
                await bench.wait(lambda: server.wait_for(closed=closed))

    return Procedure(name, fact, run)


async def _close_waits_for_nobody(bench: Bench) -> None:
    sender = bench.sender(trusted=True)
    with bench.server((READ, OK, WAIT), tls=serving(_HOST)) as server:
        await bench.call(sender, server.url, Call())
        with anyio.move_on_after(_CLOSE_SECONDS_MAX) as scope:
            await sender.close()
        require(not scope.cancelled_caught, f"closing took more than {_CLOSE_SECONDS_MAX} s while the server did not answer")


async def _left_handshake(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((RECEIVE, AWAIT_CLOSE)) as server:
        url = server.url.replace("http", "https")
        progress = await bench.leave(sender, Call().request(url), lambda: server.wait_for(requests=1))
        require(progress.sent == "no", "nothing was sent before the handshake was over")
        await bench.wait(lambda: server.wait_for(closed=1))


_LARGE = bytes(range(256)) * 2000

CHECKS: tuple[Check, ...] = (
    _over_tls("tls-calls-share-a-connection", "Calls share a connection.", (READ, OK, READ, OK, AWAIT_CLOSE), Call(), Call()),
    _over_tls(
        "tls-large-bodies",
        "Large bodies pass both ways byte for byte.",
        (READ, _HEAD + b"Content-Length: %d\r\n\r\n" % len(_LARGE), _LARGE, AWAIT_CLOSE),
        Call(Answered(200, _LARGE), "PUT", _LARGE),
    ),
    _refusing("tls-expired", "A certificate that has expired is refused, and nothing is sent.", expired=True),
    _refusing("tls-wrong-host", "So is one of another host.", "other.test"),
    _refusing("tls-unknown-authority", "So is one whose signer nobody knows.", trusted=False),
    _no_handshake(
        "tls-handshake-stalls",
        "The bound of connecting binds the handshake, and its connection is closed.",
        (AWAIT_CLOSE,),
        Call(Failed(FailureCause.CONNECT_TIMEOUT, "no"), limits=Limits(connect_seconds_max=SHORT_SECONDS)),
        closed=1,
    ),
    _no_handshake(
        "tls-handshake-stalls-to-the-deadline",
        "So does the deadline.",
        (AWAIT_CLOSE,),
        Call(Failed(FailureCause.TIMEOUT, "no"), seconds=SHORT_SECONDS),
        closed=1,
    ),
    _no_handshake(
        "tls-to-a-plain-port",
        "A server without TLS is `tls`, and nothing was sent.",
        (RECEIVE, b"HTTP/1.1 400 Bad Request\r\n\r\n", AWAIT_CLOSE),
        Call(_REFUSED),
    ),
    _no_handshake("tls-closed-in-the-handshake", "A close in the handshake is `connect`.", (RECEIVE,), Call(_NEVER_THERE)),
    _no_handshake("tls-reset-in-the-handshake", "So is a reset.", (RECEIVE, RESET), Call(_NEVER_THERE)),
    _over_tls(
        "tls-ends-before-the-answer",
        "A close without close_notify is `disconnected` before the answer.",
        (READ,),
        Call(Failed(FailureCause.DISCONNECTED)),
    ),
    _over_tls(
        "tls-ends-in-the-body",
        "And `read` within it.",
        (READ, _HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        Call(Failed(FailureCause.READ)),
    ),
    _over_tls(
        "tls-body-to-the-close-needs-close-notify",
        "A body that only its end delimits does not end without close_notify: anybody may have cut it (RFC 9112, section 9.8).",
        (READ, _HEAD + b"\r\nwhole?"),
        Call(Failed(FailureCause.READ)),
    ),
    _over_tls(
        "tls-body-to-the-close-notify",
        "It ends with close_notify.",
        (READ, _HEAD + b"\r\nwhole", CLOSE_NOTIFY),
        Call(Answered(200, b"whole")),
    ),
    _over_tls("tls-whole-answer-needs-no-close-notify", "An answer with a length needs none.", (READ, OK), Call(), Call(), connections=2),
    Procedure("tls-close-waits-for-nobody", "Closing does not wait for a server that says nothing.", _close_waits_for_nobody),
    Procedure("tls-handshake-left", "A call left in the handshake has sent nothing, and closes its connection.", _left_handshake),
)
