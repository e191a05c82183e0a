"""What both clients share: reading and checking the constructor's arguments, and what each operation is built with.

No decision about a call is taken here, or anywhere in this package: those are the core's.
"""

import copy
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, NoReturn, TypedDict, TypeVar, cast
from uuid import UUID, uuid4

from platform_core.config import ClientConfig, Settings, token_from_env, user_agent
from platform_core.handles import ExecutionHandle
from platform_core.machine import Ended, Operation
from platform_core.records import ExecutionRecord
from platform_core.resuming import handle_of_record
from platform_core.tokens import Token
from platform_transports.budget import BudgetHolder
from platform_transports.contract import TwoWorlds
from platform_transports.journal import Journal
from platform_transports.run import Observer

from . import logs

T = TypeVar("T")


class BuiltWith(TypedDict):
    """What every builder of `platform_core.operations` takes besides the caller's arguments."""

    seed: UUID
    settings: Settings


class HeldJournal(NamedTuple):
    """A journal, and whether somebody else sees to its closing."""

    journal: Journal
    borrowed: bool


class Kind(NamedTuple):
    """One of the two kinds of client, and what it asks of a transport."""

    client: str
    contract: str
    close: str
    """The method that closes its transport; `other_close` is what the transport of the other client has instead."""
    other_client: str
    other_close: str
    is_async: bool


ASYNC = Kind("PlatformClient", "AsyncTransport", "aclose", "SyncPlatformClient", "close", is_async=True)
SYNC = Kind("SyncPlatformClient", "SyncTransport", "close", "PlatformClient", "aclose", is_async=False)


class Wiring:
    """What a client is made of, but for what is bound to an event loop or to threads."""

    def __init__(  # each is a parameter of the clients' constructors, as it was given
        self,
        kind: Kind,
        *,
        base_url: object,
        auth_token: object,
        org_id: object,
        workspace_id: object,
        timeout: object,
        on_auth_token_refresh: object,
        transport: object,
        token_provider: object,
        retry: object,
        limits: object,
        idempotent_submissions: object,
        allow_http: object,
        observers: object,
        env: object,
        journal: object,
    ) -> None:
        environment = _checked_env(env)
        self.config: ClientConfig = ClientConfig.from_env(
            environment,
            base_url=base_url,
            org_id=org_id,
            workspace_id=workspace_id,
            timeout=timeout,
            retry=retry,
            limits=limits,
            idempotent_submissions=idempotent_submissions,
            allow_http=allow_http,
        )
        _check_callback(token_provider, "token_provider", kind)
        _check_callback(on_auth_token_refresh, "on_auth_token_refresh", kind)
        self.token: Token | None = token_from_env(environment, auth_token, required=token_provider is None)
        _check_transport(transport, kind)
        self.observers: tuple[Observer, ...] = (*_checked_observers(observers), *logs.observers_of(environment))
        self.journal: Journal | None = None if journal is None else _as_journal(journal)
        self._borrowed = isinstance(journal, Journal)
        self.budget: BudgetHolder = BudgetHolder()

    @property
    def built_with(self) -> BuiltWith:
        """For one operation, with a fresh seed: here alone randomness comes in."""
        return {"seed": uuid4(), "settings": self.config.settings}

    def with_options(self, *, timeout: object, retry: object, headers: object) -> "Wiring":
        """The same for other requests: budget, observers and journal are shared."""
        other = copy.copy(self)
        other.config = self.config.with_options(timeout=timeout, retry=retry, headers=headers)
        return other

    def journal_of(self, given: object) -> "HeldJournal":
        """The journal of this path; this client's own where that is the same."""
        journal = _as_journal(given)
        if isinstance(given, Journal):
            return HeldJournal(journal, borrowed=True)
        own = self.journal
        return HeldJournal(journal, borrowed=False) if own is None or own.path != journal.path else HeldJournal(own, borrowed=True)

    def close_journal(self) -> None:
        """Close the journal if it is ours."""
        if self.journal is not None and not self._borrowed:
            self.journal.close()


