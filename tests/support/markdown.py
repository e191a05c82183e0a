"""The fenced blocks of a page, as what a reader pastes, and what the page says that it prints."""

import re
from pathlib import Path
from typing import NamedTuple

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
