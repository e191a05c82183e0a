"""Mutation testing of the core and of http1 by mutmut: what could a line say instead, without a test of its module failing?

Each module is mutated alone and tried on its own tests, in a copy in which it lies as mutmut wants it: packages flat beside the tests
(it finds no modules below a source root such as `transports/`). What lived is held against `tests/mutmut_survivors.toml`, where each
survivor stands with the reason why no test can, or need, tell it from the original. Verdicts are kept in `.mutmut/`: a mutant that was
killed is not tried again while its function stays as it is, one that lived is. `--fresh` forgets them.
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tools.module_coverage import tests_of
from tools.mutmut_loop import ALIVE, OVER_TIME, TASK, function_of
from tools.pages import write_between

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".mutmut"
LISTED = ROOT / "tests" / "mutmut_survivors.toml"
PAGE = ROOT / "docs" / "mutation.md"
PACKAGES = {"platform_core": ROOT / "platform_core", "platform_transports": ROOT / "transports" / "platform_transports"}
"""What is mutated: where it lies in the flat copy, and whence it comes."""
BESIDE = ("flow_sdk", "platform_emulator", "tests", "tools")
"""What lies beside it, so that the tests see all of one state."""
HTTP1 = "platform_transports/http1"
KILLED_PERCENT_MIN = 95.0
MODULE_SECONDS_MAX = 3600.0
WITHOUT_MUTANTS = frozenset({"__init__", "version"})
"""They have no functions that a test could reach in this process."""
FIRST = ("retry", "exchange", "execution", "cleanup", "pool", "connection")
"""Where a wrong line costs most: these are tried before the others."""
CAST = re.compile(r"""(?<=\bcast\()("[^"]*"|\w+(\[[^()]*?\])?), """)
"""The type in a cast."""
SETTINGS = """
[tool.mutmut]
source_paths = ["platform_core", "platform_transports"]
# Not reached, as the type checkers have shown, or only by a bug of ours: no test can see what these lines say.
do_not_mutate_patterns = ['\\bassert_never\\(', '\\braise AssertionError\\(', '^\\s*assert ']
"""
MAKE = "import json, pathlib; from tools.mutmut_loop import mutated; print(json.dumps(mutated(pathlib.Path('{path}'))))"
PLUGINS = ("-p", "tools.mutmut_loop", "-p", "no:cacheprovider", "--hypothesis-profile=ci")
"""Hypothesis' own profile for CI: the same examples for each mutant, and nothing kept."""


class Module(NamedTuple):
    """What is mutated at a time, by its path in the flat copy, and the test files that have to notice."""

    path: str
    tests: tuple[str, ...]


class Survivor(NamedTuple):
    """A mutant that no test noticed: the lines as they were, and as they could be."""

    function: str
    was: str
    now: str


