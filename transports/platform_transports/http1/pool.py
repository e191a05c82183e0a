"""Who holds which connection, who waits for one, and which are to be closed. It opens, closes and waits for nothing itself.

Rule 1: a slot is lent as a `Lease`, which the pool knows by a weak reference alone. Who drops a lease gives its slot back, at
        whatever point he was interrupted: the call that follows finds it.
Rule 2: what was popped from one place and not yet put in another is nowhere, so that an interrupt costs a connection, never a slot.
Rule 3: each call takes the same time however many connections there are and however many wait; what it closes is paid for once.
Rule 4: nobody waits while there is a free slot or an idle connection.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar
from weakref import ref

C = TypeVar("C", bound=Hashable)


class Lease(Generic[C]):
    """A slot, once it is `granted`. `connection` is the idle one that comes with it; where it is None, one may be opened."""

    __slots__ = ("__weakref__", "connection", "granted", "key", "origin", "wake")

    def __init__(self, origin: Hashable) -> None:
        self.origin: Hashable = origin
        self.granted: bool = False
        self.connection: C | None = None
        self.wake: Callable[[], None] | None = None
        """For whoever waits: to be called when the lease is granted."""
        self.key: _Ref[C] | None = None

    def __repr__(self) -> str:
        return f"Lease({'granted' if self.granted else 'not granted'})"


class _Ref(ref[Lease[C]]):
    """A weak reference that is itself alone: the usual one cannot be looked up once its lease is gone, unless it was before."""

    __slots__ = ()
    if TYPE_CHECKING:

        def __hash__(self) -> int: ...
        def __eq__(self, other: object, /) -> bool: ...

    else:  # not called through a function of ours
        __hash__ = object.__hash__
        __eq__ = object.__eq__


Key: TypeAlias = _Ref[C]


class Changes(NamedTuple, Generic[C]):
    """What is to be done after a call: these connections to be closed, these leases, just granted, to be woken."""

    closing: Sequence[C]
    granted: Sequence[Lease[C]]


NO_CHANGES: Changes[Any] = Changes((), ())
"""As after nearly every call: made once."""


class Contents(NamedTuple, Generic[C]):
    """What a pool that is closed had: idle connections, those of calls under way, and leases that wait."""

    idle: list[C]
    in_use: list[C]
    waiting: list[Lease[C]]


class Pool(Generic[C]):
    """At most so many connections, idle or in use; idle ones for at most so many seconds. Not for two threads at a time."""

    def __init__(self, connections_max: int, idle_seconds_max: float) -> None:
        self._connections_max = connections_max
        self._idle_seconds_max = idle_seconds_max
        self._held: dict[Key[C], C | None] = {}
        self._waiting: OrderedDict[Key[C], None] = OrderedDict()
        self._idle: OrderedDict[C, tuple[Hashable, float]] = OrderedDict()
        """The one that has been idle for longest is first. This one counts; `_idle_at` finds the same ones by origin."""
        self._idle_at: dict[Hashable, OrderedDict[C, None]] = {}
        self._dropped: deque[Key[C]] = deque()
        self.closed: bool = False

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many slots are held, how many connections are idle, and how many leases wait."""
        return len(self._held), len(self._idle), len(self._waiting)

    def acquire(self, origin: Hashable, at: float) -> tuple[Lease[C], Changes[C]]:
        """A lease, granted or waiting in line. Give it back by `release` in any case."""
        closing: list[C] = []
        granted = self._settled(at, closing)
        lease: Lease[C] = Lease(origin)
        lease.key = key = _Ref(lease, self._dropped.append)
        if not self._grant(key, lease, closing):  # nobody who waits is passed over: they wait since nothing is free
            self._waiting[key] = None
        return lease, _changes(closing, granted)

    def attach(self, lease: Lease[C], connection: C) -> None:
        """A connection was opened for this lease."""
        assert lease.granted, "only who has a slot may open a connection"
        assert lease.key is not None, "and has not given it back"
        self._held[lease.key] = lease.connection = connection

    def detach(self, lease: Lease[C]) -> C | None:
        """The connection of this lease turned out to be dead: what is to be closed; the slot stays."""
        assert lease.key is not None, "only who has a slot has a connection"
        connection, lease.connection = lease.connection, None
        self._held[lease.key] = None
        return connection

    def release(self, lease: Lease[C], at: float, *, reusable: bool) -> Changes[C]:
        """Give the lease back, granted or not; its connection is kept only if `reusable`. Another time does nothing."""
        key, connection = lease.key, lease.connection
        closing: list[C] = []
        if key is not None:
            self._held.pop(key, None)
            self._waiting.pop(key, None)
            lease.key = lease.connection = None
            lease.granted = False
            if connection is not None and reusable and not self.closed:
                here = self._idle_at.get(lease.origin)
                if here is None:
                    here = self._idle_at[lease.origin] = OrderedDict()
                here[connection] = None
                self._idle[connection] = lease.origin, at
            elif connection is not None:
                closing.append(connection)
        return _changes(closing, self._settled(at, closing))

    def look(self, at: float) -> Changes[C]:
        """Find what was dropped and what has expired."""
        closing: list[C] = []
        return _changes(closing, self._settled(at, closing))

    def close(self) -> Contents[C]:
        """Lend nothing any more, and say what there is. Leases are given back as ever."""
        self.closed = True
        found = Contents(
            list(self._idle),
            [each for each in self._held.values() if each is not None],
            [lease for key in self._waiting if (lease := key()) is not None],
        )
        self._waiting.clear()
        self._idle.clear()
        self._idle_at.clear()
        return found

    def _settled(self, at: float, closing: list[C]) -> list[Lease[C]]:
        """Take back what was dropped, give up what has expired, and grant what is free to those who wait, in their order."""
        while self._dropped:
            key = self._dropped[0]
            connection = self._held.pop(key, None)
            self._waiting.pop(key, None)
            if connection is not None:
                closing.append(connection)
            self._dropped.popleft()
        while self._idle and next(iter(self._idle.values()))[1] + self._idle_seconds_max <= at:
            closing.append(self._oldest())
        granted: list[Lease[C]] = []
        while self._waiting:
            key = next(iter(self._waiting))
            lease = key()
            if lease is not None:
                if not self._grant(key, lease, closing):
                    break
                granted.append(lease)
            self._waiting.pop(key, None)
        return granted

    def _grant(self, key: Key[C], lease: Lease[C], closing: list[C]) -> bool:
        """The idle connection that was used last, else a free slot, else that of another origin's connection; else False."""
        if self.closed:
            return False
        connection: C | None = None
        here = self._idle_at.get(lease.origin)
        if key in self._held:  # it has its slot: an interrupt came before that was told
            connection = self._held[key]
        elif here:
            connection, _ = here.popitem()
            self._forget(connection, lease.origin)
        elif len(self._held) + len(self._idle) >= self._connections_max:
            if not self._idle:
                return False
            closing.append(self._oldest())
        self._held[key] = connection
        lease.connection = connection
        lease.granted = True
        return True

    def _oldest(self) -> C:
        connection, (origin, _) = next(iter(self._idle.items()))
        self._forget(connection, origin)
        return connection

    def _forget(self, connection: C, origin: Hashable) -> None:
        here = self._idle_at.get(origin)
        if here is not None:
            here.pop(connection, None)
            if not here:
                del self._idle_at[origin]
        self._idle.pop(connection, None)


def _changes(closing: list[C], granted: list[Lease[C]]) -> Changes[C]:
    return Changes(closing, granted) if closing or granted else NO_CHANGES
