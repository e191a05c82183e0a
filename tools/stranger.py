"""A stranger's path, timed: a fresh clone, `make demo`, then the tutorial typed in, each output compared with what the page says.

python -m tools.stranger            prints a line for each step; 1 where one fails or prints something else
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.support.markdown import blocks, typed

ROOT = Path(__file__).resolve().parent.parent
STEP_SECONDS_MAX = 900
_OURS = frozenset({"VIRTUAL_ENV", "PYTHONPATH", "PLATFORM_CLIENT_LOG", "MAKEFLAGS", "MAKELEVEL", "VENV"})
"""What `make` and whoever calls it may have set, and a stranger has not."""


class Differs(Exception):  # noqa: N818 -- what the stranger would say
    """A step failed, or printed something else than the page says."""


def main() -> int:
    """Walk the path in a temporary folder."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            walk(Path(folder))
        except Differs as error:
            print(error, file=sys.stderr)
            return 1
    print(f"{time.monotonic() - began:6.1f} s in all")
    return 0


def walk(folder: Path) -> None:
    """Clone, demo, install, and the tutorial in a folder of its own. Raises `Differs`."""
    clone, pasted = folder / "clone", folder / "tutorial"
    timed("git clone", partial(run, ["git", "clone", "--quiet", str(ROOT), str(clone)], folder, plain()))
    timed("make demo", partial(run, ["make", "demo"], clone, plain()))
    install, tutorial = installing(clone), clone / "docs" / "tutorial.md"
    timed(" && ".join(install), partial(run, ["bash", "-e", "-c", "\n".join(install)], clone, plain()))
    pasted.mkdir()
    binaries = clone / "venv" / "bin"
    with emulator(binaries / "python", clone) as exported:
        environment = plain() | exported | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
        type_in(tutorial, pasted, binaries / "python", environment)


def type_in(page: Path, folder: Path, python: Path, environment: dict[str, str]) -> None:
    """Give each command of the page. Raises `Differs` where one prints something else than stands under it."""
    for block, command in typed(page, folder, str(python)):
        said = timed(block.text.strip().replace("\n", "; "), partial(run, command, folder, environment))
        if said != (block.printed or ""):
            raise Differs(f"{block} of {page.name} printed {said!r}, not {block.printed!r}")


def installing(clone: Path) -> list[str]:
    """What the tutorial has one type in the checkout, but for the last line, which serves until Ctrl-C."""
    first = blocks(clone / "docs" / "tutorial.md")[0]
    *lines, last = first.text.strip().splitlines()
    if last != "python -m platform_emulator":
        raise Differs(f"{first} of the tutorial should end with the emulator")
    return lines


@contextmanager
def emulator(python: Path, folder: Path) -> Generator[dict[str, str]]:
    """The first terminal; answers with what its two lines export."""
    process = subprocess.Popen([python, "-m", "platform_emulator"], cwd=folder, env=plain(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it is a pipe"
        lines = [process.stdout.readline().strip().removeprefix("export ") for _ in range(2)]
        yield {name: value.strip("'\"") for name, _, value in (line.partition("=") for line in lines)}
    finally:
        process.terminate()
        process.communicate()


def plain() -> dict[str, str]:
    """The environment without what this program's own one has activated."""
    return {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "VENV"}
    }


def timed(step: str, work: Callable[[], str]) -> str:
    """What the step printed; says how long it took."""
    began = time.monotonic()
    said = work()
    print(f"{time.monotonic() - began:6.1f} s  {step}", flush=True)
    return said


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What it printed. Raises `Differs` where it failed."""
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False)
    if ended.returncode:
        raise Differs(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
