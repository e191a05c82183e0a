"""How a call ends early: by its deadline, by closing, by being left: cancelled, or interrupted in a blocking call. Nothing stays behind."""

import time
from functools import partial
from itertools import repeat

import anyio

from platform_core.limits import Limits
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call
from platform_transports.conformance.check import Check, Dialogue, Exchange, Procedure, require
from platform_transports.conformance.ends import Failed
from platform_transports.conformance.sender import SHORT_SECONDS, Sender
from platform_transports.conformance.steps import AWAIT_CLOSE, ECHO, OK, READ, RECEIVE, WAIT, Endless, Reply, Step
from platform_transports.conformance.subjects import Server, Transport

_HEAD = b"HTTP/1.1 200 OK\r\n"
_LATE = Failed(FailureCause.TIMEOUT)
_SLOTS = 2
_UPLOAD = bytes(16 * 1024 * 1024)
_SETTLE_SECONDS = 0.03
"""For a call to take what has come, and wait for more."""
_TRICKLE_SECONDS = 0.01
_IN_THE_HEAD: tuple[Step, ...] = (READ, AWAIT_CLOSE)
_IN_THE_BODY: tuple[Step, ...] = (READ, _HEAD + b"Content-Length: 9\r\n\r\nhalf", AWAIT_CLOSE)
_WHILE_SENDING: tuple[Step, ...] = (RECEIVE, AWAIT_CLOSE)


def _stalled(name: str, fact: str, *answer: Step) -> Dialogue:
    """The deadline ends it, the connection is closed, and the next call works."""
    return Dialogue(name, fact, ((READ, *answer), (READ, OK)), (Call(_LATE, seconds=SHORT_SECONDS), Call()), connections=2, closed=1)


