"""Branch coverage of platform_core, where each module counts only what its own test files run.

A line that is covered by chance, by another module's tests, is not tested. So each module's tests run in a process of their own.
The tests of module `x` are `test_x.py` and, where that would grow too long, `test_x_<subject>.py` beside it.
"""

import io
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "platform_core"
TESTS = ROOT / "tests" / "platform_core"
COMPLETE = 100.0
WITHOUT_CODE = frozenset({"__init__"})
"""Its tests look at fresh processes, into which no measurement looks."""


def main() -> int:
    """Run each module's tests, then print what they lack; 1 if anything is lacking. With arguments: these modules alone."""
    modules = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in WITHOUT_CODE)
    wanted = [name for name in modules if not sys.argv[1:] or name in sys.argv[1:]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lacks = [lack for lack in pool.map(lack_of, wanted, [tests_of(name, modules) for name in wanted]) if lack is not None]
    strays = sorted(path.name for path in TESTS.glob("test_*.py") if module_of(path, [*modules, "package"]) is None)
    for lack in lacks:
        print(lack)
    for name in strays:
        print(f"tests/platform_core/{name} mirrors no module")
    print(f"{len(wanted) - len(lacks)} of {len(wanted)} modules of platform_core are covered whole by their own tests")
    return 1 if lacks or strays else 0


def tests_of(name: str, modules: list[str]) -> list[Path]:
    """The test files of one module."""
    return sorted(path for path in TESTS.glob("test_*.py") if module_of(path, modules) == name)


def module_of(test: Path, modules: list[str]) -> str | None:
    """The module that a test file mirrors: the longest name that its own name begins with."""
    mirrored = test.stem.removeprefix("test_")
    return max((name for name in modules if f"{mirrored}_".startswith(f"{name}_")), key=len, default=None)


def lack_of(name: str, tests: list[Path]) -> str | None:
    """Run the module's tests; what is wrong with them, in words, or None."""
    if not tests:
        return f"platform_core/{name}.py has no tests/platform_core/test_{name}.py"
    with tempfile.TemporaryDirectory() as folder:
        data_file, settings = Path(folder) / "coverage", Path(folder) / "coverage.ini"
        settings.write_text(f"[run]\nbranch = true\ninclude = {PACKAGE / name}.py\ndata_file = {data_file}\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "coverage",
            "run",
            f"--rcfile={settings}",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *map(str, tests),
        ]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            return f"the tests of platform_core/{name}.py fail:\n{done.stdout}{done.stderr}"
        return missing(name, data_file)


def missing(name: str, data_file: Path) -> str | None:
    """The lines and branches that were not run, in words, or None."""
    measured = coverage.Coverage(data_file=str(data_file), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    report = io.StringIO()
    covered = measured.report(include=[str(PACKAGE / f"{name}.py")], file=report, show_missing=True, skip_covered=False)
    if covered == COMPLETE:
        return None
    return next(line for line in report.getvalue().splitlines() if f"{name}.py" in line)


if __name__ == "__main__":
    raise SystemExit(main())
