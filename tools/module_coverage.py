"""Branch coverage of platform_core, where each module counts only what its own test file runs.

A line that is covered by chance, by another module's tests, is not tested. One run of the tests records which test ran what
(coverage's dynamic contexts); then each module is reported for the contexts of its own file alone.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "platform_core"
TESTS = ROOT / "tests" / "platform_core"
COMPLETE = 100.0
WITHOUT_CODE = frozenset({"__init__"})
"""Modules whose tests look at a fresh process, which no context can see."""


def main() -> int:
    """Run the tests, then print what each module lacks; 1 if anything is lacking."""
    modules = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in WITHOUT_CODE)
    untested = [name for name in modules if not (TESTS / f"test_{name}.py").exists()]
    strays = sorted(path.name for path in TESTS.glob("test_*.py") if path.stem.removeprefix("test_") not in {*modules, "package"})
    for name in untested:
        print(f"platform_core/{name}.py has no tests/platform_core/test_{name}.py")
    for name in strays:
        print(f"tests/platform_core/{name} mirrors no module")
    with tempfile.TemporaryDirectory() as folder:
        data_file = Path(folder) / "coverage"
        if not run_tests(data_file):
            return 1
        lacking = [name for name in modules if name not in untested and not is_covered(name, data_file)]
    covered = len(modules) - len(untested) - len(lacking)
    print(f"{covered} of {len(modules)} modules of platform_core are covered whole by their own tests")
    return 1 if untested or strays or lacking else 0


def run_tests(data_file: Path) -> bool:
    """Run the core's tests, recording for each line the test that ran it."""
    settings = data_file.with_suffix(".ini")
    settings.write_text(
        "[run]\nbranch = true\nsource = platform_core\ndynamic_context = test_function\n"
        f"data_file = {data_file}\ndisable_warnings = module-not-imported\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def is_covered(name: str, data_file: Path) -> bool:
    """Whether the module's own tests run every line and branch of it; prints what they lack."""
    measured = coverage.Coverage(data_file=str(data_file), config_file=str(ROOT / "pyproject.toml"))
    measured.load()
    measured.get_data().set_query_contexts([rf"(^|\.)test_{name}\.", "^$"])
    report = io.StringIO()
    covered = measured.report(include=[str(PACKAGE / f"{name}.py")], file=report, show_missing=True, skip_covered=False)
    if covered < COMPLETE:
        print(next(line for line in report.getvalue().splitlines() if f"{name}.py" in line))
    return covered == COMPLETE


if __name__ == "__main__":
    raise SystemExit(main())