_DEADLINES: tuple[Check, ...] = (
    Exchange("late-answer", "An answer that comes after the deadline is none.", (WAIT, OK), _LATE, seconds=SHORT_SECONDS, is_cut=False),
    _stalled("no-answer", "The deadline binds a server that says nothing.", AWAIT_CLOSE),
    _stalled("stalls-in-the-head", "One that stops in the head.", _HEAD + b"Content-Le", AWAIT_CLOSE),
    _stalled("stalls-in-the-body", "One that stops in the body.", _HEAD + b"Content-Length: 9\r\n\r\nhalf", AWAIT_CLOSE),
    _stalled("stalls-in-a-chunk", "One that stops in a chunk.", _HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf", AWAIT_CLOSE),
    _stalled("stalls-before-the-close", "One that does not close where only that ends the body.", _HEAD + b"\r\nhalf", AWAIT_CLOSE),
    _stalled("head-trickles", "One that sends a byte now and then, in the head.", _HEAD + b"X-A: ", Endless(b"a", _TRICKLE_SECONDS)),
    _stalled("body-trickles", "In the body.", _HEAD + b"Content-Length: 9999\r\n\r\n", Endless(b"a", _TRICKLE_SECONDS)),
    _stalled("chunks-trickle", "In chunks.", _HEAD + b"Transfer-Encoding: chunked\r\n\r\n", Endless(b"1\r\na\r\n", _TRICKLE_SECONDS)),
    _stalled("interim-answers-trickle", "In interim answers.", *[b"HTTP/1.1 100 Continue\r\n\r\n"] * 3, AWAIT_CLOSE),
    Dialogue(
        "passed-deadline",
        "A deadline that has passed sends nothing.",
        ((READ, OK),),
        (Call(Failed(FailureCause.TIMEOUT, "no"), seconds=-1.0), Call()),
    ),
)


# ── left ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _left(name: str, fact: str, script: tuple[Step, ...], call: Call | None = None) -> Procedure:
    """More calls are left than there are slots, then one works, on a connection of its own."""

    async def run(bench: Bench) -> None:
        sender = bench.sender(Limits(connections_max=_SLOTS))
        count = _SLOTS + 1
        with bench.server(*[script] * count, (READ, OK)) as server:
            for number in range(1, count + 1):
                until = partial(server.wait_for, requests=number)
                progress = await bench.leave(sender, (call or Call()).request(server.url), until)
                require(progress.sent == "maybe", "progress.sent must be 'maybe' when the server has seen the request")
                await bench.wait(partial(server.wait_for, closed=number))
            await bench.call(sender, server.url, Call(), f"after {count} calls that were left: ")

    return Procedure(name, fact, run)


async def _left_at_once(bench: Bench) -> None:
    """Many at the same time, more than there are slots: those that wait for one are left as well."""
    sender = bench.sender(Limits(connections_max=_SLOTS))
    left: list[object] = []

    async def send(url: str) -> None:
        left.append(await sender.send(Call().request(url)))

    with bench.server(*[_IN_THE_HEAD] * _SLOTS, (READ, OK)) as server:
        async with anyio.create_task_group() as group:
            for _ in range(4 * _SLOTS):
                group.start_soon(send, server.url)
            await bench.wait(lambda: server.wait_for(requests=_SLOTS))
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        require(not left, "a call that was cancelled has an answer")
        await bench.wait(lambda: server.wait_for(closed=_SLOTS))
        await bench.call(sender, server.url, Call(), "after all of them were left: ")


async def _left_while_waiting(bench: Bench) -> None:
    sender = bench.sender(Limits(connections_max=1))
    with bench.server((READ, WAIT, OK, READ, OK), (READ, OK)) as server:

        async def leave() -> None:
            await bench.wait(lambda: server.wait_for(requests=1))
            progress = await bench.leave(sender, Call().request(server.url), partial(time.sleep, SHORT_SECONDS / 2))
            require(progress.sent == "no", "progress.sent must be 'no' while a call waits for a slot")
            server.release()

        await bench.at_once(lambda: bench.call(sender, server.url, Call()), leave)
        await bench.call(sender, server.url, Call(), "after it: ")


async def _left_while_others_go_on(bench: Bench) -> None:
    sender = bench.sender(Limits(connections_max=_SLOTS))
    with bench.server((READ, WAIT, OK), _IN_THE_HEAD, (READ, OK)) as server:

        async def leave() -> None:
            await bench.wait(lambda: server.wait_for(requests=1))
            await bench.leave(sender, Call().request(server.url), lambda: server.wait_for(requests=2))
            server.release()

        await bench.at_once(lambda: bench.call(sender, server.url, Call()), leave)


# ── closed ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _closed_under_way(name: str, fact: str, script: tuple[Step, ...]) -> Procedure:
    async def run(bench: Bench) -> None:
        sender = bench.sender(Limits(connections_max=1))
        with bench.server(script) as server:

            async def close() -> None:
                await bench.wait(lambda: server.wait_for(requests=1))
                await anyio.sleep(_SETTLE_SECONDS)
                began = time.monotonic()
                await sender.close()
                require(time.monotonic() - began < bench.soon_seconds, "closing took as long as the calls under way")

            await bench.at_once(lambda: _closed(bench, sender, server, "maybe"), close)
            await bench.wait(lambda: server.wait_for(closed=1))

    return Procedure(name, fact, run)


async def _closed(bench: Bench, sender: Sender[Transport], server: Server, sent: str) -> None:
    call = Call(Failed(FailureCause.CLOSED, "maybe" if sent == "maybe" else "no"))
    with anyio.move_on_after(bench.soon_seconds) as scope:
        await bench.call(sender, server.url, call, "closed meanwhile: ")
    require(not scope.cancelled_caught, "a call under way did not end when the transport was closed")


async def _closed_while_waiting(bench: Bench) -> None:
    sender = bench.sender(Limits(connections_max=1))
    with bench.server(_IN_THE_HEAD) as server:

        async def wait() -> None:
            await bench.wait(lambda: server.wait_for(requests=1))
            await _closed(bench, sender, server, "no")

        async def close() -> None:
            await bench.wait(lambda: server.wait_for(requests=1))
            await anyio.sleep(SHORT_SECONDS / 2)
            await sender.close()

        await bench.at_once(lambda: _closed(bench, sender, server, "maybe"), wait, close)


async def _closed_twice(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((READ, Reply(), AWAIT_CLOSE)) as server:
        await bench.call(sender, server.url, Call())
        await sender.close()
        await sender.close()
        await bench.call(sender, server.url, Call(Failed(FailureCause.CLOSED, "no")), "closed before: ")


async def _close_closes(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((READ, OK, AWAIT_CLOSE)) as server:
        await bench.call(sender, server.url, Call())
        await sender.close()
        await bench.wait(lambda: server.wait_for(closed=1))


async def _close_unused(bench: Bench) -> None:
    await bench.sender().close()


# ── many at a time ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _answers_are_not_mixed_up(bench: Bench) -> None:
    sender = bench.sender(Limits(connections_max=_SLOTS))
    calls = 40
    with bench.server(*[repeat(ECHO)] * calls) as server:

        async def call(number: int) -> None:
            request = Call(headers=(("X-Request-ID", f"r-{number}"),)).request(server.url)
            answer: Response = await sender.send(request)
            require(answer.body == f"r-{number}".encode(), f"request r-{number} was answered with {answer.body!r}")

        await bench.at_once(*[partial(call, number) for number in range(calls)])
        # One that is closed and replaced is fine; one for each call is not.
        require(server.connections < calls // 2, f"{calls} calls in {_SLOTS} slots made {server.connections} connections")


CHECKS: tuple[Check, ...] = (
    *_DEADLINES,
    _left("left-in-the-head", "A call that is left before the answer closes its connection, and leaves its slot free.", _IN_THE_HEAD),
    _left("left-in-the-body", "Also within the answer.", _IN_THE_BODY),
    _left("left-while-sending", "Also while the body goes out.", _WHILE_SENDING, Call(method="PUT", body=_UPLOAD)),
    Procedure(
        "left-at-once",
        "Many calls that are left at once, some of them waiting for a slot, leave all slots free.",
        _left_at_once,
        is_for_all=False,
    ),
    Procedure("left-while-waiting", "A call that is left while it waits for a slot has sent nothing, and takes none.", _left_while_waiting),
    Procedure("left-while-others-go-on", "Others go on.", _left_while_others_go_on),
    _closed_under_way("closing-before-the-answer", "Closing ends a call that waits for its answer with `closed`, at once.", _IN_THE_HEAD),
    _closed_under_way("closing-within-the-answer", "And one that reads its answer.", _IN_THE_BODY),
    Procedure("closing-while-waiting", "And one that waits for a slot, which has sent nothing.", _closed_while_waiting),
    Procedure("closing-twice", "A transport may be closed twice, and sends nothing after it.", _closed_twice),
    Procedure("closing-closes", "Closing closes the idle connections.", _close_closes),
    Procedure("closing-unused", "A transport that was never used can be closed.", _close_unused),
    Procedure("answers-are-not-mixed-up", "Each answer is that of its request, on shared connections.", _answers_are_not_mixed_up),
)
