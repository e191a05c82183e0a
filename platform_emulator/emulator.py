"""The platform in a thread of this process, for tests: `with Emulator() as platform`."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

from platform_core.messages import Request

from .components import ORG_ID, Component
from .fault_json import as_fault
from .faults import Fault
from .registration import Components, registered
from .state import DEFAULT_BEHAVIOUR, Behaviour, State

try:
    from .credentials import DEVELOPMENT_API_KEY
    from .keeping import NOWHERE, Keeper
    from .model import Model, initial
    from .rates import RateLimit
    from .server import Server
    from .service import ExecutionView, Service
    from .tokens import DEVELOPMENT_KEY, LIFETIME_SECONDS, Tokens
except ModuleNotFoundError as _missing:
    if _missing.name not in {"jwt", "starlette", "uvicorn"}:
        raise
    _text = f"the emulator's server needs {_missing.name}: install platform-client[emulator]"
    raise ImportError(_text, name=_missing.name) from _missing

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- the address to reach them by


class Emulator:
    """Serves from `__enter__` to `__exit__`, once. All of it may be used from any thread.

    `faults` are `Fault` values or mappings as in `faults.py`; `seed` makes the ids of executions repeatable. `components` are functions of
    one's own, see `registration.py`. `requests_per_second` bounds each token and key, which then meet 429; None bounds none. Raises
    `OSError` from `__enter__` where the port cannot be had; port 0 takes a free one.

    `database` is a file that keeps the platform for the next emulator which is given it; it belongs to this one until it is left.
    Raises `DatabaseError` (`keeping.py`) for a file that cannot be had or is none of an emulator's, and `ValueError` for a `seed` other
    than the file's and for `components` without one of which an execution is pending there.

    `on_fault` is called, in a thread of the emulator, where its server ends by a fault of its own, for whoever waits for something else:
    `__exit__` then raises `RuntimeError`, which the fault is the cause of.
    """

    api_key = DEVELOPMENT_API_KEY
    """The fixed key that every emulator accepts as `X-API-Key`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str = DEVELOPMENT_KEY,
        faults: Iterable[Fault | Mapping[str, Any]] = (),
        behaviour: Behaviour = DEFAULT_BEHAVIOUR,
        seed: UUID | None = None,
        components: Components = (),
        requests_per_second: float | None = None,
        database: str | os.PathLike[str] | None = None,
        on_fault: Callable[[], object] | None = None,
    ) -> None:
        self._address = (host, port)
        functions = registered(components)
        tokens, plan = Tokens(key), [as_fault(fault) for fault in faults]
        rates = None if requests_per_second is None else RateLimit(requests_per_second)
        state, keeper = _known(database, seed, behaviour, [each.component for each in functions])
        self._service = Service(Model(state), tokens, plan, rates, keeper=keeper)
        self._ready = threading.Event()
        self._server = Server(self._service, self._ready.set, functions)
        self._on_fault = on_fault
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._url = ""
        self.token: str = self.new_token()

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("an Emulator serves once; make another one")
        try:
            listening = _listening(*self._address)
        except OSError:
            self._service.close()
            raise
        host = _WILDCARDS.get(self._address[0], self._address[0])
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=(listening,), name="platform_emulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._service.close()
        self._raise_error()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._thread is not None, "__exit__ without __enter__"
        if self._error is None:
            self._server.stop()
        self._thread.join()
        self._service.close()
        self._raise_error()

    @property
    def url(self) -> str:
        """The base URL, without a path."""
        if not self._url:
            raise RuntimeError("an Emulator has no URL before it is entered")
        return self._url

    def new_token(self, lifetime_seconds: float = LIFETIME_SECONDS, *, org_ids: Iterable[str] = (ORG_ID,)) -> str:
        """One more token that the platform accepts, for these organizations; with a negative lifetime, one that has expired."""
        return self._service.tokens.new(lifetime_seconds, org_ids=org_ids)

    def new_api_key(self, *, org_ids: Iterable[str] = (ORG_ID,)) -> str:
        """One more API key that this emulator accepts as `X-API-Key`, for these organizations."""
        return self._service.credentials.new_api_key(org_ids)

    def inject(self, fault: Fault | Mapping[str, Any]) -> None:
        """Let this go wrong, after what is still to go wrong: a `Fault`, or a mapping such as `{"kind": "drop_after"}`."""
        self._service.inject(as_fault(fault))

    @property
    def executions(self) -> tuple[ExecutionView, ...]:
        """All executions as they are now, in the order of submission."""
        return self._service.executions

    @property
    def requests(self) -> tuple[Request, ...]:
        """The latest requests as they were received, without their tokens."""
        return self._service.requests

    def _serve(self, listening: socket.socket) -> None:
        with listening:
            try:
                asyncio.run(self._server.serve(sockets=[listening]))
            except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits for this one
                self._error = error
                if self._on_fault is not None:
                    self._on_fault()
            finally:
                self._ready.set()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise RuntimeError("the emulator's server ended by a fault of its own") from self._error


def _known(
    database: str | os.PathLike[str] | None, seed: UUID | None, behaviour: Behaviour, components: list[Component]
) -> tuple[State, Keeper]:
    """What the platform knows at its start, and where it keeps what is new."""
    if database is None:
        return initial(seed or uuid4(), behaviour, components), NOWHERE
    from .database import Database  # noqa: PLC0415 -- a Python may lack SQLite

    keeper = Database(database)
    try:
        return keeper.begin(seed, behaviour, components, time.time()), keeper
    except BaseException:
        keeper.close()
        raise


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket. Its protocol is named, for asyncio turns Nagle's algorithm off only where it is: 40 ms an answer."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it lets two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except BaseException:
        listening.close()
        raise
    return listening