class Result(NamedTuple):
    """What became of the mutants of a module."""

    path: str
    mutants: int
    over_time: int
    survivors: tuple[Survivor, ...]
    seconds: float

    @property
    def killed(self) -> int:
        """Those over time as well: they no longer end."""
        return self.mutants - len(self.survivors)

    @property
    def percent(self) -> float:
        """How many of a hundred were killed."""
        return 100 * self.killed / self.mutants if self.mutants else 100.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the modules, print what became of their mutants; 1 if too many live, or others than are listed."""
    parser = argparse.ArgumentParser(prog="make mutmut", description="Try modules of the core and of http1 by mutmut.")
    parser.add_argument("modules", nargs="*", help="the names of some modules, such as retry or pool; without, all")
    parser.add_argument("--fresh", action="store_true", help="try those again, too, that were killed before")
    parser.add_argument("--kept", action="store_true", help="try none, and tell what is known")
    wanted = parser.parse_args(arguments)
    chosen = [each for each in modules() if not wanted.modules or Path(each.path).stem in wanted.modules]
    results: list[Result] = []
    untried: list[str] = []
    for module in chosen:
        if wanted.fresh:
            kept_file(module).unlink(missing_ok=True)
        if not wanted.kept:
            try_out(module)
        if not kept_file(module).exists():
            untried.append(module.path)
            continue
        results.append(result_of(module))
        print(row(results[-1]), flush=True)
    return report(results, untried, whole=not wanted.modules)


def modules() -> list[Module]:
    """All that are mutated, those first that matter most."""
    core = sorted(path.stem for path in PACKAGES["platform_core"].glob("*.py") if path.stem not in WITHOUT_MUTANTS)
    found = [Module(f"platform_core/{name}.py", tuple(str(path.relative_to(ROOT)) for path in tests_of(name, core))) for name in core]
    own = ROOT / "tests" / HTTP1
    for path in sorted((PACKAGES["platform_transports"] / "http1").glob("*.py")):
        if path.stem not in WITHOUT_MUTANTS:
            # The bytes of requests, heads and bodies are tested through the connection, which is all that others see of them.
            tests = "test_pool*.py" if path.stem == "pool" else "test_connection*.py"
            found.append(Module(f"{HTTP1}/{path.name}", tuple(str(each.relative_to(ROOT)) for each in sorted(own.glob(tests)))))
    return sorted(found, key=lambda each: FIRST.index(name) if (name := Path(each.path).stem) in FIRST else len(FIRST))


def try_out(module: Module) -> None:
    """Make the mutants of this module, try those that were not killed before, and keep what was found. Raises `RuntimeError`."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutmut-") as name:
        folder, task = Path(name), Path(name) / "task.json"
        lay_flat(folder)
        mutants, hashes = json.loads(run(folder, task, "-c", MAKE.format(path=module.path)))
        killed = killed_before(module, hashes)
        task.write_text(json.dumps([mutant for mutant in mutants if mutant not in killed]), encoding="utf-8")
        run(folder, task, "-m", "pytest", "-q", "--tb=short", "--rootdir=.", *PLUGINS, *module.tests)
        tried: dict[str, str] = json.loads(task.read_text(encoding="utf-8"))
        verdicts = {mutant: killed.get(mutant) or tried[mutant] for mutant in mutants}
        alive = [mutant for mutant, verdict in verdicts.items() if verdict == ALIVE]
        lived = dict(zip(alive, survivors((folder / module.path).read_text(encoding="utf-8"), alive), strict=True))
        # No mutants at all: a cast does nothing when the program runs.
        idle = {mutant for mutant, each in lived.items() if CAST.sub("", each.was) == CAST.sub("", each.now)}
        found = [each for mutant, each in lived.items() if mutant not in idle]
        verdicts = {mutant: verdict for mutant, verdict in verdicts.items() if mutant not in idle}
    data = {"seconds": time.monotonic() - begun, "survivors": found, "verdicts": verdicts, "hashes": hashes}
    KEPT.mkdir(exist_ok=True)
    kept_file(module).write_text(json.dumps(data, indent=1), encoding="utf-8")


def lay_flat(folder: Path) -> None:
    """Copy the packages, the tests and the settings."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for place, source in {**PACKAGES, **{name: ROOT / name for name in BESIDE}}.items():
        shutil.copytree(source, folder / place, ignore=ignored)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(settings + SETTINGS, encoding="utf-8")


def run(folder: Path, task: Path, *arguments: str) -> str:
    """What this Python prints in the copy, which comes first in its path. Raises `RuntimeError` where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", TASK: str(task)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=MODULE_SECONDS_MAX)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def killed_before(module: Module, hashes: dict[str, str]) -> dict[str, str]:
    """The kept verdicts, where the function is what it was; less those on what lived: a test may have come since."""
    if not kept_file(module).exists():
        return {}
    data: Any = json.loads(kept_file(module).read_text(encoding="utf-8"))
    same = {name for name, text in data["hashes"].items() if hashes.get(name) == text}
    verdicts: dict[str, str] = data["verdicts"]
    return {mutant: verdict for mutant, verdict in verdicts.items() if verdict != ALIVE and function_of(mutant) in same}


