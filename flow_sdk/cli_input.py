"""What a command reads: JSON from the command line, a file or standard input; names with values."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from platform_core.limits import DEFAULT_LIMITS
from platform_core.strict_json import InvalidJson, strict_json

WHERE = "JSON, @FILE, or - (stdin)"


def json_of(text: str | None, option: str) -> object:
    """The value that an option names. Raises `typer.BadParameter`, which names the option and the fault."""
    if text is None:
        return None
    try:
        return strict_json(bytes_of(text, option), DEFAULT_LIMITS.json_depth_max)
    except InvalidJson as error:
        fault = str(error)
    raise typer.BadParameter(f"must be strict JSON: {fault}", param_hint=option)


def bytes_of(text: str, option: str) -> bytes:
    """The bytes that an option names: its own text, those of `@FILE`, or, for `-`, standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        fault = f"cannot read {text[1:]}: {error.strerror}"
    raise typer.BadParameter(fault, param_hint=option)


def pairs_of(texts: Sequence[str], separator: str, option: str) -> Mapping[str, list[str]]:
    """`name=value` as a mapping; a name that stands more than once has all its values."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, separated, value = text.partition(separator)
        if not separated or not name:
            raise typer.BadParameter(f"must be NAME{separator}VALUE", param_hint=option)
        found.setdefault(name.strip(), []).append(value.strip())
    return found
