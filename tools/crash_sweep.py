"""Kill a client's process before and after each action of an execution, recover in another process, and print what became of it.

Each case is a platform of its own, a process that is killed (SIGKILL) and one that goes on with its journal, over real HTTP. What has to be
true: one execution, and none where the submission was not stored yet; the result of a run that nobody killed, or `cancelled` where that
had been decided. The process that recovers runs in the world of its column, the one that is killed in the next one.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, get_args

from platform_emulator import Emulator
from tools.crash_process import Moment, When, World

PROGRAM = Path(__file__).with_name("crash_process.py")
WORLDS: tuple[World, ...] = get_args(World)
UNSTORED, STORED, PERFORMED = get_args(When)
FOR_EVER_SECONDS = 3600
"""Of an execution that ends by its cancel alone."""
PATIENCE_SECONDS = 120
"""Of this program, for a process on a busy machine."""
_WIDTH = 58


class Row(NamedTuple):
    """A moment, and what has to become of a run whose process is killed then."""

    moment: Moment
    executions: int
    left: int
    """How many runs the journal has left to go on with."""
    ended: str
    leaves: bool = False
    """Whether its caller leaves in the first pause."""
    cancels: bool = False
    polls_running: int = 9
    """So many polls hear `running`, however late they come: what is decided does not depend on how fast this machine is."""

    @property
    def seconds(self) -> int:
        """How long the execution sleeps."""
        return FOR_EVER_SECONDS if self.cancels else 0

    def __str__(self) -> str:
        (action, number, when), leaves = self.moment, ", the caller left in wait 1" if self.leaves else ""
        return f"{action} {number}, {when}{leaves}" if action in {"wait", "poll"} else f"{action}, {when}{leaves}"


def _row(action: str, number: int, when: When, **changes: Any) -> Row:  # noqa: ANN401 -- fields of Row
    return Row(Moment(action, number, when), 1, 1, "completed")._replace(**changes)


ROWS = (
    _row("submission", 1, UNSTORED, executions=0, left=0, ended=""),
    _row("submission", 1, STORED),
    _row("submission", 1, PERFORMED),
    _row("wait", 1, STORED),
    _row("wait", 1, PERFORMED),
    _row("poll", 1, STORED),
    _row("poll", 1, PERFORMED),
    _row("wait", 2, STORED),
    _row("wait", 2, PERFORMED),
    _row("poll", 2, STORED),
    _row("poll", 2, PERFORMED),
    _row("end", 1, UNSTORED, polls_running=1),
    _row("end", 1, STORED, polls_running=1, left=0),
    _row("cancel", 1, UNSTORED, leaves=True),
    _row("cancel", 1, STORED, leaves=True, cancels=True, ended="cancelled"),
    _row("cancel", 1, PERFORMED, leaves=True, cancels=True, ended="cancelled"),
    _row("end", 1, STORED, leaves=True, cancels=True, left=0, ended="cancelled"),
)


class Found(NamedTuple):
    """What became of a case; `wrong` says what must not be."""

    executions: int
    ended: str
    wrong: str

    def __str__(self) -> str:
        return " ".join(text for text in (str(self.executions or "none"), self.ended, "!" if self.wrong else "") if text)


def found(row: Row, world: World, folder: Path) -> Found:
    """Kill one process, let another one go on in this world, and look."""
    journal = folder / "journal"
    dies_in = WORLDS[(WORLDS.index(world) + 1) % len(WORLDS)]
    late = {"kind": "stale_status", "status": "running", "times": row.polls_running}
    with Emulator(faults=[] if row.cancels else [late]) as platform:
        arguments = json.dumps({"moment": row.moment, "seconds": row.seconds, "leaves": row.leaves})
        killed = run(platform.url, platform.token, "die", dies_in, str(journal), arguments)
        again = [run(platform.url, platform.token, "recover", world, str(journal)) for _ in range(2)]
        text = journal.read_text(encoding="utf-8") if journal.exists() else ""
        executions = platform.executions
    ends = [[json.loads(line) for line in each.stdout.splitlines() if line] for each in again]
    wrong: list[str] = []
    if killed.returncode != -signal.SIGKILL:
        wrong.append(f"it was not killed but ended with {killed.returncode}: {killed.stderr}")
    wrong += [f"recovery ended with {each.returncode}: {each.stderr}" for each in again if each.returncode]
    if len(executions) != row.executions:
        wrong.append(f"{len(executions)} executions instead of {row.executions}")
    wrong += [f"the execution ended {each.status}" for each in executions if each.status != row.ended]
    if ends != [[_expected(row, each.execution_id) for each in executions[: row.left]], []]:
        wrong.append(f"recovery yielded {ends}")
    if platform.token in text:
        wrong.append("the token is in the journal")
    return Found(len(executions), ", ".join(each.status for each in executions), "; ".join(wrong))


def run(url: str, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process with these arguments (`crash_process.main`), from its beginning to its end."""
    environment = {**os.environ, "PLATFORM_API_URL": url, "AUTH_TOKEN": token}
    command = [sys.executable, str(PROGRAM), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def main() -> int:
    """Print the table; 1 where something is not as it has to be."""
    cases = [(row, world) for row in ROWS for world in WORLDS]
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as threads:
        folders = [Path(place, str(number)) for number in range(len(cases))]
        for folder in folders:
            folder.mkdir()
        every = list(threads.map(found, *zip(*cases, strict=True), folders))
    print(f"{'killed':<{_WIDTH}} {'left':>4}  {'has to be':<12}", *(f"{world:<12}" for world in WORLDS))
    for number, row in enumerate(ROWS):
        cells = every[number * len(WORLDS) : (number + 1) * len(WORLDS)]
        expected = Found(row.executions, row.ended, "")
        print(f"{row!s:<{_WIDTH}} {row.left:>4}  {expected!s:<12}", *(f"{cell!s:<12}" for cell in cells))
    wrong = [f"{row}, {world}: {each.wrong}" for (row, world), each in zip(cases, every, strict=True) if each.wrong]
    print(*wrong, f"{len(every)} processes killed, {len(wrong)} of them with a wrong end", sep="\n")
    return 1 if wrong else 0


def _expected(row: Row, execution_id: str) -> dict[str, Any]:
    if row.cancels:
        return {"execution_id": execution_id, "ended": "PlatformExecutionCancelledError", "result": None}
    return {"execution_id": execution_id, "ended": "completed", "result": {"seconds": row.seconds}}


if __name__ == "__main__":
    raise SystemExit(main())
