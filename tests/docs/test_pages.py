"""What the pages show is so: the blocks of a page run one after the other, in one folder, and print what stands below them.

All of them meet one emulator, which `PLATFORM_API_URL` and `AUTH_TOKEN` name.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_emulator import Emulator
from tests.support.markdown import RUNNABLE, blocks, typed

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUN_ELSEWHERE = {"command_line.md", "testing.md", "transports.md"}
"""By test_command_line.py and test_testing.py, and by tests/conformance/test_page.py."""
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if RUNNABLE & {block.kind for block in blocks(page)} and page.name not in RUN_ELSEWHERE
)
SHOWN = {"mermaid", "json", ""}
"""No other kind of block is on a page: what can be run is run, and a block without a kind shows what is typed with holes in it."""
SECONDS_MAX = 120


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What a reader has who installed the client and started an emulator."""
    with Emulator() as platform:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name != "PLATFORM_CLIENT_LOG"}
        yield kept | {"PLATFORM_API_URL": platform.url, "AUTH_TOKEN": platform.token, "PATH": path, "PYTHONWARNINGS": "error"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_prints_what_it_says(page: str, environment: dict[str, str], tmp_path: Path) -> None:
    for block, command in typed(DOCS / page, tmp_path, sys.executable):
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), f"{block} of {page}"
        assert ended.stdout == (block.printed or ""), f"{block} of {page}"


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_of_a_kind_that_is_not_run(page: str) -> None:
    assert {block.kind for block in blocks(DOCS / page)} <= RUNNABLE | SHOWN


def test_the_pages_that_show_programs_are_known() -> None:
    assert {"tutorial.md", "migrating.md", "emulator.md"} <= set(PAGES)
