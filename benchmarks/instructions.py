"""Instructions for one poll in the core, and for whole calls: a number that does not depend on what else the machine does.

    make instructions                   all of them; writes docs/benchmarks.md and benchmarks/history.jsonl
    make instructions BENCH_ARGS="--only core --dry"

Counted by valgrind's callgrind, in user space, one call at a time. Each is run twice, for different numbers of repetitions, so that the
difference has no start in it, no import and no first call.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from benchmarks.core_cycle import SHARE_AIM
from benchmarks.counted import names
from benchmarks.json_server import ROOT, json_server
from benchmarks.machine import machine_name, missing_peers
from benchmarks.report import HISTORY, PAGE, remember, revision
from tools.pages import write_between

FEW, MANY = 50, 150
"""The interpreter has specialised its bytecodes, and caches are full, before the few are done."""
_COLLECTED = re.compile(r"Collected : (\d+)")
_THOUSAND = 1000.0


def counted(name: str, count: int, url: str) -> int:
    """Instructions of a process that does it so many times."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", "benchmarks.counted"]
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT / "transports")}
    ran = subprocess.run([*command, name, str(count), url], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = _COLLECTED.search(ran.stderr)
    if ran.returncode or found is None:
        raise RuntimeError(f"{name} could not be counted: {ran.stderr[-1000:]}")
    return int(found[1])


def thousands_of(name: str, url: str, few: int = FEW, many: int = MANY) -> float:
    """Thousands of instructions for one repetition."""
    return (counted(name, many, url) - counted(name, few, url)) / (many - few) / _THOUSAND


def core_share(counts: Mapping[str, float]) -> float:
    """The core's poll without its JSON, beside h11's cycle."""
    poll, reading, cycle = (counts[name] for name in names()[:3])
    return (poll - reading) / cycle


def table(counts: Mapping[str, float]) -> str:
    """One line for each piece of work, and the share of the core where it was counted."""
    lines = [
        "| one repetition | thousands of instructions |",
        "| --- | ---: |",
        *(f"| {name} | {each:.1f} |" for name, each in counts.items()),
    ]
    if counts.keys() >= set(names()[:3]):
        lines += ["", f"The core's share of a poll, strict JSON apart: {core_share(counts):.2f} of h11's own cycle (aim: {SHARE_AIM})."]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Count, print and write down."""
    parser = argparse.ArgumentParser(prog="make instructions", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="those whose name has this in it")
    parser.add_argument("--dry", action="store_true", help="print alone, and write nothing")
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        print("valgrind not installed: apt-get install valgrind, or what your system has in its place", file=sys.stderr)
        return 2
    missing = missing_peers()
    if missing:
        print(f"{', '.join(missing)} not installed: pip install 'platform-client[all,bench]'", file=sys.stderr)
        return 2
    with json_server() as url:
        counts = {name: thousands_of(name, url) for name in names() if options.only in name}
    text = f"{machine_name()}.\nRevision {revision()}.\n\n{table(counts)}"
    print(text)
    if not options.dry:
        write_between(PAGE, "instructions", "instructions", text)
        remember(HISTORY, "instructions", {name: round(each, 1) for name, each in counts.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
