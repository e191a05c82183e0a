"""`make fuzz SECONDS=60`: fuzz every target for its share of the time, guided by coverage, and say how far it came.

atheris takes over the process that it fuzzes in, so that each target has one of its own. What it found worth keeping stays in
`.fuzz/corpus/`, and the next run begins there; an input that shows a defect is kept in `.fuzz/found/`, and fails the command.
"""

import argparse
import importlib
import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".fuzz"
INPUT_BYTES_MAX = 1024
INPUT_SECONDS_MAX = 10
"""No input of that length takes one thousandth of it: what does is a defect as well."""
MISSING = "atheris is not installed: `make fuzz` brings it into an environment of its own (wheels for Linux alone)"
_RUNS = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


def main(arguments: Sequence[str]) -> int:
    """Fuzz; 1 where a defect was found, 2 where it cannot be done here."""
    parser = argparse.ArgumentParser(prog="tests.fuzzing.command", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--target", help="this one alone")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    atheris = found_atheris()
    if atheris is None:
        print(MISSING, file=sys.stderr)
        return 2
    if given.child:
        fuzz(atheris, given.target, given.seconds)
    from tests.fuzzing.targets import TARGETS

    chosen = [given.target] if given.target else list(TARGETS)
    share = max(1, given.seconds // len(chosen))
    print(f"{'target':10}{'executions':>12}{'a second':>10}{'edges':>8}{'features':>10}{'corpus':>8}")
    return max([run(target, share) for target in chosen])


def found_atheris() -> ModuleType | None:
    """The fuzzer, which the tests do without."""
    try:
        return importlib.import_module("atheris")
    except ModuleNotFoundError:
        return None


def run(target: str, seconds: int) -> int:
    """Fuzz one target in a process of its own, and print its line."""
    write_seeds(target)
    command = [sys.executable, "-m", "tests.fuzzing.command", "--child", "--target", target, "--seconds", str(seconds)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    text = ended.stdout + ended.stderr
    print(line_of(target, seconds, text), flush=True)
    if ended.returncode == 0:
        return 0
    print(text[-4000:], file=sys.stderr)
    return 1


def line_of(target: str, seconds: int, text: str) -> str:
    """What libFuzzer said at its end: `edges` are places in the code that were reached, `features` count also how often."""
    runs = _RUNS.search(text)
    executions = int(runs[1]) if runs else 0
    found = _COVERAGE.findall(text)
    edges, features, corpus = found[-1] if found else ("0", "0", "0")
    return f"{target:10}{executions:12,}{executions // seconds:10,}{edges:>8}{features:>10}{corpus:>8}"


def write_seeds(target: str) -> None:
    """The seeds as files, beside what earlier runs found worth keeping."""
    from tests.fuzzing.seeds import seeds

    folder = FOLDER / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (FOLDER / "found").mkdir(exist_ok=True)
    for seed in seeds(target):
        (folder / sha256(seed).hexdigest()[:16]).write_bytes(seed)


def fuzz(atheris: ModuleType, target: str, seconds: int) -> None:
    """Fuzz in this process, which ends with it."""
    with atheris.instrument_imports(include=["platform_core", "platform_transports", "h11"]):
        from tests.fuzzing.targets import TARGETS
    options = {
        "max_total_time": seconds,
        "max_len": INPUT_BYTES_MAX,
        "timeout": INPUT_SECONDS_MAX,
        "print_final_stats": 1,
        "artifact_prefix": f"{FOLDER / 'found' / target}-",
    }
    atheris.Setup(["fuzz", *[f"-{name}={value}" for name, value in options.items()], str(FOLDER / "corpus" / target)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