class Wired:
    """What both clients have that asks nobody: the handle of a record, a client as text, and why it is neither pickled nor copied."""

    _wiring: Wiring

    def handle(self, record: ExecutionRecord) -> ExecutionHandle:
        """The handle of the execution that a submission answered with: `resume` goes on with it, here or anywhere else.

        It asks nobody, and so is never awaited. The execution is awaited for an hour, and goes on whoever leaves it.
        Raises `TypeError` or `ValueError` where the record has no usable id.
        """
        return handle_of_record(record)

    def __repr__(self) -> str:
        config = self._wiring.config
        shown = {"base_url": config.origin.base_url, "org_id": config.settings.org_id, "workspace_id": config.settings.workspace_id}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items() if value is not None)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is neither pickled nor copied: it holds connections and a token; make another one")


def checked_operation(operation: Operation[T]) -> Operation[T]:
    """What `run` was given. Raises `TypeError` where that cannot be run."""
    if isinstance(operation, type) or not callable(getattr(operation, "step", None)) or not hasattr(operation, "seed"):
        raise TypeError(f"operation must be one that platform_core builds, not {type(operation).__name__}")
    if isinstance(operation, Ended):
        raise ValueError("operation has ended: there is nothing left to run")  # noqa: TRY004 -- it is one that platform_core builds
    return operation


def documented_by(original: type) -> Callable[[type[T]], type[T]]:
    """Give the methods of a class the docstrings of the same methods of another one, so that both say the same."""

    def documented(copy: type[T]) -> type[T]:
        for name, method in vars(copy).items():
            if inspect.isfunction(method) and method.__doc__ is None and hasattr(original, name):
                method.__doc__ = getattr(original, name).__doc__
        return copy

    return documented


def _checked_env(env: object) -> Mapping[str, str]:
    if env is None:
        return os.environ
    if not isinstance(env, Mapping):
        raise TypeError(f"env must be a mapping, not {type(env).__name__}")
    return cast("Mapping[str, str]", env)


def _check_callback(callback: object, parameter: str, kind: Kind) -> None:
    if callback is None:
        return
    if not callable(callback):
        raise TypeError(f"{parameter} must be callable, not {type(callback).__name__}")
    # The other way round cannot be told: a plain function may well answer with an awaitable.
    if not kind.is_async and _is_coroutine_function(callback):
        raise TypeError(f"{parameter} must be a plain function for {kind.client}: async ones are for {kind.other_client}")


def _check_transport(transport: object, kind: Kind) -> None:
    if transport is None:
        return
    if isinstance(transport, type):
        raise TypeError(f"transport must be an instance, not the class {transport.__name__}")
    if isinstance(transport, TwoWorlds):
        return
    send, name, wanted = getattr(transport, "send", None), getattr(transport, "name", None), hasattr(transport, kind.close)
    other = hasattr(transport, kind.other_close) and not wanted
    contract = f"platform_transports.contract.{kind.contract}"
    if not callable(send) or not isinstance(name, str) or not (wanted or other):
        raise TypeError(f"transport must have name, send and {kind.close}, as {contract}; {type(transport).__name__} has not")
    if other or (not kind.is_async and _is_coroutine_function(send)):
        raise TypeError(f"transport {type(transport).__name__} is for {kind.other_client}; {kind.client} takes {contract}")
    user_agent(name, "3")


def _checked_observers(observers: object) -> tuple[Observer, ...]:
    if not isinstance(observers, Iterable):
        raise TypeError(f"observers must be an iterable of callables, not {type(observers).__name__}")
    checked: list[Observer] = []
    for observer in cast("Iterable[object]", observers):
        if not callable(observer):
            raise TypeError(f"observers must be callables, not {type(observer).__name__}")
        if isinstance(observer, Journal):
            raise TypeError("observers must not have a Journal: give it as journal, so that it can stop a run")
        checked.append(cast("Observer", observer))
    return tuple(checked)


def _as_journal(given: object) -> Journal:
    if isinstance(given, Journal):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(f"journal must be a path or a flow_sdk.Journal, not {type(given).__name__}")
    return Journal(cast("str | os.PathLike[str]", given))


def _is_coroutine_function(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 -- an object may be called by a coroutine function
