"""Draw every machine of the core from its table into docs/machines.md: `make machines`. With `--check`, say whether the page is fresh."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import platform_core
from platform_core import lifecycle
from platform_core.machine import Edges
from platform_core.outcomes import Started

PAGE = Path(__file__).resolve().parent.parent / "docs" / "machines.md"
_HEAD = """# Machines

Drawn from the tables in the code by `make machines`; a test holds this page against them. How a step decides, `step` of each state tells.
An arrow names the outcomes that may take it; each of them was taken by a test and, where the world can bring it about, by the exploration
(`exploration.md`). A state that a machine borrows from another one is drawn there."""


def machines() -> dict[str, ModuleType]:
    """The modules of the core that have a table of edges, by name."""
    names = [each.name for each in pkgutil.iter_modules(platform_core.__path__)]
    modules = {name: importlib.import_module(f"platform_core.{name}") for name in names if name != "__main__"}
    return {name: module for name, module in modules.items() if hasattr(module, "EDGES")}


def own_edges(module: ModuleType) -> Edges:
    """The edges that leave the states of this module."""
    edges: Edges = module.EDGES
    return {edge: targets for edge, targets in edges.items() if edge[0].__module__ == module.__name__}


def diagram(edges: Edges) -> str:
    """The table as a Mermaid state diagram: one arrow for each pair of states, with its outcomes."""
    return "\n".join(_lines(edges))


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, module in machines().items():
        parts.append(f"## {name}\n\n{_first_line(module)}\n\n```mermaid\n{diagram(own_edges(module))}\n```")
    parts.append(f"## lifecycle\n\n{_first_line(lifecycle)}\n\n```mermaid\n{lifecycle.mermaid()}\n```")
    return "\n\n".join(parts) + "\n"


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0]


def _lines(edges: Edges) -> Iterator[str]:
    yield "stateDiagram-v2"
    arrows = _arrows(edges)
    sources = {state.__name__ for state, _ in edges}
    begins = sorted({state.__name__ for state, outcome in edges if outcome is Started})
    yield from (f"    [*] --> {state}" for state in begins)
    for (source, target), outcomes in arrows.items():
        yield f"    {source} --> {target}: {', '.join(outcomes)}"
    ends = sorted({target for _, target in arrows if target in {"Ended", "Answered", "Unanswered"}} - sources)
    yield from (f"    {state} --> [*]" for state in ends)


def _arrows(edges: Edges) -> Mapping[tuple[str, str], list[str]]:
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, outcome), targets in edges.items():
        for target in sorted(each.__name__ for each in targets):
            arrows.setdefault((state.__name__, target), []).append(outcome.__name__)
    return arrows


def main() -> int:
    """Write the page, or with `--check` say whether it is as it would be written."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
    print("docs/machines.md is fresh" if fresh else "docs/machines.md is stale: make machines")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main())
