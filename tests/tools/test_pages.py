"""A command writes its part of a page, and nothing else of it."""

from pathlib import Path

import pytest

from tools.pages import read_between, write_between


def test_a_page_keeps_what_stands_outside_of_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin, written by `make y` -->\nold\n<!-- x: end -->\nafter\n", encoding="utf-8")
    for _ in range(2):
        write_between(page, "x", "y", "new")
    assert page.read_text(encoding="utf-8") == "before\n<!-- x: begin, written by `make y` -->\n\nnew\n\n<!-- x: end -->\nafter\n"
    assert read_between(page, "x", "y") == "new"
    with pytest.raises(ValueError, match=r"page\.md has no lines"):
        write_between(page, "z", "y", "new")
