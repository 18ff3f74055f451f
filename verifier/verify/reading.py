"""Sites, terms and invariants as they stand in a certificate."""

from __future__ import annotations

from typing import Any

import networkx as nx

from verifier.ir.dominance import successors
from verifier.ir.model import Function
from verifier.verify.states import State
from verifier.verify.terms import Fails

MOST_ALTERNATIVES = 64


def site(fn: Function, item: list[int]) -> tuple[int, int]:
    """A site of a certificate as (block, index); raises Fails where there is none, or on another line."""
    b, i, line = item
    there = (*fn.blocks[b].statements, fn.blocks[b].terminator) if 0 <= b < len(fn.blocks) else ()
    if not 0 <= i < len(there) or there[i][-1] != line:
        raise Fails(f"{fn.name}: {b}.{i} is not on line {line}")
    return b, i


def graph_of(fn: Function) -> nx.DiGraph:
    """The control-flow graph of a function's blocks."""
    return nx.DiGraph({b: list(successors(block.terminator)) for b, block in enumerate(fn.blocks)})


def leading_to(at: tuple[int, int] | None, fn: Function, graph: nx.DiGraph) -> set[int]:
    """Blocks that lead to a point, or to where the function returns."""
    ends = [at[0]] if at is not None else [b for b, block in enumerate(fn.blocks) if block.terminator[0] == "ret"]
    return set(ends).union(*(nx.ancestors(graph, end) for end in ends))


def invariants(graph: nx.DiGraph, listed: dict[str, Any]) -> dict[int, list[State]]:
    """The alternatives of every block: its own, or those of its closest dominator that has some; raises Fails."""
    out = {0: [State({}, {})]} | {int(b): [alternative(a) for a in items] for b, items in listed.items()}
    if any(len(items) > MOST_ALTERNATIVES for items in out.values()):
        raise Fails("too many alternatives")
    parent = nx.immediate_dominators(graph, 0)
    for b in sorted(parent):  # dominators have smaller numbers
        out.setdefault(b, out.get(parent[b], [State({}, {})]))
    return out


def alternative(item: dict[str, Any]) -> State:
    """A state as it stands in a certificate; raises Fails."""
    known = {terms(term): mask for term, mask in item.get("knows", ())}
    if any(term[0] in ("!", "?") for term in known):
        raise Fails("a literal is no term")
    marks = [("!", n) for n in item.get("holds", ())] + [("?", *terms(x)) for x in item.get("asked", ())]
    return State({terms(place): terms(term) for place, term in item.get("is", ())}, known | dict.fromkeys(marks, 0))


def terms(item: Any) -> Any:
    """JSON lists as the terms that they are."""
    return tuple(terms(i) for i in item) if isinstance(item, list) else item
