"""The machine that a run measures on: its name, its cores, and what is installed there."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PEERS = ("aiohttp", "httpx", "httpx2", "requests", "trio", "urllib3")
"""Whom we are measured against; `uvloop` is one more event loop, where there is one."""
_LISTED = (*PEERS, "uvloop", "h11", "anyio")


def pinned(number: int) -> None:
    """Keep this process on one of the cores that it may use, counted as the items of a list are, where the system can do that."""
    if sys.platform != "win32" and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number]})


def has_uvloop() -> bool:
    """Whether asyncio can be run on uvloop here."""
    return find_spec("uvloop") is not None


def missing_peers() -> list[str]:
    """Whom this environment lacks."""
    return [name for name in PEERS if find_spec(name) is None]


def machine_name() -> str:
    """Processor, cores, system and Python, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {python}"


def versions() -> dict[str, str]:
    """The releases of all that takes part, by name."""
    found: dict[str, str] = {}
    for name in sorted(_LISTED):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
