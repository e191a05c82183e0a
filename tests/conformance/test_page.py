"""docs/transports.md: its tables are those that the declarations give, and its programs and its command are what runs here."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from platform_transports.conformance.checks import CHECKS
from tests.conformance.page import PAGE, renewed
from tests.support.markdown import blocks

ROOT = PAGE.parents[1]
EXAMPLE = ROOT / "examples" / "transport_aiohttp.py"
BLOCKS = blocks(PAGE)


def test_the_tables_are_those_that_the_declarations_give() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == renewed(text), "`python -m tests.conformance.page` renews them"
    assert f"runs {len(CHECKS)} checks" in text


def test_the_adapter_is_the_example() -> None:
    assert BLOCKS[0].text == EXAMPLE.read_text(encoding="utf-8")


def test_the_command_and_the_declaration_do_what_the_page_says(tmp_path: Path) -> None:
    assert [block.kind for block in BLOCKS] == ["python", "sh", "python"]
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / "mine.py").write_text(BLOCKS[2].text)
    program, *arguments = shlex.split(BLOCKS[1].text)
    assert program == "pytest"
    run = "import sys, pytest; sys.path.remove(''); sys.exit(pytest.console_main())"
    options = ["-q", "-p", "no:cacheprovider", "--platform-transport", "mine:MINE", "-k", "answered or endless-interim-answers"]
    command = [sys.executable, "-c", run, *arguments, *options]
    ended = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr  # the bare class declares nothing
    assert "AiohttpTransport: 1 passed, 0 declared, 1 failed" in ended.stdout
    for loop in ("asyncio", "uvloop"):
        assert f"mine on {loop}: 1 passed, 1 declared, 0 failed" in ended.stdout
