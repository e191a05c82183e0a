"""Tell how large each package is, its longest function and its longest file.

Rule: a function has at most 70 lines and a file at most 400, so that either can be read in one go.
With `--check` whatever breaks the rule is listed, and the exit status is 1.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("platform_core", "transports/platform_transports", "flow_sdk", "platform_emulator", "tests", "tools", "examples", "benchmarks")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400


class Piece(NamedTuple):
    """A file or a function: how many lines it has, and where it stands."""

    lines: int
    place: str


class Source(NamedTuple):
    """What is measured of one file. `code` leaves out blank lines, comments and docstrings."""

    file: Piece
    code: int
    functions: list[Piece]


def measure(path: Path) -> Source:
    """Read one file and measure it."""
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT).as_posix()
    lines = text.splitlines()
    blank = {number for number, line in enumerate(lines, 1) if not line.strip() or line.lstrip().startswith("#")}
    functions: list[Piece] = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                first = min(each.lineno for each in (node, *node.decorator_list))
                functions.append(Piece((node.end_lineno or first) - first + 1, f"{place}:{node.lineno} {node.name}"))
            case ast.Expr(value=ast.Constant(value=str())):
                blank.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            case _:
                pass
    return Source(Piece(len(lines), place), len(lines) - len(blank), functions)


def report(package: str, sources: list[Source]) -> Iterator[str]:
    """Yield the lines that describe one package."""
    yield f"{package}: {sum(each.code for each in sources)} lines of code, {sum(each.file.lines for each in sources)} in all"
    yield "  longest file      {0.lines:4}  {0.place}".format(max(each.file for each in sources))
    functions = [piece for each in sources for piece in each.functions]
    if functions:
        yield "  longest function  {0.lines:4}  {0.place}".format(max(functions))


def too_long(sources: list[Source]) -> Iterator[str]:
    """Yield a line for each file and function that breaks the rule."""
    for source in sources:
        for piece, limit in ((source.file, FILE_LINES_MAX), *((each, FUNCTION_LINES_MAX) for each in source.functions)):
            if piece.lines > limit:
                yield f"{piece.place}: {piece.lines} lines, at most {limit}"


def main() -> int:
    """Print the report; with `--check`, judge as well."""
    broken: list[str] = []
    for package in PACKAGES:
        sources = [measure(path) for path in sorted((ROOT / package).rglob("*.py"))]
        if sources:
            print("\n".join(report(package, sources)))
            broken.extend(too_long(sources))
    if "--check" not in sys.argv[1:]:
        return 0
    print("\n".join(broken), file=sys.stderr, end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
