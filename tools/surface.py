"""Write down the public surface: every public name of the four packages, with signatures and defaults, one file for each package.

`make surface` writes tests/surface/*.txt, and a test holds the code against them: whoever changes what others build on sees it in the
diff, line by line, and says so in CHANGELOG.md.
"""

import dataclasses
import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

HERE = Path(__file__).resolve().parents[1] / "tests" / "surface"
MODULES = {
    "flow_sdk": ("", "platform_client", "progress", "logs", "telemetry", "testing", "pytest_plugin"),
    "platform_core": ("",),
    "platform_transports": (
        *("contract", "drive", "tokens", "asyncio", "trio", "sync", "httpx", "fake", "adapting", "closing", "journal", "replay"),
        "conformance",
    ),
    "platform_emulator": ("", "model", "registration", "components"),
}
"""Whose names others may use: what the pages speak of. All else may change at any time."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_MODULE_NAMES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])")
"""Before the name of a type: they tell nothing that its name does not, and differ between versions of Python."""


def surface(package: str) -> str:
    """The surface of one package, a name a line."""
    lines: list[str] = []
    for name in MODULES[package]:
        module = importlib.import_module(f"{package}.{name}" if name else package)
        lines += [f"# {module.__name__}", *_module_lines(module), ""]
    return "\n".join(lines)


def _module_lines(module: ModuleType) -> Iterator[str]:
    for name in sorted(public_names(module)):
        yield from _lines(name, getattr(module, name))


def public_names(module: ModuleType) -> list[str]:
    """The names that a module lists, else those of its own that begin with no underscore."""
    names: list[str] | None = getattr(module, "__all__", None)
    if names is not None:
        return names
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", module.__name__) == module.__name__]
    return [name for name in own if not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)]


def _lines(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        bases = [each.__name__ for each in value.__bases__ if each is not object]
        yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
        yield from (f"    {line}" for line in _member_lines(value))
    elif inspect.isfunction(value):
        yield from _callable_lines(f"{_kind(value)}{name}", value)
    else:
        yield f"{name} = {_shown(value)}"


def _member_lines(kind: type[Any]) -> Iterator[str]:
    if not issubclass(kind, enum.Enum) and not getattr(kind, "_is_protocol", False):
        yield from _callable_lines("new ", kind)
    members: dict[str, object] = {}
    fields: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] in MODULES:
            members |= vars(base)
            fields |= inspect.get_annotations(base)
    if not dataclasses.is_dataclass(kind) and not issubclass(kind, tuple):  # whose fields are what makes a new one
        yield from (f"{name}: {_shortened(inspect.formatannotation(each))}" for name, each in sorted(fields.items()) if name[0] != "_")
    for name, value in sorted(members.items()):
        if not name.startswith("_") or name == "_request":
            yield from _member(name, value)


def _member(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 -- whatever a class may hold
    if isinstance(value, (staticmethod, classmethod)):
        bound: Any = cast("Any", value)
        yield from _callable_lines(f"{'static' if isinstance(value, staticmethod) else 'class'}method {name}", bound.__func__)
    elif inspect.isfunction(value):
        yield from _callable_lines(f"{_kind(value)}{name}", value)
    elif isinstance(value, property):
        yield from _callable_lines(f"property {name}", value.fget)
    elif isinstance(value, enum.Enum):
        yield f"{name} = {value.value!r}"


def _callable_lines(head: str, function: Any) -> Iterator[str]:  # noqa: ANN401 -- whatever can be called
    """A parameter a line, so that a change of one is a change of one line."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # of a type that is written in C, say an exception without a constructor of its own
        yield f"{head}(…)"
        return
    returned = signature.return_annotation
    end = "" if returned is inspect.Signature.empty else f" -> {_shortened(inspect.formatannotation(returned))}"
    parameters = [each for each in signature.parameters.values() if each.name not in ("self", "cls")]
    if not parameters:
        yield f"{head}(){end}"
        return
    yield f"{head}("
    yield from (f"    {_shown_parameter(each)}," for each in parameters)
    yield f"){end}"


def _shown_parameter(parameter: inspect.Parameter) -> str:
    """With its kind, where that is another than one that may be given by place and by name."""
    words: dict[object, str] = {inspect.Parameter.KEYWORD_ONLY: "by name: ", inspect.Parameter.POSITIONAL_ONLY: "by place: "}
    has_default = parameter.default is not parameter.empty
    shown = parameter.replace(default=_Shown(parameter.default)) if has_default else parameter
    return words.get(parameter.kind, "") + _shortened(str(shown))


class _Shown:
    """A default that is shown the same in each run."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _shown(self._value)


def _kind(function: object) -> str:
    return "async def " if inspect.iscoroutinefunction(function) else "def "


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_shown, cast('frozenset[object]', value)))})"
    return _shortened(_ADDRESS.sub("", repr(value)))


def _shortened(text: str) -> str:
    return _MODULE_NAMES.sub("", text)


def main() -> None:
    """Write every file."""
    for package in MODULES:
        path = HERE / f"{package}.txt"
        path.write_text(surface(package), encoding="utf-8")
        print(path.relative_to(HERE.parents[1]))


if __name__ == "__main__":
    main()
