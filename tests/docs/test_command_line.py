"""The page on the command line is so: each block is run, in a shell or on a terminal, and shows what stands there."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow_sdk.cli_commands import app
from flow_sdk.cli_ends import MEANINGS
from platform_emulator import Emulator
from tests.support.markdown import Block, blocks
from tests.support.terminal import ROOT, SECONDS_MAX, Terminal

PAGE = ROOT / "docs" / "command_line.md"
BLOCKS = blocks(PAGE)
INTERRUPT = "^C\n"
# What differs from run to run: ids that the platform or we make, durations and counts of polls.
_DIFFERS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+\.\d+ s|\d+ requests?")


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    """What a reader has who installed the client and started an emulator."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "PLATFORM_CLIENT_LOG"}}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with Emulator() as platform:
        yield kept | {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token, "PATH": path}


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.kind == "sh"], ids=str)
def test_a_script_prints_what_the_page_says(block: Block, env: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(
        ["bash", "-c", block.text], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert ended.stderr == ""
    assert ended.stdout.rstrip() == (block.printed or "").rstrip()


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.kind == "console"], ids=str)
def test_a_terminal_shows_what_the_page_says(block: Block, env: dict[str, str]) -> None:
    typed, _, shown = block.text.partition("\n")
    with Terminal(["bash", "-c", typed.removeprefix("$ ")], env=env) as terminal:
        if shown.startswith(INTERRUPT):
            terminal.wait_for("> running")
            terminal.send(signal.SIGINT)
        terminal.end()
    assert masked(terminal.screen()) == masked(shown.removeprefix(INTERRUPT))


def masked(text: str) -> str:
    """The text without what differs, and so without the places at which lines are broken."""
    return " ".join(_DIFFERS.sub("…", text).split())


def test_every_block_is_of_a_kind_that_is_tried_here() -> None:
    assert {each.kind for each in BLOCKS} == {"sh", "console"}
    assert len(BLOCKS) >= 6


def test_the_exit_codes_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(code), meaning) for code, meaning in rows] == [(code.value, meaning) for code, meaning in MEANINGS.items()]


def test_every_command_is_told() -> None:
    told = re.findall(r"^\| `(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    names = [each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands]
    assert sorted(told) == sorted(names)
