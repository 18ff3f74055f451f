"""Which obligations a removal opens to a door: the frontier of the changed functions laid over the base's.

Only functions with a new result can gain open nodes; nodes of all others become open to a door only through them.  So
hot nodes of the base stay as they are outside, and openness is carried downwards from the changed functions alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from verifier.coverage.removal import Layer
from verifier.flow.summary import Requirement, Result
from verifier.program.frontier import Frontier, Node


class Flip(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An obligation that a removal opens: the rule, its operation, where that is performed, and the function at which
    it is open now and was not before (the operation's own, or the lowest caller)."""

    rule: str
    operation: str
    function: str
    through: str

    def __str__(self) -> str:
        via = "" if self.through == self.function else f" through {self.through}"
        return f"{self.rule} {self.operation} @ {self.function}{via}"


class Effect(msgspec.Struct):
    """What a removal does: newly open nodes, the `lowest` of them, which open nothing new below, those as flips, and
    obligations that are open without a door reaching them; `changed` functions have another result than before."""

    fresh: set[Node]
    lowest: set[Node]
    flips: list[Flip]
    cold: list[Flip]
    changed: int


def _told(result: Result | None) -> Any:
    """The part of a result that the frontier reads."""
    if result is None:
        return ((), (), (), ())
    return (result.summary.requires, result.closed, result.edges, result.discharges)


def effect(base: Frontier, layer: Layer, ignored: set[Node] | None = None) -> Effect:
    """Compare a removal's results with the base; nodes in `ignored` open without any removal."""
    changed = {
        fid for fid, result in layer.own.items()
        if result is not (old := layer.base.get(fid)) and _told(result) != _told(old)
    }  # fmt: skip
    own = Layer(layer.base)
    own.own = {fid: layer.own[fid] for fid in changed}
    part = Frontier(base.program, base.doors, own, base.subjects)  # type: ignore[arg-type]

    def node_of(node: Node) -> Requirement | None:
        return (part if node[1] in changed else base).nodes.get(node)

    def below(node: Node) -> list[Node]:
        found = (part if node[1] in changed else base).down.get(node, ())
        return [n for n in found if node_of(n) is not None]

    work = [
        n for n in part.nodes
        if n in part.terminal or any(c not in changed and (n[0], c) in base.hot for c, _ in base.up.get(n, ()))
    ]  # fmt: skip
    hot = set(work)
    while work:
        for n in below(work.pop()):
            if n not in hot and (n[1] in changed or n not in base.hot):
                hot.add(n)
                work.append(n)
    fresh = {n for n in hot if n not in base.hot}
    if ignored:
        fresh -= ignored
    fresh = _without_renumbered(fresh, {n for fid in changed for n in _nodes(layer, fid) if n in base.hot and n not in hot})
    lowest = {n for n in fresh if not any(b in fresh for b in below(n))}
    cold = [n for n in part.nodes if n not in base.nodes and n not in hot and n in part.sinks]
    return Effect(fresh, lowest, _flips(base, lowest, node_of), _flips(base, cold, node_of), len(changed))


def _nodes(layer: Layer, fid: str) -> list[Node]:
    """Nodes that a function had in the base."""
    if fid not in layer.base:
        return []
    old = layer.base[fid]
    return [(r.key, fid) for r in (*old.summary.requires, *old.closed)]


def _without_renumbered(fresh: set[Node], lost: set[Node]) -> set[Node]:
    """Operations are numbered in each function; one that only got another number is not new."""
    if not lost:
        return fresh
    counts = Counter(_mark(n) for n in lost)
    out = set()
    for n in sorted(fresh, key=repr):
        if counts[_mark(n)] > 0:
            counts[_mark(n)] -= 1
        else:
            out.add(n)
    return out


def _mark(node: Node) -> tuple[Any, ...]:
    (rule, component, sink, file, _, operation), fid = node
    return (rule, component, sink, file, operation, fid)


def _flips(base: Frontier, nodes: Iterable[Node], node_of: Any) -> list[Flip]:
    out = set()
    for node in nodes:
        requirement = node_of(node)
        name = base.program.functions[node[1]].index.name
        out.add(Flip(requirement.rule, requirement.operation, requirement.sink.function, name))
    return sorted(out)
