"""What a run found: tables for people, written between markers of a page, and a line of a history for later runs."""

import json
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.aims import Found
from benchmarks.json_server import BODY, ROOT
from benchmarks.machine import machine_name, versions
from benchmarks.rounds import Plan, Results, ratio
from benchmarks.subjects import Subject

PAGE = ROOT / "docs" / "benchmarks.md"
HISTORY = ROOT / "benchmarks" / "history.jsonl"
_FLOOR = "raw socket"


def table(measured: Sequence[Subject], results: Results, plan: Plan) -> str:
    """One line for each subject: CPU microseconds for one call, and how many times the raw socket of its world that is."""
    counts = plan.at_a_time
    middle = counts[len(counts) // 2]
    lines = [
        f"| client | in | {' | '.join(f'{count} at a time' for count in counts)} | times the raw socket, {middle} at a time |",
        f"| --- | --- |{' ---: |' * (len(counts) + 1)}",
    ]
    for each in measured:
        costs = " | ".join(f"{statistics.median(results[each.key, count]):.0f}" for count in counts)
        floor = results.get((f"{_FLOOR} on {each.world}", middle))
        beside = "" if floor is None or each.name == _FLOOR else str(ratio(results[each.key, middle], floor))
        lines.append(f"| {each.name} | {each.world} | {costs} | {beside} |")
    return "\n".join(lines)


def aims_table(found: Sequence[Found]) -> str:
    """One line for each aim."""
    rows = [f"| {each.aim.words} | {each.aim.bound:.2f} | {each.ratio} | {'yes' if each.is_reached else 'no'} |" for each in found]
    return "\n".join(["| what, beside what | at most | median (quartiles) | reached |", "| --- | ---: | ---: | --- |", *rows])


def circumstances(plan: Plan) -> str:
    """On what, with what, how."""
    releases = ", ".join(f"{name} {release}" for name, release in versions().items())
    how = f"{plan.rounds} rounds of {plan.seconds:g} s each, JSON of {len(BODY)} bytes, revision {revision()}"
    return f"{machine_name()}.\n{how}.\n{releases}."


def revision() -> str:
    """The commit that is measured, with a plus where files differ from it."""
    found = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def remember(history: Path, command: str, figures: object) -> None:
    """Add a line to the history: when, what, where, and the figures."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "revision": revision(),
        "machine": machine_name(),
        "versions": versions(),
        "figures": figures,
    }
    with history.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def figures_of(results: Results, found: Sequence[Found]) -> dict[str, object]:
    """Medians by subject, and aims by what they are about, as the history keeps them."""
    costs: dict[str, dict[str, float]] = {}
    for (key, count), values in results.items():
        costs.setdefault(key, {})[str(count)] = round(statistics.median(values), 1)
    aims = {each.aim.words: {**each.ratio._asdict(), "bound": each.aim.bound} for each in found}
    return {"cpu_microseconds": costs, "ratios": aims}
