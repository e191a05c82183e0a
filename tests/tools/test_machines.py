"""The diagrams of the machines are drawn from their tables, and the page is as they are now."""

from platform_core.machine import Edges, Ended
from platform_core.outcomes import Received, Started, Woke
from tools.machines import PAGE, diagram, machines, own_edges, page


class Here:
    pass


class There:
    pass


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make machines"


def test_every_edge_of_every_machine_is_drawn_once() -> None:
    drawn = page()
    for module in machines().values():
        for (state, outcome), targets in own_edges(module).items():
            for target in targets:
                arrows = [line for line in drawn.splitlines() if line.strip().startswith(f"{state.__name__} --> {target.__name__}:")]
                assert len(arrows) == 1
                assert outcome.__name__ in arrows[0]


def test_a_table_becomes_arrows_with_a_beginning_and_an_end() -> None:
    edges: Edges = {
        (Here, Started): frozenset[type]({There}),
        (There, Received): frozenset[type]({There, Ended}),
        (There, Woke): frozenset[type]({Ended}),
    }
    assert diagram(edges).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> Here",
        "    Here --> There: Started",
        "    There --> Ended: Received, Woke",
        "    There --> There: Received",
        "    Ended --> [*]",
    ]
