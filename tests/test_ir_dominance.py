"""Dominators against networkx, over graphs of all shapes."""

from __future__ import annotations

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.ir.dominance import dominates, dominators, immediate_dominators, predecessors, successors
from verifier.ir.model import Block


@st.composite
def graphs(draw):
    """Blocks with any edges but into the entry; some may be unreachable, in no particular order."""
    count = draw(st.integers(1, 12))
    target = st.integers(1, max(1, count - 1))
    ends = st.one_of(st.just(("ret", -1, 1)), st.just(("end", 1)))
    if count > 1:
        ends = st.one_of(
            ends,
            target.map(lambda t: ("jmp", t)),
            st.tuples(target, target).map(lambda p: ("br", 0, *p, 1)),
            st.lists(target, min_size=1, max_size=4).map(lambda ts: ("any", ts, 1)),
            st.tuples(st.lists(target, max_size=4), target).map(
                lambda p: ("sw", 0, [[n, n, t] for n, t in enumerate(p[0])], p[1], 1)
            ),
        )
    return [Block([], draw(ends)) for _ in range(count)]


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_dominators_are_those_of_networkx(blocks):
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(len(blocks)))
    for number, block in enumerate(blocks):
        graph.add_edges_from((number, target) for target in successors(block.terminator))
    closest = {n: d for n, d in networkx.immediate_dominators(graph, 0).items() if n != 0}
    found = immediate_dominators(blocks)
    bits = dominators(blocks)
    reachable = networkx.descendants(graph, 0) | {0}
    for number in range(len(blocks)):
        assert found[number] == closest.get(number, -1)
        assert bool(bits[number]) == (number in reachable)
        if number in reachable:
            assert dominates(bits, 0, number) and dominates(bits, number, number)
    for number in reachable - {0}:
        # what the bits mean: without the dominator the block cannot be reached
        for other in reachable - {0, number}:
            without = graph.subgraph(set(graph) - {other})
            assert dominates(bits, other, number) == (number not in networkx.descendants(without, 0))
    assert [sorted(graph.predecessors(n)) for n in range(len(blocks))] == predecessors(blocks)


def test_no_blocks():
    assert dominators([]) == [] and immediate_dominators([]) == []
