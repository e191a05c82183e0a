"""How a user's own Python functions become components: three decorators, and what they leave behind.

    from platform_emulator import code_block

    @code_block
    def double(inputs):
        return {"n": 2 * inputs["n"]}

A function takes the inputs, a dict, and answers with JSON; it may be `async`. The decorator changes nothing in how it is called. Its id is
made of module and name, so that it stays the same from run to run, unless one is given: `@code_block(component_id="…", name="…")`.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias, TypeVar, overload
from uuid import UUID, uuid5

from platform_core.records import ComponentKind

from .components import COMPONENTS, Component

Function: TypeAlias = Callable[..., Any]
"""From the inputs, a dict, to the result, or to an awaitable of it."""
F = TypeVar("F", bound=Function)

Components: TypeAlias = str | ModuleType | Iterable[Function]
"""A module or its dotted name, all of whose decorated functions are meant, or the decorated functions themselves."""

NAMESPACE = UUID("1db30000-0000-4000-8000-000000000001")
"""What ids are made in."""

_MARK = "__platform_component__"


@dataclass(frozen=True, slots=True)
class Registered:
    """A component, and where a worker process finds its function."""

    component: Component
    module: str
    qualified_name: str


@overload
def code_block(function: F, /) -> F: ...
@overload
def code_block(*, name: str | None = None, component_id: UUID | str | None = None) -> Callable[[F], F]: ...
def code_block(function: F | None = None, /, *, name: str | None = None, component_id: UUID | str | None = None) -> F | Callable[[F], F]:
    """Make a function a code block. Raises `ValueError` for an id that is no UUID."""
    return _decorated("code_block", function, name, component_id)


@overload
def agent(function: F, /) -> F: ...
@overload
def agent(*, name: str | None = None, component_id: UUID | str | None = None) -> Callable[[F], F]: ...
def agent(function: F | None = None, /, *, name: str | None = None, component_id: UUID | str | None = None) -> F | Callable[[F], F]:
    """Make a function an agent; else as `code_block`."""
    return _decorated("agent", function, name, component_id)


@overload
def workflow(function: F, /) -> F: ...
@overload
def workflow(*, name: str | None = None, component_id: UUID | str | None = None) -> Callable[[F], F]: ...
def workflow(function: F | None = None, /, *, name: str | None = None, component_id: UUID | str | None = None) -> F | Callable[[F], F]:
    """Make a function a workflow; else as `code_block`."""
    return _decorated("workflow", function, name, component_id)


def component_id_of(function: Function) -> str:
    """The id of a decorated function, to call it by. Raises `TypeError` for one that is not decorated."""
    return _component(function).component_id


def registered(components: Components) -> tuple[Registered, ...]:
    """The decorated functions among these.

    Raises `ImportError` for a module that is not there, `TypeError` for a function without a decorator, and `ValueError` for one that a
    worker process could not import, a name or an id that is taken, and a module without any decorated function.
    """
    if isinstance(components, str):
        components = importlib.import_module(components)
    if isinstance(components, ModuleType):
        where = components.__name__
        functions = [each for each in vars(components).values() if callable(each) and hasattr(each, _MARK)]
        if not functions:
            raise ValueError(f"components: {where} has no function that is decorated with code_block, agent or workflow")
    else:
        functions = list(components)
    found = tuple(_registered(each) for each in dict.fromkeys(functions))
    _check_distinct([each.component for each in found])
    return found


def at_hand(functions: Iterable[Function]) -> tuple[tuple[Component, Function], ...]:
    """These functions with their components, for whoever calls them in this process: they may stand anywhere.

    Raises `TypeError` for one that is async or not decorated, and `ValueError` for a name or an id that is taken.
    """
    found = tuple((_component(each), each) for each in dict.fromkeys(functions))
    for component, function in found:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"components: {component.name} is async: a fake calls plain functions alone, the emulator takes both")
    _check_distinct([component for component, _ in found])
    return found


def _decorated(kind: ComponentKind, function: F | None, name: str | None, component_id: UUID | str | None) -> F | Callable[[F], F]:
    fixed = None if component_id is None else str(UUID(str(component_id)))

    def mark(marked: F) -> F:
        made = fixed or str(uuid5(NAMESPACE, f"{kind} {marked.__module__}.{marked.__qualname__}"))
        setattr(marked, _MARK, Component(kind, name or marked.__name__, made, external=True))
        return marked

    return mark if function is None else mark(function)


def _component(function: Function) -> Component:
    component: object = getattr(function, _MARK, None)
    if not isinstance(component, Component):
        raise TypeError(f"components: {function!r} is not decorated with code_block, agent or workflow")
    return component


def _registered(function: Function) -> Registered:
    component = _component(function)
    if "<" in function.__qualname__:
        raise ValueError(f"components: {function.__qualname__} must stand at the top of its module, where a worker process can import it")
    return Registered(component, function.__module__, function.__qualname__)


def _check_distinct(components: list[Component]) -> None:
    names = {(each.kind, each.name) for each in COMPONENTS}
    ids = {each.component_id for each in COMPONENTS}
    for each in components:
        if (each.kind, each.name) in names or each.component_id in ids:
            raise ValueError(f"components: there is another {each.kind} {each.name}, or another component with the id {each.component_id}")
        names.add((each.kind, each.name))
        ids.add(each.component_id)
