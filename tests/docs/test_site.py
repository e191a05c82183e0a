"""The site's table of contents names each page of docs/ once. That its links lead somewhere `make docs` itself tells."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE_BYTES_MAX = 150_000


def test_each_page_is_in_the_table_of_contents_once() -> None:
    pages = [str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")]
    named = re.findall(r'"([^"]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(pages)


def test_a_picture_is_small_and_asks_nothing_of_another_server() -> None:
    images = list((ROOT / "docs" / "images").iterdir())
    assert [each.name for each in images if each.stat().st_size > IMAGE_BYTES_MAX] == []
    assert [each.name for each in images if each.suffix == ".svg" and "@font-face" in each.read_text(encoding="utf-8")] == []
