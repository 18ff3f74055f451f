"""Blocks of a control-flow graph in layers from top to bottom, after Sugiyama, Tagawa and Toda (IEEE SMC, 1981)."""

from __future__ import annotations

import networkx

SWEEPS = 4


def layers(count: int, edges: list[tuple[int, int]]) -> tuple[list[list[int]], set[tuple[int, int]]]:
    """Blocks by distance from the entry, and the edges that go back (found by depth-first search from block 0)."""
    following: dict[int, list[int]] = {number: [] for number in range(count)}
    for start, end in edges:
        if end not in following[start]:
            following[start].append(end)
    back: set[tuple[int, int]] = set()
    state = dict.fromkeys(range(count), 0)
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        work = [(root, iter(following[root]))]
        while work:
            node, rest = work[-1]
            nxt = next(rest, None)
            if nxt is None:
                state[node] = 2
                work.pop()
            elif state[nxt] == 1:
                back.add((node, nxt))
            elif state[nxt] == 0:
                state[nxt] = 1
                work.append((nxt, iter(following[nxt])))
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(edge for edge in edges if edge not in back)
    ranked = [sorted(layer) for layer in networkx.topological_generations(graph)]
    for sweep in range(SWEEPS):
        place = {node: at / len(layer) for layer in ranked for at, node in enumerate(layer)}
        towards = graph.predecessors if sweep % 2 == 0 else graph.successors
        for layer in ranked if sweep % 2 == 0 else reversed(ranked):
            mean = {node: _mean([place[other] for other in towards(node)], place[node]) for node in layer}
            layer.sort(key=lambda node: (mean[node], node))
            place |= {node: at / len(layer) for at, node in enumerate(layer)}
    return ranked, back


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
