"""The package from outside: pure in a fresh process, lazy, complete, and free to be vendored."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import platform_core

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "platform_core"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
PYTHONS = [sys.executable, *(str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.1[23].*/bin/python")))]
FORBIDDEN = frozenset(
    {
        *("socket", "_socket", "ssl", "_ssl", "select", "selectors", "asyncio", "threading", "concurrent", "multiprocessing", "subprocess"),
        *("logging", "random", "secrets", "email", "http", "urllib.request", "urllib.error", "getpass", "tempfile"),
    }
)
ALLOWED = frozenset(
    {
        *(
            "abc",
            "base64",
            "collections.abc",
            "collections",
            "dataclasses",
            "enum",
            "functools",
            "hashlib",
            "heapq",
            "importlib",
            "ipaddress",
            "json",
            "math",
            "re",
            "sys",
        ),
        *("types", "typing", "urllib.parse", "uuid"),
    }
)
"""What the core's own files may import; what these import in turn is held against FORBIDDEN in a fresh process."""
USE_EVERYTHING = """
import sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
import {package}
alone = sorted(name for name in sys.modules if name.startswith({package!r} + "."))
for name in {package}.__all__:
    getattr({package}, name)
for name in {modules!r}:
    __import__({package!r} + "." + name)
operation = {package}.execute_code_block("c", {{"a": 1}}, seed=__import__("uuid").UUID(int=1))
operation, action = operation.step({package}.Started(0.0))
headers = {package}.Headers((("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"), ("Date", "Fri, 31 Dec 1999 23:59:49 GMT")))
operation, action = operation.step({package}.Received(0.0, {package}.Response(503, headers), 1))
assert type(action).__name__ == "Sleep" and action.until == 10.0, action
loaded = set(sys.modules) - before
print(alone)
print(sorted(loaded))
print(sorted({{name.partition(".")[0] for name in loaded}} - sys.stdlib_module_names))
"""


def use_everything(python: str, root: Path, package: str) -> list[list[str]]:
    """The modules of the package that its import alone loads; all that using all of it loads; what of that is no standard module."""
    return [ast.literal_eval(line) for line in run(python, USE_EVERYTHING.format(root=str(root), package=package, modules=MODULES))]


def run(python: str, code: str) -> list[str]:
    """What a fresh interpreter prints, line by line; without site-packages and the environment."""
    done = subprocess.run([python, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("python", PYTHONS)
def test_using_all_of_it_loads_nothing_that_could_do_io_or_know_the_time(python: str) -> None:
    alone, loaded, foreign = use_everything(python, ROOT, "platform_core")
    assert alone == [], "importing the package alone loads no module of it"
    assert [name for name in loaded if name in FORBIDDEN] == []
    assert foreign == ["platform_core"]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_what_is_allowed_and_the_package_relatively(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            found.add(node.module)
    assert found <= ALLOWED


def test_every_public_name_resolves_to_the_one_of_its_module() -> None:
    assert sorted(platform_core.__all__) == sorted(set(platform_core.__all__))
    for name in platform_core.__all__:
        module: Any = sys.modules.get(f"platform_core.{declared()[name]}") or getattr(platform_core, declared()[name])
        assert getattr(platform_core, name) is getattr(module, name)


def test_type_checkers_are_told_the_same_names_from_the_same_modules() -> None:
    assert declared() == vars(platform_core)["_MODULE_OF"]
    assert set(declared()) == set(platform_core.__all__)


def declared() -> dict[str, str]:
    """The names that stand under TYPE_CHECKING, with their modules."""
    tree = ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}


@pytest.mark.parametrize("name", ["lifecycle", "routes", "requests", "responses"])
def test_a_module_is_an_attribute_without_being_imported(name: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import platform_core; print(platform_core.{name}.__name__)"
    assert run(sys.executable, code) == [f"platform_core.{name}"]


@pytest.mark.parametrize("name", ["nothing", "os", "__path", "executeCodeBlock"])
def test_an_unknown_attribute_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'platform_core' has no attribute '{name}'$"):
        getattr(platform_core, name)


def test_dir_lists_all_that_can_be_had() -> None:
    assert {*platform_core.__all__, "lifecycle", "routes", "__all__"} <= set(dir(platform_core))


def test_a_star_import_brings_exactly_the_public_names() -> None:
    names: dict[str, Any] = {}
    exec("from platform_core import *", names)
    assert set(names) - {"__builtins__"} == set(platform_core.__all__)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_diagram_is_printed_without_a_warning(python: str) -> None:
    done = subprocess.run(
        [python, "-W", "error", "-m", "platform_core.lifecycle"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("stateDiagram-v2\n")
    assert done.stderr == ""


@pytest.mark.parametrize("python", PYTHONS)
def test_the_folder_can_be_vendored_under_another_name(python: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "vendored_core", ignore=shutil.ignore_patterns("__pycache__"))
    _, _, foreign = use_everything(python, tmp_path, "vendored_core")
    assert foreign == ["vendored_core"]


def test_the_package_is_typed() -> None:
    assert (FOLDER / "py.typed").exists()
