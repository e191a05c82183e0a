"""The page on testing is so: its files make a folder in which pytest passes, on asyncio, on trio and without an event loop."""

import pytest

from tests.support.markdown import blocks
from tests.support.terminal import ROOT

PAGE = ROOT / "docs" / "how_to" / "testing.md"


def test_the_files_of_the_page_pass_as_they_stand(pytester: pytest.Pytester) -> None:
    found = blocks(PAGE)
    assert {block.kind for block in found} == {"python"}
    for block in found:
        name = block.text.partition("\n")[0].removeprefix("# ")
        (pytester.path / name).write_text(block.text, encoding="utf-8")
    tests = [block for block in found if block.text.startswith("# test_")]
    assert len(tests) == 6
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=2 * 5 + 1)
