"""What is under test: a transport, how it is made, where it runs, and what it cannot do."""

import importlib
import inspect
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_transports.contract import AsyncTransport, SyncTransport

from .certificates import distrusting, trusting
from .ends import ImpossibleError
from .server import raw_server
from .steps import Script

Backend: TypeAlias = Literal["asyncio", "uvloop", "trio", "sync"]
"""The event loop that an async transport runs on; "sync" for one of blocking calls."""
BACKENDS: tuple[Backend, ...] = get_args(Backend)
Transport: TypeAlias = AsyncTransport | SyncTransport
Make: TypeAlias = Callable[[Limits, ssl.SSLContext], Transport]


class Server(Protocol):
    """What a check sees of a server that plays its scripts."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...

    @property
    def requests(self) -> list[bytes]:
        """As they were received."""
        ...

    @property
    def connections(self) -> int:
        """How many were made."""
        ...

    @property
    def closed(self) -> int:
        """How many of them the client has closed, as far as a script waited for it."""
        ...

    def release(self) -> None:
        """Let every `Wait` end."""
        ...

    def wait_for(self, *, requests: int = 0, closed: int = 0, connections: int = 0) -> None:
        """Block until there are so many."""
        ...

    def ended(self) -> None:
        """Block until every script that was begun has ended."""
        ...


class Stage(Protocol):
    """Where a check takes place: who makes the transport, and which servers it meets."""

    has_bytes: bool
    """False for a stand-in that only knows whole answers."""

    def make(self, limits: Limits, *, trusted: bool) -> Transport:
        """A new transport, which trusts the suite's own authority or does not."""
        ...

    def serve(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> AbstractContextManager[Server]:
        """A server that plays these scripts, one for each connection."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A transport and what it declares. This is what a user writes who wants more than the bare class tested.

    `make(limits, ssl_context)` makes one with at most `limits.connections_max` connections, kept for `limits.idle_seconds_max`,
    and with TLS by this context; it is called in the event loop. `declared` maps the names of checks to the reason why this
    transport does not pass them, best with the number of the issue at the library underneath. Such a check must fail: once it
    does not any more, the suite says so. `mended_here` are those of them that pass on this Python or system all the same: they must.
    Only where it `carries_flows` is it checked how: it says so itself, and the two must agree.
    """

    name: str
    make: Make
    backends: tuple[Backend, ...] = ("asyncio",)
    declared: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stage: "Callable[[Subject], Stage] | None" = None
    """For a stand-in without sockets; None: servers on loopback."""
    mended_here: frozenset[str] = frozenset()
    carries_flows: bool = False

    def __post_init__(self) -> None:
        if not self.backends or not set(self.backends) <= set(BACKENDS):
            message = f"backends of {self.name} must be some of {', '.join(BACKENDS)}, not {', '.join(map(str, self.backends)) or 'none'}"
            raise ValueError(message)


class Loopback:
    """The stage for every transport that has sockets."""

    has_bytes = True

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def make(self, limits: Limits, *, trusted: bool) -> Transport:
        """See `Stage`."""
        return self._subject.make(limits, trusting() if trusted else distrusting())

    def serve(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> AbstractContextManager[Server]:
        """See `Stage`."""
        return raw_server(*scripts, tls=tls)


def found(place: str, backends: tuple[Backend, ...] = ()) -> tuple[Subject, ...]:
    """What stands at `module:name`: a `Subject`, several of them, or a transport's class. `backends` overrides where they run.

    Raises `ValueError` that says what is wrong with the place.
    """
    module_name, colon, name = place.partition(":")
    if not colon or not module_name or not name:
        message = f"{place!r} must be module:name, say my_module:MyTransport"
        raise ValueError(message)
    try:
        value: object = getattr(importlib.import_module(module_name), name, None)
    except ModuleNotFoundError as error:
        message = f"{place}: there is no module {error.name}; run this in its folder, or put that on PYTHONPATH"
        raise ValueError(message) from error
    subjects = tuple(cast("list[object]", value)) if isinstance(value, (list, tuple)) else (value,)
    return tuple(_subject_of(each, place, backends) for each in subjects)


def _subject_of(value: object, place: str, backends: tuple[Backend, ...]) -> Subject:
    if isinstance(value, Subject):
        return replace(value, backends=backends or value.backends)
    if not inspect.isclass(value) or not callable(getattr(value, "send", None)):
        message = f"{place} must be a Subject, a list of them, or the class of a transport, not {value!r}"
        raise ValueError(message)
    natural: tuple[Backend, ...] = ("asyncio",) if inspect.iscoroutinefunction(cast(Any, value).send) else ("sync",)
    return Subject(value.__name__, _maker(value), backends or natural, carries_flows=hasattr(cast("Any", value), "carries_flows"))


def _maker(kind: Any) -> Make:  # noqa: ANN401 -- a user's class, whatever its constructor takes
    """Calls a bare class with what of `limits` and `ssl_context` its constructor takes; checks that need more then say so."""
    takes = inspect.signature(kind).parameters.keys()

    def make(limits: Limits, ssl_context: ssl.SSLContext) -> Transport:
        offered = {"limits": limits, "ssl_context": ssl_context}
        needed = {"limits": limits != DEFAULT_LIMITS, "ssl_context": ssl_context is trusting()}
        for name, is_needed in needed.items():
            if is_needed and name not in takes:
                message = f"this check needs a transport with its own {name}, which {kind.__name__} does not take: test a Subject(make=…)"
                raise ImpossibleError(message)
        made: Transport = kind(**{name: value for name, value in offered.items() if name in takes})
        return made

    return make
