"""Draw how the packages stand on each other, as a Mermaid flowchart: the picture in the README.

The boxes are packages, the command line, the fixtures for tests, and the parts of `platform_transports` that a reader chooses between;
the arrows are the imports in the code.
An arrow that follows from two others is left out. `python tools/structure.py` prints it; a test holds the README against it.
"""

import importlib.util
import sys
from itertools import product

import grimp

PACKAGES = ("flow_sdk", "platform_transports", "platform_core", "platform_emulator")
COMMAND_LINE, FIXTURES = "command_line", "fixtures"
OUTSIDE = (COMMAND_LINE, FIXTURES, *PACKAGES)
"""The boxes that stand for themselves; the others are parts of `platform_transports`."""
SAYS = {
    COMMAND_LINE: "platform-client",
    FIXTURES: "for pytest",
    "flow_sdk": "the clients, the errors",
    "drivers": "do what a run answers,<br>tell it what came of that",
    "asyncio": "",
    "trio": "",
    "sync": "threads",
    "httpx": "httpx, httpx2",
    "fake": "virtual time",
    "adapting": "what every adapter<br>over a library does",
    "http1": "bytes to answers,<br>who holds which connection",
    "contract": "one method: send",
    "platform_core": "what now? whether again?<br>when next? no I/O,<br>no clock, no randomness",
    "platform_emulator": "the platform,<br>on your machine",
}
"""The boxes, and what each says besides its name."""
PARTS_OF_TRANSPORTS: dict[str, str | None] = {
    "_asyncio_protocol": "asyncio",
    "_connections": "contract",
    "closing": "contract",
    "_fake_play": "fake",
    "_httpx_common": "httpx",
    "_leases": "http1",
    "_native_common": "http1",
    "_sockets": "http1",
    "_thread_slots": "sync",
    "virtual_time": "fake",
    "conformance": None,
    **{name: name for name in ("asyncio", "trio", "sync", "httpx", "fake", "adapting", "http1", "contract")},
}
"""Which box a module of `platform_transports` is in; those that are not named are in the drivers'. Tests are in none."""
LIBRARIES = ("h11", "trio", "starlette", "typer", "uvicorn")
"""The libraries shown: those that are imported by name and carry a part of the work. httpx and httpx2 are loaded by name when asked for."""


def box_of(module: str) -> str | None:
    """The box of a module, or None for what is not shown."""
    package, _, rest = module.partition(".")
    if package == "platform_transports":
        return PARTS_OF_TRANSPORTS.get(rest.partition(".")[0], "drivers")
    if package == "flow_sdk" and rest.partition("_")[0] == "cli":
        return COMMAND_LINE
    if package == "flow_sdk" and rest in ("pytest_plugin", "testing"):
        return FIXTURES
    return package if package in PACKAGES else f"library {package}" if package in LIBRARIES else None


def arrows() -> set[tuple[str, str]]:
    """Which box stands on which, without what follows from two others."""
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    found = {
        (here, there)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if (here := box_of(module)) is not None and (there := box_of(imported)) is not None and here != there
    }
    reached = set(found)
    for middle, start, end in product({each for pair in found for each in pair}, repeat=3):
        if (start, middle) in reached and (middle, end) in reached:
            reached.add((start, end))
    boxes = {each for pair in found for each in pair}
    return {(here, there) for here, there in found if not any((here, via) in reached and (via, there) in reached for via in boxes)}


def mermaid() -> str:
    """The picture's text."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{', '.join(missing)} cannot be imported: run it in the environment that `make venv` makes")
    lines = ["flowchart TD", "  subgraph platform_transports"]
    box = {name: f'  {name}["{name}{"<br>" if says else ""}{says}"]' for name, says in SAYS.items()}
    lines += [f"  {drawn}" for name, drawn in box.items() if name not in OUTSIDE]
    lines += ["  end", *(drawn for name, drawn in box.items() if name in OUTSIDE)]
    drawn = arrows()
    lines += [
        f"  {name.replace(' ', '_')}([{name.removeprefix('library ')}])" for name in sorted({end for _, end in drawn}) if name not in SAYS
    ]
    lines += [f"  {here} --> {there.replace(' ', '_')}" for here, there in sorted(drawn)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(mermaid(), end="")
