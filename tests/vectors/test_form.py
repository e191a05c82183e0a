"""The vectors are as their README says, so that others can read them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.vectors import VECTORS, rows_of

README = (VECTORS / "README.md").read_text(encoding="utf-8")
FILES = sorted(path.stem for path in VECTORS.glob("*.json"))
COMMON = {"name", "reason", "source", "basis"}
SOURCE = re.compile(r"(RFC [0-9]{4}|HTML), (section|appendix) [0-9A-Z]+(\.[0-9]+)*")


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_row_has_a_name_of_its_own_a_reason_a_source_and_a_basis(file: str) -> None:
    rows = rows_of(file)
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        assert row["reason"], row
        assert SOURCE.fullmatch(row["source"]), row
        assert row["basis"] in ("rfc", "choice"), row


def test_a_row_has_the_fields_that_the_readme_tells_of_and_no_other(file: str) -> None:
    told = fields_told(file)
    for row in rows_of(file):
        assert row.keys() <= COMMON | told, row
    assert set().union(*rows_of(file)) == COMMON | told


def test_there_is_one_row_a_line(file: str) -> None:
    first, *lines, last = Path(VECTORS / f"{file}.json").read_text(encoding="ascii").splitlines()
    assert (first, last) == ("[", "]")
    parsed: list[dict[str, Any]] = [json.loads(line.removesuffix(",")) for line in lines]
    assert parsed == rows_of(file)


def test_the_readme_tells_of_every_file() -> None:
    assert sorted(re.findall(r"^## `(\w+)\.json`$", README, re.MULTILINE)) == FILES


def test_retry_after_has_at_least_sixty_rows() -> None:
    assert len(rows_of("retry_after")) >= 60


def fields_told(file: str) -> set[str]:
    """The fields in the table of this file's chapter."""
    chapter = README.partition(f"## `{file}.json`")[2].partition("\n## ")[0]
    return {name for cell in re.findall(r"^\| ([^|]*) \|", chapter, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
