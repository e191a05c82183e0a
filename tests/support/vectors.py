"""The vectors of `tests/vectors/`, for the tests of whatever reads such values."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of one file."""
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text(encoding="ascii"))
    return found


def name_of(row: Any) -> str:
    """The name of a row, as the id of its test."""
    return str(row["name"])
