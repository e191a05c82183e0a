"""Everything in the README is so: each block runs as it stands, in a folder of its own, and prints what the page says."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.markdown import Block, blocks

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCKS = blocks(README)
PROGRAMS = [block for block in BLOCKS if block.kind == "python"]
COMMANDS = [line for block in BLOCKS if block.kind == "sh" for line in block.text.splitlines()]
EMULATOR = "python -m platform_emulator"


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What a reader has in the second terminal after pasting what the emulator prints in the first."""
    with subprocess.Popen([sys.executable, *EMULATOR.split()[1:]], stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            lines = [emulator.stdout.readline() for _ in range(2)]
            exported = [re.fullmatch(r"export (\w+)=(\S+)\n", line) for line in lines]
            yield os.environ | {match[1]: match[2] for match in exported if match is not None}
        finally:
            emulator.terminate()


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_prints_what_the_page_says(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pasted.py").write_text(block.text)
    command = [sys.executable, "-W", "error", "pasted.py"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert ended.stdout == (block.printed or "")


def test_every_block_is_of_a_kind_that_is_tried_here() -> None:
    assert {block.kind for block in BLOCKS} == {"python", "sh", "mermaid"}
    assert len(PROGRAMS) >= 7


def test_every_command_can_be_given() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = re.findall(r"^make (\w+)$", "\n".join(COMMANDS), re.MULTILINE) + re.findall(r"`make (\w+)`", README.read_text())
    assert {"demo", "test"} <= set(made) <= set(targets)
    rest = [line for line in COMMANDS if not line.startswith("make ")]
    assert rest == ["pip install '.[emulator,trio,httpx]'", EMULATOR]  # the first is what `make venv` does, the second the fixture


def test_every_extra_that_is_named_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(r"(?:platform-client|`|\.)\[([a-z0-9,]+)\]", README.read_text())
    assert {"cli", "emulator", "trio", "httpx", "httpx2", "otel"} == {extra for each in named for extra in each.split(",")} & extras.keys()
    assert {extra for each in named for extra in each.split(",")} <= extras.keys()


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:[\w.]+/)+[\w.]*|[A-Z]+\.md)`", README.read_text())
    assert len(named) > 5
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_picture_is_the_one_that_the_code_gives() -> None:
    drawn = subprocess.run([sys.executable, str(ROOT / "tools" / "structure.py")], capture_output=True, text=True, timeout=60, check=True)
    assert [block.text for block in BLOCKS if block.kind == "mermaid"] == [drawn.stdout], (
        "put what tools/structure.py prints into the README"
    )
