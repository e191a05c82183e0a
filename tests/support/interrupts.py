"""Where no signal can come: Python looks for signals after calls and at jumps alone, so that not every line can be interrupted."""

import ast
import dis
import linecache
from functools import cache
from types import CodeType


@cache
def unreachable(code: CodeType) -> frozenset[int]:
    """The offsets at which a line begins that no signal can come before.

    Python looks for none between a `with` block and its `__exit__`, and none before the first line of a `finally`.
    """
    source = linecache.getlines(code.co_filename)
    finals = {node.finalbody[0].lineno for node in ast.walk(ast.parse("".join(source))) if isinstance(node, ast.Try) and node.finalbody}
    offsets: set[int] = set()
    for instruction in dis.get_instructions(code):
        line = 0 if instruction.positions is None or instruction.positions.lineno is None else instruction.positions.lineno
        leaves = instruction.opname == "LOAD_CONST" and source[line - 1].lstrip().startswith("with ")
        if line in finals or leaves:
            offsets.add(instruction.offset)
    return frozenset(offsets)
