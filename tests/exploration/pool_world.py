"""The pool of `http1/pool.py` and the calls that use it: what can happen next, and what must hold after it.

Calls arrive, wait, get a connection, finish, fail and are cut off at any point, also between two bytecodes, where a lease is dropped; each
comes back when it is gone, so that the number of calls has no limit. A pool cannot be copied: it is brought to a state by the way there.

6. A connection with unread, extra or partial bytes is never used again: one that is lent is open, clean, of the call's origin, its alone.
9. Open, idle and connecting ones are the slots held, at most so many, and with no call alive none is held: after a cancel at any step.
   Who waits is woken as soon as there is a slot, in his turn; whatever was opened is in use, idle, or closed, once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from platform_transports.http1.pool import Changes, Lease, Pool

IDLE_SECONDS = 10.0
STEP_SECONDS = 5.0
"""Half of it: what is idle is fresh, half old, or expired."""
ORIGINS = ("here", "there")
SHARED = -1
"""The number of the call in a move that is no call's."""


class What(StrEnum):
    """What happens."""

    ARRIVES_HERE = "arrives"
    ARRIVES_THERE = "arrives, for there"
    OPENS = "has opened one"
    FAILS = "is cut off, or fails"
    DROPPED = "is cut off between two bytecodes"
    KEPT = "finishes, and leaves it clean"
    DEAD = "finds it dead"
    TIME = "5 s pass"
    LOOK = "looks"
    CLOSE = "closes"


class Step(NamedTuple):
    """A move: which call, and what happens to it."""

    call: int
    what: What


class Broken(AssertionError):  # noqa: N818 -- a verdict, not a fault of the exploration
    """An invariant does not hold: its number, and what is wrong."""

    def __init__(self, number: int, rule: str) -> None:
        super().__init__(f"{number}. {rule}")
        self.number = number


@dataclass(eq=False)
class Wire:
    """Stands for a connection."""

    origin: str
    spoiled: bool = False
    closed: bool = False


@dataclass
class Call:
    """A call that is under way; without a lease it is not there."""

    lease: Lease[Wire] | None = None
    origin: str = ""
    woken: bool = True
    """False while it waits."""


@dataclass
class PoolWorld:
    """The pool, its calls, and every connection that was not closed yet."""

    pool: Pool[Wire]
    calls: list[Call]
    connections_max: int
    wires: list[Wire] = field(default_factory=list[Wire])
    line: list[int] = field(default_factory=list[int])
    """The calls that wait, in their order."""
    now: float = 0.0
    unseen: bool = False
    """A lease was dropped, and no call has followed yet that could find it."""

    def __repr__(self) -> str:
        held, idle, waiting = self.pool.counts
        return f"{held} held, {idle} idle, {waiting} waiting{', closed' if self.pool.closed else ''}"


def begin(calls: int, connections_max: int) -> PoolWorld:
    return PoolWorld(Pool(connections_max, IDLE_SECONDS), [Call() for _ in range(calls)], connections_max)


def steps(world: PoolWorld) -> Iterator[Step]:
    """All that can happen next."""
    for number, call in enumerate(world.calls):
        for what in _of_call(call):
            yield Step(number, what)
    yield Step(SHARED, What.TIME)
    yield Step(SHARED, What.LOOK)
    if not world.pool.closed:
        yield Step(SHARED, What.CLOSE)


def _of_call(call: Call) -> tuple[What, ...]:
    lease = call.lease
    if lease is None:
        return What.ARRIVES_HERE, What.ARRIVES_THERE
    if not lease.granted:
        return What.FAILS, What.DROPPED
    if lease.connection is None:
        return What.OPENS, What.FAILS, What.DROPPED
    return What.KEPT, What.FAILS, What.DEAD, What.DROPPED


def take(world: PoolWorld, step: Step) -> None:
    """Let it happen. Raises `Broken`."""
    pool, now = world.pool, world.now
    call = world.calls[step.call]
    match step.what:
        case What.ARRIVES_HERE | What.ARRIVES_THERE:
            call.origin = ORIGINS[step.what is What.ARRIVES_THERE]
            call.lease, changes = pool.acquire(call.origin, now)
            call.woken = call.lease.granted
            _granted(world, step.call) if call.woken else world.line.append(step.call)
            _settled(world, changes)
        case What.OPENS:
            wire = Wire(call.origin)
            world.wires.append(wire)
            pool.attach(_lease(call), wire)
        case What.KEPT | What.FAILS:
            _given_back(world, step.call, reusable=step.what is What.KEPT)
        case What.DROPPED:
            _spoil(call)
            call.lease = None
            _left(world, step.call)
            world.unseen = True
        case What.DEAD:
            dead = _lease(call).connection
            _close(world, pool.detach(_lease(call)), dead)
        case What.TIME:
            world.now += STEP_SECONDS
        case What.LOOK:
            _settled(world, pool.look(now))
        case What.CLOSE:
            _closed(world)
    _check(world)


