"""The fenced blocks of a page, as what a reader pastes, and what the page says that it prints."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

RUNNABLE = frozenset({"python", "sh"})
_NAME = re.compile(r"# (\w+\.py)\n")
_BLOCK = re.compile(r"^```(?P<kind>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block. `printed` is the `text` block that follows it with nothing but blank lines between, if one does."""

    kind: str
    text: str
    line: int
    printed: str | None

    def __str__(self) -> str:
        return f"{self.kind} at line {self.line}"


def blocks(page: Path) -> list[Block]:
    """Every block of the page, but for those that are another one's output."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in _BLOCK.finditer(text):
        follows = not text[end : match.start()].strip()
        end = match.end()
        if match["kind"] == "text" and follows and found and found[-1].printed is None:
            found[-1] = found[-1]._replace(printed=match["text"])
        else:
            found.append(Block(match["kind"], match["text"], text.count("\n", 0, match.start()) + 1, None))
    return found


def typed(page: Path, folder: Path, python: str) -> Iterator[tuple[Block, list[str]]]:
    """Each command that a reader of the page gives in this folder, once the programs before it are saved there.

    A `python` block is a program of its own, unless it begins with a comment such as `# first.py`: it is saved under that name, for
    the `sh` blocks that follow.
    """
    for block in blocks(page):
        named = _NAME.match(block.text)
        if block.kind == "python":
            (folder / (named[1] if named else "pasted.py")).write_text(block.text, encoding="utf-8")
            if named is None:
                yield block, [python, "pasted.py"]
        elif block.kind == "sh":
            yield block, ["bash", "-e", "-c", block.text]
