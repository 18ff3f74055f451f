"""What the analysis knows at the lines of a path: checks passed there, and wanted checks that do not lie on every way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import networkx

from reports import wording
from reports.html.material import FunctionGraph
from verifier.findings import Finding, Step

Graphs = Callable[[str, str, int], FunctionGraph | None]  # file, function, line


class Known:
    """Graphs of functions, each computed once, and no more than a number of them: each takes a run of the analysis."""

    def __init__(self, graph: Graphs, most: int) -> None:
        self._graph = graph
        self._left = most
        self._found: dict[tuple[str, str], FunctionGraph | None] = {}

    def __call__(self, file: str, function: str, line: int) -> FunctionGraph | None:
        """The graph of the function that holds a line; None when it is not known, or too many were asked for."""
        if (file, function) not in self._found:
            if self._left <= 0:
                return None
            self._left -= 1
            self._found[file, function] = self._graph(file, function, line)
        return self._found[file, function]


@dataclass(frozen=True)
class Nearby:
    """A call of a wanted check in a function of the path; `page` leads to it."""

    check: str
    place: str
    page: str
    text: str


def passed_at(graph: FunctionGraph | None, line: int) -> frozenset[str] | None:
    """The checks passed on every way to a line of a function, as calls; None when nothing is known of it."""
    if graph is None or not graph.facts:
        return None
    blocks = [block for block in graph.blocks if block.reached and any(number == line for number, _ in block.statements)]
    if not blocks:
        return None
    return frozenset.intersection(*(frozenset(fact for fact in block.always if fact.endswith(")")) for block in blocks))


def gains(steps: list[Step], graphs: Graphs) -> list[list[str]]:
    """For each step the checks that are passed there, as `object: unchecked -> checked(check)`, and were not at the step
    before in the same function."""
    out: list[list[str]] = []
    before: dict[tuple[str, str], frozenset[str]] = {}
    for step in steps:
        place = step.file, step.function
        here = passed_at(graphs(step.file, step.function, step.line), step.line)
        out.append([])
        if here is not None:
            out[-1] = [transition(fact) for fact in sorted(here - before.get(place, frozenset()))]
            before[place] = here
    return out


def transition(fact: str) -> str:
    """`security_inode_setattr(idmap, dentry)` as `idmap, dentry: unchecked -> checked(inode_setattr)`."""
    name, _, arguments = fact.partition("(")
    about = arguments.removesuffix(")")
    return wording.plain(f"{about or 'the caller'}: unchecked \u2192 checked({name.removeprefix('security_')})")


def nearby(finding: Finding, graphs: Graphs, link: Callable[[str, int], str]) -> list[Nearby]:
    """Calls of wanted checks in the functions of the path, with the reason why they do not protect the operation."""
    places: dict[tuple[str, str], int] = {(finding.file, finding.function): finding.line}
    places |= {(step.file, step.function): step.line for step in finding.path}
    out = []
    for (file, function), line in places.items():
        graph = graphs(file, function, line)
        if graph is None:
            continue
        targets = [n for n, block in enumerate(graph.blocks) if any(number == line for number, _ in block.statements)]
        for check in finding.requires:
            for number, block in enumerate(graph.blocks):
                for at, text in block.statements:
                    if f"{check}(" in text and targets:
                        out.append(Nearby(wording.plain(check), wording.plain(f"{file}:{at}"), link(file, at), _why(graph, number, at, targets, line)))
    return list(dict.fromkeys(out))


def _why(graph: FunctionGraph, asks: int, at: int, targets: list[int], line: int) -> str:
    flow = networkx.DiGraph([(start, end) for start, end, _ in graph.edges])
    flow.add_nodes_from(range(len(graph.blocks)))
    above = networkx.immediate_dominators(flow, 0)

    def dominated(block: int) -> bool:
        if block == asks:
            return at < line
        while block in above and above[block] not in (block, None):
            block = above[block]
            if block == asks:
                return True
        return asks == 0

    if all(dominated(target) for target in targets):
        return "lies on every way to the operation, but its answer does not cover it: another object, another right, or a result that is not heeded"
    if any(networkx.has_path(flow, asks, target) for target in targets):
        return "does not lie on every way to the operation"
    return "comes on another way, or after the operation"