def _lease(call: Call) -> Lease[Wire]:
    assert call.lease is not None
    return call.lease


def _given_back(world: PoolWorld, number: int, *, reusable: bool) -> None:
    call = world.calls[number]
    lease = _lease(call)
    if not reusable:
        _spoil(call)
    _left(world, number)
    changes = world.pool.release(lease, world.now, reusable=reusable)
    call.lease = None
    _settled(world, changes)
    again = world.pool.release(lease, world.now, reusable=True)
    _must(not any(again), 9, "to give a lease back once more does nothing")


def _spoil(call: Call) -> None:
    connection = _lease(call).connection
    if connection is not None:
        connection.spoiled = True


def _left(world: PoolWorld, number: int) -> None:
    if number in world.line:
        world.line.remove(number)


def _settled(world: PoolWorld, changes: Changes[Wire]) -> None:
    """What a transport does with the changes: close, and wake. A call that looks finds what was dropped."""
    world.unseen = False
    for wire in changes.closing:
        _close(world, wire, wire)
    for lease in changes.granted:
        numbers = [number for number, call in enumerate(world.calls) if call.lease is lease]
        _must(bool(numbers), 9, "who is woken is there")
        _must(lease.granted, 9, "who is woken has a slot")
        _must(world.line[:1] == numbers, 9, "who waits is served in his turn, once")
        world.line.remove(numbers[0])
        world.calls[numbers[0]].woken = True
        _granted(world, numbers[0])


def _granted(world: PoolWorld, number: int) -> None:
    wire = _lease(world.calls[number]).connection
    if wire is None:
        return
    _must(not wire.closed, 6, "a connection that was closed is not lent")
    _must(not wire.spoiled, 6, "a connection with unread bytes is not lent again")
    _must(wire.origin == world.calls[number].origin, 6, "a connection serves its own origin")


def _close(world: PoolWorld, wire: Wire | None, expected: Wire | None) -> None:
    _must(wire is expected, 9, "what is to be closed is the call's own connection")
    if wire is None:
        return
    _must(not wire.closed, 9, "a connection is closed once")
    wire.closed = True
    world.wires.remove(wire)


def _closed(world: PoolWorld) -> None:
    contents = world.pool.close()
    used = [call.lease.connection for call in world.calls if call.lease is not None and call.lease.connection is not None]
    _must(all(wire in contents.in_use for wire in used), 9, "a pool that is closed tells of all that are in use")
    for wire in contents.idle:
        _close(world, wire, wire)
    for lease in contents.waiting:
        for call in world.calls:
            call.woken = call.woken or call.lease is lease
    world.line.clear()


def _check(world: PoolWorld) -> None:
    """What must hold after each step."""
    pool = world.pool
    leases = [call.lease for call in world.calls if call.lease is not None]
    granted = [lease for lease in leases if lease.granted]
    used = [lease.connection for lease in granted if lease.connection is not None]
    held, idle, waiting = pool.counts
    _must(len(set(map(id, used))) == len(used), 6, "a connection is lent to one call at a time")
    _must(held + idle <= world.connections_max, 9, "there are never more connections than slots")
    _must(all(call.woken == call.lease.granted or pool.closed for call in world.calls if call.lease), 9, "who is granted a slot is told")
    _must(not any(wire.closed for wire in used), 6, "the connection of a call under way is not closed by another")
    if world.unseen:
        return
    _must(held == len(granted), 9, "a slot is held for each call that has one, and for no other")
    _must(waiting == len(world.line), 9, "who waits is in line, and nobody else")
    _must(len(world.wires) == len(used) + idle, 9, "each open connection is in use or idle")
    _must(
        not world.line or held == world.connections_max or pool.closed, 9, "nobody waits while there is a free slot or an idle connection"
    )


def _must(holds: object, number: int, rule: str) -> None:
    if not holds:
        raise Broken(number, rule)


def canonical(world: PoolWorld) -> Any:
    """Equal for worlds of which the same can become: calls that differ in their number alone are alike."""
    pool: Any = world.pool
    numbers = {id(key): place for place, key in enumerate(pool._waiting)}
    calls = sorted(_form_of_call(call, numbers) for call in world.calls)
    idle = tuple((wire.origin, min(world.now - at, IDLE_SECONDS)) for wire, (_, at) in pool._idle.items())
    places = {wire: place for place, wire in enumerate(pool._idle)}
    idle_at = tuple(sorted((origin, tuple(places.get(wire) for wire in wires)) for origin, wires in pool._idle_at.items()))
    dropped = tuple((key in pool._held, pool._held.get(key) is not None, numbers.get(id(key), -1)) for key in pool._dropped)
    return tuple(calls), idle, idle_at, dropped, len(pool._held), len(pool._waiting), pool.closed


def _form_of_call(call: Call, numbers: dict[int, int]) -> tuple[Any, ...]:
    lease = call.lease
    if lease is None:
        return ("",)
    return call.origin, call.woken, lease.granted, lease.connection is not None, numbers.get(id(lease.key), -1)