def survivors(mutated: str, names: Sequence[str]) -> Iterator[Survivor]:
    """What the named mutants changed, from mutmut's file that holds each as a function beside the original."""
    lines = mutated.splitlines()
    spans = {each.name: (each.lineno - 1, each.end_lineno) for each in ast.walk(ast.parse(mutated)) if isinstance(each, ast.FunctionDef)}

    def source(name: str, plain: str) -> list[str]:
        first, end = spans[name]
        return [lines[first].replace(name, plain), *lines[first + 1 : end]]

    for name in names:
        mangled = name.rpartition(".")[2]
        function, _, _ = mangled.rpartition("__mutmut_")
        *_, plain = function.removeprefix("x_").split("ǁ")
        changed = list(difflib.ndiff(source(f"{function}__mutmut_orig", plain), source(mangled, plain)))
        was, now = ("\n".join(line[2:].strip() for line in changed if line.startswith(sign)) for sign in "-+")
        yield Survivor(function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), was, now)


def kept_file(module: Module) -> Path:
    """Where the verdicts on this module are kept."""
    return KEPT / f"{module.path.removesuffix('.py').replace('/', '.')}.json"


def result_of(module: Module) -> Result:
    """What is known of this module."""
    data: Any = json.loads(kept_file(module).read_text(encoding="utf-8"))
    verdicts: dict[str, str] = data["verdicts"]
    over_time = sum(verdict == OVER_TIME for verdict in verdicts.values())
    return Result(module.path, len(verdicts), over_time, tuple(Survivor(*each) for each in data["survivors"]), data["seconds"])


def report(results: Sequence[Result], untried: Sequence[str], *, whole: bool) -> int:
    """Print the sum and what is wrong; 1 if anything is. Of the whole, the page tells, too."""
    together = total(results)
    print(row(together))
    wrong = [f"not tried yet: {path}" for path in untried]
    if together.percent < KILLED_PERCENT_MIN:
        wrong.append(f"too many live: {together.percent:.1f} % killed, not {KILLED_PERCENT_MIN:.0f} %")
    for result in results:
        listed = {key: why for key, why in reasons().items() if key[0] == result.path}
        alive = {(result.path, *survivor) for survivor in result.survivors}
        wrong += [f"lives, and is not listed:\n{entry(*key)}" for key in sorted(alive - listed.keys())]
        wrong += [f"is listed, and does not live: {entry(*key)}" for key in sorted(listed.keys() - alive)]
    if whole:
        write_between(PAGE, "mutmut", "mutmut", table(results, untried))
    print("\n".join(wrong))
    return 1 if wrong else 0


def reasons() -> dict[tuple[str, str, str, str], str]:
    """The reason for each listed survivor, by file, function, and the lines as they were and could be."""
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))["survivor"]
    return {(each["file"], each["function"], each["was"], each["now"]): each["why"] for each in listed}


def entry(path: str, function: str, was: str, now: str) -> str:
    """A survivor as it stands in the list, without its reason."""
    quoted = (f"'{text}'" if "'" not in text and "\n" not in text else f"'''\n{text}'''" for text in (was, now))
    return '[[survivor]]\nfile = "{}"\nfunction = "{}"\nwas = {}\nnow = {}\nwhy = ""\n'.format(path, function, *quoted)


def total(results: Sequence[Result]) -> Result:
    """All of them as one."""
    alive = tuple(survivor for each in results for survivor in each.survivors)
    mutants, over_time = sum(each.mutants for each in results), sum(each.over_time for each in results)
    return Result("together", mutants, over_time, alive, sum(each.seconds for each in results))


def row(result: Result) -> str:
    """A line of the table on the screen."""
    counts = f"{result.mutants:5} mutants {result.killed:5} killed ({result.over_time} by the time limit) {len(result.survivors):4} live"
    return f"{result.path:38}{counts} {result.percent:6.1f} %{result.seconds:7.0f} s"


def table(results: Sequence[Result], untried: Sequence[str]) -> str:
    """The table of the page: those that have anything to mutate."""
    head = "| module | mutants | killed | of them by the time limit | live | killed, % |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    rows = [
        f"| {each.path} | {each.mutants} | {each.killed} | {each.over_time} | {len(each.survivors)} | {each.percent:.1f} |"
        for each in [*sorted(each for each in results if each.mutants), total(results)]
    ]
    return "\n".join([head, *rows, *(f"| {path} | not tried yet | | | | |" for path in sorted(untried))])


if __name__ == "__main__":
    raise SystemExit(main())
