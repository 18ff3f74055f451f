"""From open requirements to findings: where on the way up from an operation protection parts from its lack.

Open requirements form a graph: a node is an obligation open at a function, an edge a call that leaves it open.  A
finding stands where every caller leaves the obligation open; where some callers meet it and others do not, at each of
the others, with one of the former as its protected sibling.
"""

from __future__ import annotations

from typing import Any

import msgspec

from verifier.flow.summary import Discharge, Place, Requirement, Result
from verifier.program.doors import Doors
from verifier.program.link import Program
from verifier.program.results import Results

Key = tuple[Any, ...]
Node = tuple[Key, str]


class Open:
    """A finding in the making: the requirements (one for each missing line of the rule) at a reporting function."""

    __slots__ = ("chain", "discharge", "door", "fid", "requirements", "sibling")

    def __init__(
        self, fid: str, requirement: Requirement, chain: list[Place], door: str, sibling: tuple[str, Discharge] | None
    ) -> None:
        self.fid = fid
        self.requirements = [requirement]
        self.chain = chain
        self.door = door
        self.sibling = sibling


class Frontier:
    """The graph of open obligations of a program's results."""

    def __init__(self, program: Program, doors: Doors, results: Results, subjects: dict[str, str]) -> None:
        """`subjects` tells for each rule whether it holds for "user" doors only or for "any" subject."""
        self.program = program
        self.doors = doors
        self.results = results
        self.subjects = subjects
        self.nodes: dict[Node, Requirement] = {}
        self.terminal: dict[Node, str] = {}
        self.up: dict[Node, list[tuple[str, int]]] = {}
        self.met: dict[Node, list[tuple[str, Discharge]]] = {}
        self.sinks: dict[Node, None] = {}
        for fid in results.loud():
            self._take(fid, results[fid])
        self.down: dict[Node, list[Node]] = {}
        for (key, callee), callers in self.up.items():
            for caller in sorted({c for c, _ in callers}):
                self.down.setdefault((key, caller), []).append((key, callee))
        self.hot = self._hot()
        self.parting = self._parting()

    def _take(self, fid: str, result: Result) -> None:
        for requirement in (*result.summary.requires, *result.closed):
            self._node(fid, requirement)
        for node, door in self.ends(fid, result).items():
            self.terminal.setdefault(node, door)
        for key, callee, line in result.edges:
            self.up.setdefault((key, callee), []).append((fid, line))
        for discharge in result.discharges:
            self.met.setdefault((discharge.key, discharge.callee), []).append((fid, discharge))

    def ends(self, fid: str, result: Result) -> dict[Node, str]:
        """The nodes of a function's result that need no caller to be reached, with the door that reaches them."""
        out: dict[Node, str] = {}
        door = self.doors.entries.get(fid)
        for requirement in result.summary.requires:
            if door is not None and self._counts(requirement.rule, door.subject):
                out[(requirement.key, fid)] = fid
        for requirement in result.closed:
            reached = self._reached(requirement.rule, fid)
            if reached is not None:
                out.setdefault((requirement.key, fid), reached)
        return out

    def _node(self, fid: str, requirement: Requirement) -> None:
        node = (requirement.key, fid)
        old = self.nodes.get(node)
        if old is None or len(requirement.trail) < len(old.trail):
            self.nodes[node] = requirement
        if len(requirement.trail) == 1:
            self.sinks[node] = None

    def _counts(self, rule: str, subject: str) -> bool:
        return subject == "user" or (subject != "none" and self.subjects.get(rule) == "any")

    def _reached(self, rule: str, fid: str) -> str | None:
        found = self.doors.nearest.get(fid)
        if found is None and self.subjects.get(rule) == "any":
            found = self.doors.other.get(fid)
        return found[0] if found is not None else None

    def _hot(self) -> dict[Node, tuple[int, Node | None]]:
        """Nodes from which an open way leads up to a door, with the length and the next node of the shortest."""
        best: dict[Node, tuple[int, Node | None]] = {}
        level = sorted(self.terminal, key=repr)
        for node in level:
            best[node] = (0, None)
        distance = 0
        while level:
            distance += 1
            following = []
            for node in level:
                for below in self.down.get(node, ()):
                    if below in self.nodes and below not in best:
                        best[below] = (distance, node)
                        following.append(below)
            level = following
        return best

    def findings(self) -> list[Open]:
        """Reporting places, one for each obligation and function, in a fixed order."""
        out: dict[tuple[Any, ...], Open] = {}
        for node in sorted(self.sinks, key=repr):
            if node in self.hot:
                self._descend(node, out)
        return list(out.values())

    def _descend(self, sink: Node, out: dict[tuple[Any, ...], Open]) -> None:
        seen: set[Node] = set()
        work: list[tuple[Node, tuple[str, Discharge] | None]] = [(sink, None)]
        while work:
            node, sibling = work.pop()
            if node in seen:
                continue
            seen.add(node)
            key = node[0]
            if node in self.terminal or node not in self.parting:
                self.add(node, sibling, out)
                continue
            met = self.met.get(node, ())
            for caller, _ in sorted(set(self.up.get(node, ())), reverse=True):
                above = (key, caller)
                if above in self.hot:
                    work.append((above, met[0] if met else sibling))

    def _parting(self) -> set[Node]:
        """Nodes above which, at any height, some caller meets the obligation that others leave open."""
        out = {node for node in self.met if node in self.hot}
        work = sorted(out, key=repr)
        while work:
            node = work.pop()
            for below in self.down.get(node, ()):
                if below in self.hot and below not in out:
                    out.add(below)
                    work.append(below)
        return out

    def add(self, node: Node, sibling: tuple[str, Discharge] | None, out: dict[tuple[Any, ...], Open]) -> None:
        """Report a node; lines of the same rule at the same operation and place become one finding."""
        key, fid = node
        requirement = self._told(node)
        mark = (fid, key[0], *key[2:], requirement.trail[0].line)
        found = out.get(mark)
        if found is not None:
            if all(r.component != requirement.component for r in found.requirements):
                found.requirements.append(requirement)
            return
        chain, door = self.chain(node)
        out[mark] = Open(fid, requirement, chain, door, sibling)

    def _told(self, node: Node) -> Requirement:
        """A node's requirement with the kind that says most: what was seen instead of the check may lie above."""
        requirement = self.nodes[node]
        above: Node | None = node
        while requirement.kind == "missing-check" and above is not None:
            _, above = self.hot.get(above, (0, None))
            if above is not None and self.nodes[above].kind != requirement.kind:
                return msgspec.structs.replace(requirement, kind=self.nodes[above].kind)
        return requirement

    def chain(self, node: Node) -> tuple[list[Place], str]:
        """Call sites from the door down to just above the node's function, and the door."""
        steps: list[Place] = []
        current = node
        while True:
            _, above = self.hot.get(current, (0, None))
            if above is None:
                break
            caller = above[1]
            line = min(line for c, line in self.up[current] if c == caller)
            index = self.program.functions[caller].index
            steps.append(Place(index.file, line, index.name))
            current = above
        door = self.terminal.get(current, current[1])
        lead: list[Place] = []
        if door != current[1]:
            lead = self._lead(door, current[1])
        return lead + list(reversed(steps)), door

    def _lead(self, door: str, fid: str) -> list[Place]:
        """A shortest call chain from a door to a function, without the function itself."""
        parents: dict[str, str | None] = {door: None}
        level = [door]
        while level and fid not in parents:
            following = []
            for f in level:
                for callee in self.doors.callees(f):
                    if callee not in parents:
                        parents[callee] = f
                        following.append(callee)
            level = following
        out: list[Place] = []
        at = parents.get(fid)
        while at is not None:
            index = self.program.functions[at].index
            out.append(Place(index.file, index.line, index.name))
            at = parents[at]
        return list(reversed(out))
