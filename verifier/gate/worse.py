"""What is open in one variant of a program and was not in another: obligations are compared, not findings.

Nodes of the two graphs of open obligations (verifier.program.frontier) are matched by rule, operation and function;
files and functions that only changed their name keep their obligations.  A new finding stands where a scan would put
it; what is open anew above or below a finding that a scan would report anyway has one of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from verifier.flow.summary import Place
from verifier.gate.variant import Variant, shape_of
from verifier.program.frontier import Frontier, Node, Open
from verifier.program.layered import differing


class Names:
    """Names of the newer variant in terms of the older one."""

    def __init__(self, before: Variant, after: Variant) -> None:
        self.files = {new: old for new, old in after.overlay.renamed.items() if old not in after.overlay.files}
        self.functions: dict[tuple[str, str], str] = {}
        one, two = before.program.functions, after.program.functions
        other = differing(one, two)
        gone = [f for f in other if f in one and f not in two and _file(before, f) not in self.files.values()]
        made = [f for f in other if f in two and f not in one and _file(after, f) not in self.files]
        if not gone or len(gone) * len(made) > 10_000:
            return
        old: dict[tuple[str, str], list[str]] = {}
        for fid in sorted(gone):
            old.setdefault((_file(before, fid), repr(_shape(before, fid))), []).append(fid)
        for fid in sorted(made):
            same = old.get((_file(after, fid), repr(_shape(after, fid))))
            if same:
                index = after.program.functions[fid].index
                self.functions[index.file, index.name] = before.program.functions[same.pop(0)].index.name

    def file(self, file: str) -> str:
        """The former name of a file."""
        return self.files.get(file, file)

    def function(self, file: str, name: str) -> str:
        """The former name of a function."""
        return self.functions.get((file, name), name)

    def identity(self, node: Node, variant: Variant) -> tuple[Any, ...]:
        """What a node is compared by."""
        (rule, component, sink, file, _, operation), fid = node
        index = variant.program.functions[fid].index
        at = (self.function(index.file, index.name), self.file(index.file) if index.static else "")
        return (rule, component, self.function(file, sink), self.file(file), operation, at)


class _Same(Names):
    """The names of the older variant itself."""

    def __init__(self) -> None:
        self.files, self.functions = {}, {}


def _file(variant: Variant, fid: str) -> str:
    return variant.program.functions[fid].index.file


def _shape(variant: Variant, fid: str) -> Any:
    body = variant.bodies.body(variant.program.functions[fid])
    return shape_of(body) if body is not None else fid


def newly_open(before: Variant, after: Variant, names: Names) -> list[Open]:
    """Obligations open to a door in `after` that were less so in `before`, where a scan would report them."""
    return _fresh(before, _Same(), after, names, _grade)


def no_longer_open(before: Variant, after: Variant, names: Names) -> list[Open]:
    """The other way round: what `after` fixed, as findings of `before`."""
    return _fresh(after, names, before, _Same(), lambda frontier, node: 0)


def relined(found: Open, variant: Variant) -> Open:
    """The finding with the present lines of the calls on its trail: a caller that was not analysed again remembers where
    they stood before."""
    frontier, functions = variant.frontier, variant.program.functions
    first = found.requirements[0]
    node = (first.key, found.fid)
    steps: list[Place] = []
    for place, following in pairwise(first.trail):
        below = [
            b for b in frontier.down.get(node, ())
            if (functions[b[1]].index.name, functions[b[1]].index.file) == (following.function, following.file)
        ]  # fmt: skip
        if not below:
            return found
        lines = [line for caller, line in frontier.up[below[0]] if caller == node[1]]
        steps.append(Place(place.file, min(lines, key=lambda n: (abs(n - place.line), n)), place.function))
        node = below[0]
    last = frontier.nodes[node].trail
    if len(last) != 1:
        return found
    found.requirements[0] = msgspec.structs.replace(first, trail=(*steps, last[0]))
    return found


def _grade(frontier: Frontier, node: Node) -> int:
    """A check of something else is better than none."""
    return int(frontier.nodes[node].kind == "missing-check")


def _fresh(
    one: Variant, its: Names, other: Variant, others: Names, grade_of: Callable[[Frontier, Node], int]
) -> list[Open]:
    """Findings of `other` with a node that `one` lacks, or has only in a lesser grade."""
    had: dict[tuple[Any, ...], Counter[int]] = {}
    for node in one.frontier.hot:
        if node in one.frontier.nodes:
            had.setdefault(its.identity(node, one), Counter())[grade_of(one.frontier, node)] += 1
    fresh: set[Node] = set()
    frontier = other.frontier
    for node in sorted(frontier.hot, key=repr):
        if node not in frontier.nodes:
            continue
        grade = grade_of(frontier, node)
        left = had.get(others.identity(node, other))
        match = next((g for g in range(grade, 2) if left and left[g] > 0), None)
        if match is None:
            fresh.add(node)
        elif left is not None:
            left[match] -= 1
    if not fresh:
        return []
    found = [o for o in frontier.findings() if any((r.key, o.fid) in fresh for r in o.requirements)]
    told = {(r.key, o.fid) for o in found for r in o.requirements}
    out: dict[tuple[Any, ...], Open] = {}
    for node in sorted(fresh, key=repr):
        if any(below in fresh for below in frontier.down.get(node, ())) or _near(frontier, node, told):
            continue
        met = frontier.met.get(node, ())
        frontier.add(node, met[0] if met else None, out)
    return found + list(out.values())


def _near(frontier: Frontier, node: Node, told: set[Node]) -> bool:
    """Whether a reported node lies above or below a node, on one chain with it."""
    def above(n: Node) -> list[Node]:
        return [(n[0], caller) for caller, _ in frontier.up.get(n, ())]

    for step in (above, lambda n: frontier.down.get(n, [])):
        seen = {node}
        work = [node]
        while work:
            at = work.pop()
            if at in told:
                return True
            for following in step(at):
                if following in frontier.hot and following not in seen:
                    seen.add(following)
                    work.append(following)
    return False
