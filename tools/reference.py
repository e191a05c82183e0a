"""Is every public name found in the reference? Asked of the site as it was built, since what has no docstring is left out there silently.

`make site` asks. A public name is one of `tools/surface.py`: what others may build on.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tools.surface import MODULES, public_names

REFERENCE = Path(__file__).resolve().parents[1] / "build" / "site" / "reference"
_ANCHOR = re.compile(r'id="([\w.]+)"')
_ALIAS = re.compile(r"(?:[a-z_0-9]+\.)+(\w+)")
"""The anchor of a union or a constant: its name behind a module, whose name is small, and not behind a class."""
_HOOK = "pytest_"
"""Who uses the module as a plugin of pytest writes none of these names."""


def missing(anchors: set[str]) -> Iterator[str]:
    """The public names that have none of these anchors."""
    aliases = {found[1] for each in anchors if (found := _ALIAS.fullmatch(each))}
    for package, modules in MODULES.items():
        for module in (importlib.import_module(f"{package}.{each}" if each else package) for each in modules):
            for name in _names(module):
                value = getattr(module, name)
                if inspect.isclass(value) or inspect.isfunction(value):
                    is_found = not anchors.isdisjoint({f"{module.__name__}.{name}", f"{value.__module__}.{name}"})
                else:
                    is_found = name in aliases
                if not is_found:
                    yield f"{module.__name__}.{name}"


def _names(module: ModuleType) -> Iterator[str]:
    """What a module lists, else its classes: beside them there are constants and helpers."""
    lists = hasattr(module, "__all__")
    for name in sorted(public_names(module)):
        if not name.startswith(_HOOK) and (lists or inspect.isclass(getattr(module, name))):
            yield name


def main() -> int:
    """Name those that are missing. 1 where there is one."""
    anchors = {each for page in REFERENCE.glob("*.html") for each in _ANCHOR.findall(page.read_text(encoding="utf-8"))}
    found = list(missing(anchors))
    for name in found:
        print(f"{name} is on no page of docs/reference, or has no docstring there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
