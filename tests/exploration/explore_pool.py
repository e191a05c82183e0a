"""Breadth-first through all that can become of a pool and its calls. A violation is told by the shortest way to it."""

from collections import deque
from typing import Any, NamedTuple

from .diagram import Chart
from .explore import Violation
from .pool_world import SHARED, Broken, PoolWorld, Step, begin, canonical, steps, take


class Found(NamedTuple):
    """How much there was."""

    worlds: int
    edges: int
    ends: int
    """Worlds in which no call is alive."""


def explore_pool(calls: int, connections_max: int, *, only: int | None = None) -> Found:
    """All that can become of so many calls at a time and so many slots. Raises `Violation`, of one invariant `only` if it is named.

    What lies behind a world in which another one is broken is not looked at.
    """
    ways: dict[Any, tuple[Step, ...]] = {canonical(begin(calls, connections_max)): ()}
    queue: deque[tuple[Step, ...]] = deque([()])
    edges = ends = 0
    while queue:
        way = queue.popleft()
        world = _there(way, calls, connections_max)
        ends += all(call.lease is None for call in world.calls)
        for step in list(steps(world)):
            try:
                take(world, step)
            except Broken as broken:
                if only in (None, broken.number):
                    raise Violation(_told(broken, (*way, step), calls, connections_max)) from None
                world = _there(way, calls, connections_max)
                continue
            edges += 1
            name = canonical(world)
            if name not in ways:
                ways[name] = (*way, step)
                queue.append(ways[name])
            world = _there(way, calls, connections_max)
    return Found(len(ways), edges, ends)


def _there(way: tuple[Step, ...], calls: int, connections_max: int) -> PoolWorld:
    world = begin(calls, connections_max)
    for step in way:
        take(world, step)
    return world


def _told(broken: AssertionError, way: tuple[Step, ...], calls: int, connections_max: int) -> str:
    names = [f"call {number + 1}" for number in range(calls)]
    chart = Chart({name: 6 + 40 * place for place, name in enumerate([*names, "pool"])})
    world = begin(calls, connections_max)
    for step in way:
        source = "pool" if step.call == SHARED else names[step.call]
        chart.arrow(source, "pool", step.what)
        try:
            take(world, step)
        except AssertionError:
            break
        chart.note("pool", str(world))
    return f"{broken}\n\n{chart}"
