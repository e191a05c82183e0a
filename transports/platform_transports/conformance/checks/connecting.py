"""How a connection is made, and how it is not: nothing was sent then, and every wait has an end."""

import anyio

from platform_core.limits import Limits
from platform_core.outcomes import FailureCause
from platform_transports.conformance.bench import Bench, Call, closed_port
from platform_transports.conformance.check import Check, Dialogue, Procedure
from platform_transports.conformance.ends import Failed, ImpossibleError
from platform_transports.conformance.lookups import (
    OTHER_HOST,
    Found,
    addresses,
    dead_address,
    hanging,
    no_descriptors,
    resolving,
    unknown_name,
)
from platform_transports.conformance.sender import SHORT_SECONDS
from platform_transports.conformance.steps import OK, READ, WAIT

_NAMED = "http://api.invalid"
_SHORT_CONNECT = Limits(connect_seconds_max=SHORT_SECONDS)
_LATE = Failed(FailureCause.TIMEOUT, "no")
_PATIENT_SECONDS = 5.0
_NOT_CONNECTED = Failed(FailureCause.CONNECT_TIMEOUT, "no")


async def _refused(bench: Bench) -> None:
    with bench.server():  # a stand-in without sockets says so here
        await bench.call(bench.sender(), f"http://127.0.0.1:{closed_port()}", Call(Failed(FailureCause.CONNECT, "no")))


async def _unknown_name(bench: Bench) -> None:
    with bench.server(), resolving(unknown_name):
        await bench.call(bench.sender(), _NAMED, Call(Failed(FailureCause.DNS, "no")))


async def _lookup_hangs(bench: Bench) -> None:
    with bench.server(), hanging() as hang, resolving(hang):
        await bench.call(bench.sender(), _NAMED, Call(_NOT_CONNECTED, seconds=_PATIENT_SECONDS, limits=_SHORT_CONNECT))


async def _lookup_hangs_to_the_deadline(bench: Bench) -> None:
    with bench.server(), hanging() as hang, resolving(hang):
        await bench.call(bench.sender(), _NAMED, Call(_LATE, seconds=SHORT_SECONDS))


async def _first_address_refuses(bench: Bench) -> None:
    with bench.server((READ, OK)) as server:
        await _found_at_two_addresses(bench, _port(server.url))


async def _first_address_is_dead(bench: Bench) -> None:
    with bench.server((READ, OK)) as server, dead_address(_port(server.url)):
        await _found_at_two_addresses(bench, _port(server.url))


async def _found_at_two_addresses(bench: Bench, port: int) -> None:
    looked_up: list[bool] = []

    def answer() -> Found:
        looked_up.append(True)
        return addresses(port, OTHER_HOST, "127.0.0.1")

    with resolving(answer):
        await bench.call(bench.sender(), f"{_NAMED}:{port}", Call(limits=Limits(connect_seconds_max=1.5)))
    if not looked_up:
        raise ImpossibleError("names are not looked up by socket.getaddrinfo, so that the check cannot answer")


async def _nobody_answers(bench: Bench) -> None:
    with bench.server(), dead_address() as (host, port):
        await bench.call(bench.sender(), f"http://{host}:{port}", Call(_NOT_CONNECTED, seconds=_PATIENT_SECONDS, limits=_SHORT_CONNECT))


async def _nobody_answers_to_the_deadline(bench: Bench) -> None:
    with bench.server(), dead_address() as (host, port):
        await bench.call(bench.sender(), f"http://{host}:{port}", Call(_LATE, seconds=SHORT_SECONDS))


async def _no_descriptor_to_spare(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((READ, OK)) as server:
        if not bench.is_async:  # so that its thread is there already
            await bench.wait(bool)
        with no_descriptors():
            await bench.call(sender, server.url, Call(Failed(FailureCause.LOCAL, "no")))
        await bench.call(sender, server.url, Call(), "after it: ")


async def _connecting_is_bounded_alone(bench: Bench) -> None:
    sender = bench.sender()
    with bench.server((READ, WAIT, OK)) as server:

        async def release() -> None:
            await anyio.sleep(2 * SHORT_SECONDS)
            server.release()

        await bench.at_once(lambda: bench.call(sender, server.url, Call(limits=_SHORT_CONNECT)), release)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


CHECKS: tuple[Check, ...] = (
    Procedure("refused", "A refused connection is `connect`, and nothing was sent.", _refused),
    Procedure("unknown-name", "A name that nobody knows is `dns`, and nothing was sent.", _unknown_name),
    Procedure("lookup-hangs", "Connecting is bounded also while a name is looked up, which nothing can end.", _lookup_hangs),
    Procedure("lookup-hangs-to-the-deadline", "And by the deadline.", _lookup_hangs_to_the_deadline),
    Procedure("first-address-refuses", "Where one address refuses, the next is tried.", _first_address_refuses),
    Procedure("first-address-is-dead", "Where one does not answer, there is time left for the next.", _first_address_is_dead),
    Procedure("nobody-answers", "A connection that nobody answers is `connect_timeout`.", _nobody_answers),
    Procedure("nobody-answers-to-the-deadline", "Or `timeout`, where the deadline comes first.", _nobody_answers_to_the_deadline),
    Procedure("no-descriptor-to-spare", "A machine that has no file descriptor left is `local`.", _no_descriptor_to_spare),
    Procedure("connecting-is-bounded-alone", "The bound of connecting does not bind the answer.", _connecting_is_bounded_alone),
    Dialogue("answered", "An answer comes in.", ((READ, OK),), (Call(),), connections=1),
)
