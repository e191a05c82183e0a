"""Who holds which slot, held against a simple model; nothing is lost whoever drops or interrupts what."""

import gc
import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from platform_transports.http1.pool import NO_CHANGES, Changes, Lease, Pool

HERE, THERE = "here", "there"
IDLE_SECONDS = 10.0


class Wire:
    """Stands for a connection."""


def pool_of(slots: int) -> Pool[Wire]:
    return Pool(slots, IDLE_SECONDS)


def take(pool: Pool[Wire], origin: str = HERE, at: float = 0.0) -> Lease[Wire]:
    return pool.acquire(origin, at)[0]


def opened(pool: Pool[Wire], origin: str = HERE, at: float = 0.0) -> tuple[Lease[Wire], Wire]:
    lease, wire = take(pool, origin, at), Wire()
    pool.attach(lease, wire)
    return lease, wire


class TestPool:
    def test_a_slot_is_granted_at_once_and_a_connection_is_to_be_opened(self) -> None:
        pool = pool_of(1)
        lease = take(pool)
        assert (lease.granted, lease.connection, lease.wake) == (True, None, None)
        assert pool.closed is False

    def test_a_lease_says_whether_it_is_granted_and_no_more(self) -> None:
        pool = pool_of(1)
        leases = take(pool), take(pool)
        assert [repr(each) for each in leases] == ["Lease(granted)", "Lease(not granted)"]
        pool.release(leases[0], 0.0, reusable=False)
        assert [each.granted for each in leases] == [False, True]

    def test_a_connection_that_may_be_used_again_is_lent_again(self) -> None:
        pool = pool_of(2)
        lease, wire = opened(pool)
        assert pool.release(lease, 0.0, reusable=True) == NO_CHANGES
        assert take(pool).connection is wire

    def test_the_connection_that_was_used_last_is_lent_first(self) -> None:
        pool = pool_of(2)
        (first, _), (second, wire) = opened(pool), opened(pool)
        pool.release(first, 0.0, reusable=True)
        pool.release(second, 1.0, reusable=True)
        assert take(pool, at=2.0).connection is wire

    def test_each_of_several_connections_of_one_origin_is_lent_again(self) -> None:
        pool = pool_of(2)
        (first, old), (second, young) = opened(pool), opened(pool)
        pool.release(first, 0.0, reusable=True)
        pool.release(second, 0.0, reusable=True)
        leases = take(pool), take(pool)
        assert [each.connection for each in leases] == [young, old]

    def test_nothing_is_kept_of_an_origin_whose_last_connection_is_lent(self) -> None:
        pool = pool_of(1)
        pool.release(opened(pool)[0], 0.0, reusable=True)
        lease, inside = take(pool), cast(Any, pool)
        assert (lease.granted, inside._idle_at) == (True, {})

    def test_a_connection_that_may_not_be_used_again_is_to_be_closed(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        assert pool.release(lease, 0.0, reusable=False).closing == [wire]
        assert take(pool).connection is None

    def test_a_lease_is_given_back_once(self) -> None:
        pool = pool_of(1)
        lease, _ = opened(pool)
        pool.release(lease, 0.0, reusable=True)
        assert pool.release(lease, 0.0, reusable=False) == NO_CHANGES
        assert pool.counts == (0, 1, 0)

    def test_who_waits_is_served_in_order_with_the_connection(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        second, third = take(pool), take(pool)
        assert (second.granted, third.granted) == (False, False)
        assert pool.release(lease, 0.0, reusable=True).granted == [second]
        assert second.connection is wire
        assert pool.release(second, 0.0, reusable=False) == Changes([wire], [third])
        assert third.connection is None

    def test_who_leaves_the_line_is_passed_over(self) -> None:
        pool = pool_of(1)
        lease, second, third = take(pool), take(pool), take(pool)
        pool.release(second, 0.0, reusable=False)
        assert pool.release(lease, 0.0, reusable=False).granted == [third]

    def test_a_connection_serves_its_own_origin_alone(self) -> None:
        pool = pool_of(2)
        lease, _ = opened(pool)
        pool.release(lease, 0.0, reusable=True)
        assert take(pool, THERE).connection is None

    def test_an_idle_connection_makes_room_for_another_origin(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        pool.release(lease, 0.0, reusable=True)
        other, changes = pool.acquire(THERE, 0.0)
        assert (other.granted, other.connection, changes.closing) == (True, None, [wire])

    def test_a_connection_that_is_given_back_makes_room_for_who_waits_for_another_origin(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        waiting = take(pool, THERE)
        assert pool.release(lease, 0.0, reusable=True) == Changes([wire], [waiting])

    def test_an_idle_connection_expires(self) -> None:
        pool = pool_of(2)
        (first, old), (second, young) = opened(pool), opened(pool)
        pool.release(first, 0.0, reusable=True)
        pool.release(second, 1.0, reusable=True)
        lease, changes = pool.acquire(HERE, IDLE_SECONDS)
        assert changes.closing == [old]
        assert lease.connection is young

    def test_a_dead_connection_leaves_its_slot_to_another_one(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        assert pool.detach(lease) is wire
        assert lease.granted
        assert pool.release(lease, 0.0, reusable=True) == NO_CHANGES

    def test_a_dropped_lease_gives_its_slot_back_and_its_connection_up(self) -> None:
        pool = pool_of(1)
        lease, wire = opened(pool)
        waiting = take(pool)
        del lease
        assert pool.look(0.0) == Changes([wire], [waiting])

    def test_who_comes_to_a_slot_that_was_dropped_is_told_who_in_line_has_it_now(self) -> None:
        pool = pool_of(1)
        lease, waiting = take(pool), take(pool)
        del lease
        newcomer, changes = pool.acquire(HERE, 0.0)
        assert (changes, newcomer.granted) == (Changes([], [waiting]), False)

    def test_a_dropped_lease_leaves_the_line(self) -> None:
        pool = pool_of(1)
        lease = take(pool)
        take(pool)
        last = take(pool)
        assert pool.release(lease, 0.0, reusable=False).granted == [last]

    def test_who_is_dropped_behind_another_waits_no_longer(self) -> None:
        pool = pool_of(1)
        leases = [take(pool), take(pool), take(pool)]
        del leases[2]
        pool.look(0.0)
        assert pool.counts == (1, 0, 1)

    def test_a_dead_connection_is_not_there_to_be_closed(self) -> None:
        pool = pool_of(1)
        lease, _ = opened(pool)
        pool.detach(lease)
        assert pool.close() == ([], [], [])

    def test_what_a_closed_pool_had_is_to_be_closed(self) -> None:
        pool = pool_of(2)
        (first, idle), (_second, used) = opened(pool), opened(pool)
        pool.release(first, 0.0, reusable=True)
        third = take(pool, THERE)
        waiting = take(pool)
        assert pool.close() == ([], [used], [waiting])
        assert idle is not used
        assert pool.release(third, 0.0, reusable=True) == NO_CHANGES
        assert pool.release(_second, 0.0, reusable=True).closing == [used]
        late = take(pool)
        assert (late.granted, pool.counts) == (False, (0, 0, 1))

    @pytest.mark.parametrize("waiting", [10, 10_000])
    def test_a_call_takes_the_same_time_however_many_wait(self, waiting: int) -> None:
        pool = pool_of(1)
        held = take(pool)
        line = [take(pool) for _ in range(waiting)]
        steps = _lines_of(
            lambda: (pool.release(line[waiting // 2], 0.0, reusable=False), pool.release(held, 0.0, reusable=False), take(pool))
        )
        assert steps < 150


def _lines_of(call: Callable[[], object]) -> int:
    """How many lines of the pool the call runs."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line" and frame.f_code.co_filename == inspect.getsourcefile(Pool)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


class Interrupted(BaseException):
    """Stands for a KeyboardInterrupt."""


def _one_round(pool: Pool[Wire]) -> None:
    lease, _ = pool.acquire(HERE, 0.0)
    try:
        if lease.granted and lease.connection is None:
            pool.attach(lease, Wire())
    finally:
        pool.release(lease, 0.0, reusable=True)


def _is_interrupted(call: Callable[[], object], opcodes: int) -> bool:
    """Whether the call took more opcodes of the pool, and of ours: it is interrupted after these."""
    left = opcodes

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in (__file__, inspect.getsourcefile(Pool)):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Interrupted
        return trace

    before = sys.gettrace()
    # 3.12 asks for it when tracing begins, and not again. No name for the frame: it would keep itself alive, and the lease with it.
    cast(FrameType, inspect.currentframe()).f_trace_opcodes = True
    sys.settrace(trace)
    try:
        call()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupt_between_any_two_opcodes_serves_who_waits_once() -> None:
    number = 0
    for number in range(10_000):
        pool = pool_of(1)
        held, wire = opened(pool)
        waiting = take(pool)
        if not _is_interrupted(partial(pool.release, held, 0.0, reusable=True), number):
            break
        del held
        inside: Any = pool
        lent, is_waiting = inside._held.get(waiting.key), bool(inside._waiting)
        assert list(pool.look(0.0).granted) == [waiting] * is_waiting, f"after opcode {number}"
        assert waiting.granted, f"after opcode {number}"
        assert lent is None or waiting.connection is wire, f"after opcode {number}"
        assert pool.counts == (1, 0, 0), f"after opcode {number}"
        assert pool.close().in_use == [wire] * (waiting.connection is wire), f"after opcode {number}"
    assert number > 100, "it was interrupted as often"


def test_an_interrupt_between_any_two_opcodes_costs_no_slot() -> None:
    interrupted = 0
    for number in range(10_000):
        pool = pool_of(2)
        kept, _ = opened(pool)
        warm, _ = opened(pool)
        pool.release(warm, 0.0, reusable=True)
        if not _is_interrupted(partial(_one_round, pool), number):
            break
        interrupted += 1
        pool.look(0.0)
        assert pool.counts[0] == 1, f"after opcode {number}"
        another = take(pool)
        assert another.granted, f"after opcode {number}"
        pool.release(another, 0.0, reusable=False)
        pool.look(IDLE_SECONDS + 1)
        assert pool.counts == (1, 0, 0), f"after opcode {number}"
        pool.release(kept, 0.0, reusable=False)
    assert interrupted > 100


class PoolAndModel(RuleBasedStateMachine):
    """Any calls in any order, beside a model that is simple and slow."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = 3
        self.pool = pool_of(self.slots)
        self.at = 0.0
        self.leases: list[Lease[Wire]] = []
        self.line: list[Lease[Wire]] = []
        self.open: set[Wire] = set()
        self.origins: dict[Wire, str] = {}

    def note(self, changes: Changes[Wire]) -> None:
        for wire in changes.closing:
            self.open.remove(wire)
        for lease in changes.granted:
            assert lease is self.line.pop(0)
            self.leases.append(lease)

    @rule(origin=st.sampled_from([HERE, THERE]))
    def acquire(self, origin: str) -> None:
        lease, changes = self.pool.acquire(origin, self.at)
        self.note(changes)
        (self.leases if lease.granted else self.line).append(lease)
        if lease.connection is not None:
            assert self.origins[lease.connection] == origin

    @precondition(lambda self: self.leases)
    @rule(draw=st.data())
    def open_one(self, draw: st.DataObject) -> None:
        lease = self.leases[draw.draw(st.integers(0, len(self.leases) - 1))]  # hypothesis keeps what it drew: never a lease
        if lease.connection is None:
            wire = Wire()
            self.open.add(wire)
            self.origins[wire] = str(lease.origin)
            self.pool.attach(lease, wire)

    @precondition(lambda self: self.leases)
    @rule(draw=st.data(), reusable=st.booleans())
    def release(self, draw: st.DataObject, reusable: bool) -> None:
        lease = self.leases.pop(draw.draw(st.integers(0, len(self.leases) - 1)))
        self.note(self.pool.release(lease, self.at, reusable=reusable))

    @precondition(lambda self: self.line)
    @rule(draw=st.data())
    def leave(self, draw: st.DataObject) -> None:
        lease = self.line.pop(draw.draw(st.integers(0, len(self.line) - 1)))
        self.note(self.pool.release(lease, self.at, reusable=False))

    @precondition(lambda self: self.leases)
    @rule(draw=st.data())
    def drop(self, draw: st.DataObject) -> None:
        self.leases.pop(draw.draw(st.integers(0, len(self.leases) - 1)))
        gc.collect(0)
        self.note(self.pool.look(self.at))

    @rule(seconds=st.floats(0.0, IDLE_SECONDS))
    def wait(self, seconds: float) -> None:
        self.at += seconds
        self.note(self.pool.look(self.at))

    @invariant()
    def no_slot_is_lost_and_nobody_waits_in_vain(self) -> None:
        held, idle, waiting = self.pool.counts
        assert (held, waiting) == (len(self.leases), len(self.line))
        assert held + idle <= self.slots
        used = {lease.connection for lease in self.leases if lease.connection is not None}
        assert len(used) == sum(lease.connection is not None for lease in self.leases)
        assert len(self.open) == len(used) + idle
        assert not waiting or held == self.slots

    def teardown(self) -> None:
        while self.leases:
            self.note(self.pool.release(self.leases.pop(), self.at, reusable=False))
        self.note(self.pool.look(self.at + IDLE_SECONDS))
        assert self.pool.counts == (0, 0, 0)
        assert self.open == set()


TestPoolAndModel = PoolAndModel.TestCase
TestPoolAndModel.settings = settings(max_examples=60, stateful_step_count=40)
