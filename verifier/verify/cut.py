"""The cut: without the edges on which a check says "allowed", the operation cannot be reached.

The control-flow graph is unrolled over what is known of the variables that hold results of checks (their outcome
class and the call that it came from), so that `if (!err) err = second(); if (err) return` needs no more than
reachability.  A statement that changes what the checked expression names starts anew, like the entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from verifier.verify.points import ENTRY, Point
from verifier.verify.terms import Terms, signed
from verifier.verify.world import ANY, NEG, POS, ZERO

MOST_NODES = 4000
Mark = tuple  # ("edge", block, block) | ("call", block, index) | ("return", block, outcome)
Knowledge = tuple[tuple[str, Point | None, int], ...]
_TRUE = {"==": ZERO, "!=": NEG | POS, "<": NEG, "<=": NEG | ZERO, ">": POS, ">=": ZERO | POS}


@dataclass(frozen=True)
class Source:
    """A call whose outcomes `allow` grant what is wanted; `allow` ANY: it grants as soon as it returns."""

    point: Point
    allow: int
    possible: int
    kills: frozenset[Point]


@dataclass(frozen=True)
class Held:
    """Edges of one branch on which a wanted condition holds."""

    edges: frozenset[tuple[int, int]]
    kills: frozenset[Point]


class Unrolled:
    """The unrolled graph of one function for a set of sources, as far as it is reachable.

    Nodes are (block, place in it, knowledge) and ("exit", outcome); `grants` maps edges to (mark, source).
    Raises `TooLarge`.
    """

    def __init__(self, terms: Terms, sources: Iterable[Source], held: Iterable[Held], target: Point | None) -> None:
        self.terms = terms
        self.points = terms.points
        self.sources = {s.point: s for s in sources}
        self.held = list(held)
        self.target = target
        self.tracked = self._tracked()
        self.events = self._events()
        self.graph = nx.DiGraph()
        self.grants: dict[tuple, tuple[Mark, Point]] = {}
        self.restarts: set[tuple] = set()
        self.entry = (0, 0, ())
        self._explore()

    def _tracked(self) -> set[str]:
        """Variables that may hold a source's result: destinations and copies of them."""
        out: set[str] = set()
        for point in self.sources:
            place = self._destination(point)
            if place is not None:
                out.add(place)
        before = -1
        while before != len(out):
            before = len(out)
            for name, writes in self.points.written.items():
                if name not in out and any(self._copied(p) in out for p, place in writes if len(place) == 1):
                    out.add(name)
        return out

    def _destination(self, point: Point) -> str | None:
        s = self.points.statement(point)
        place = self.points.place(s[1]) if s[0] in ("=", "call") and s[1] >= 0 else None
        return place[0] if place is not None and len(place) == 1 else None

    def _copied(self, point: Point) -> str | None:
        s = self.points.statement(point)
        e = self.points.fn.exprs[s[2]] if s[0] == "=" else ("",)
        return e[1] if e[0] == "v" else None

    def _events(self) -> list[list[int]]:
        at: set[Point] = set(self.sources)
        for s in self.sources.values():
            at |= s.kills
        for h in self.held:
            at |= h.kills
        for name in self.tracked:
            at |= {point for point, _ in self.points.written.get(name, ())}
        if self.target is not None:
            at.add(self.target)
        out: list[list[int]] = [[] for _ in self.points.fn.blocks]
        for b, i in sorted(at - {ENTRY}):
            if i < len(self.points.fn.blocks[b].statements):
                out[b].append(i)
        return out

    def _explore(self) -> None:
        self.graph.add_node(self.entry)
        work = [self.entry]
        while work:
            node = work.pop()
            for following, mark in self._following(node):
                if following not in self.graph:
                    work.append(following)
                    if len(self.graph) > MOST_NODES:
                        raise TooLarge
                self.graph.add_edge(node, following)
                if mark is not None:
                    self.grants[node, following] = mark

    def _following(self, node: tuple) -> list[tuple[tuple, tuple[Mark, Point] | None]]:
        if node[0] == "exit":
            return []
        b, j, known = node
        if j < len(self.events[b]):
            return [self._step(node, (b, self.events[b][j]))]
        block = self.points.fn.blocks[b]
        t = block.terminator
        here = (b, len(block.statements))
        if t[0] == "ret":
            return self._returns(t, here, known)
        if t[0] == "br" and t[2] != t[3]:
            test = self.test(t[1], here)
            pairs = [(t[2], test[1]), (t[3], test[2])] if test else [(t[2], ANY), (t[3], ANY)]
            return [x for target, mask in pairs for x in self._go(b, target, known, test[0] if test else None, mask)]
        if t[0] == "sw":
            return self._switch(t, here, known)
        return [x for target in self.points.succ[b] for x in self._go(b, target, known, None, ANY)]

    def _switch(self, t: tuple, here: Point, known: Knowledge) -> list[tuple[tuple, tuple[Mark, Point] | None]]:
        test = self.test(t[1], here)
        name = test[0] if test is not None and test[1] == NEG | POS else None
        masks: dict[int, int] = {}
        left = ANY
        for low, high, target in t[2]:
            masks[target] = masks.get(target, 0) | (_sign(low) if low == high else ANY)
            if low <= 0 <= high:
                left &= ~ZERO
        masks[t[3]] = masks.get(t[3], 0) | left
        return [x for target, mask in masks.items() for x in self._go(here[0], target, known, name, mask)]

    def _step(self, node: tuple, point: Point) -> tuple[tuple, tuple[Mark, Point] | None]:
        b, j, known = node
        now = {name: (origin, mask) for name, origin, mask in known}
        s = self.points.statement(point)
        source = self.sources.get(point)
        touched = {name for name in self.tracked if any(p == point for p, _ in self.points.written.get(name, ()))}
        new: tuple[Point | None, int] | None = None
        if source is not None and source.allow != ANY:
            new = (point, source.possible)
        elif s[0] == "=":
            copied = self._copied(point)
            e = self.points.fn.exprs[s[2]]
            if copied in now:
                new = now[copied]
            elif e[0] == "c":
                new = (None, _sign(e[1]))
        for name in touched:
            now.pop(name, None)
        destination = self._destination(point)
        if new is not None and destination in touched:
            now[destination] = new  # type: ignore[index]
        stale = {p for p, other in self.sources.items() if point in other.kills}
        now = {name: (None if origin in stale else origin, mask) for name, (origin, mask) in now.items()}
        following = (b, j + 1, tuple(sorted((n, o, m) for n, (o, m) in now.items() if o is not None or m != ANY)))
        if stale or any(point in h.kills for h in self.held):
            self.restarts.add(following)
        grant = source is not None and source.allow == ANY and point not in source.kills
        return following, ((("call", *point), point) if grant else None)

    def _go(self, b: int, target: int, known: Knowledge, name: str | None, mask: int) -> list[tuple[tuple, tuple[Mark, Point] | None]]:
        now = {n: (origin, m) for n, origin, m in known}
        mark: tuple[Mark, Point] | None = None
        if name is not None:
            origin, old = now.get(name, (None, ANY))
            left = old & mask
            if not left:
                return []
            now[name] = (origin, left)
            if origin is not None and not left & ~self.sources[origin].allow:
                mark = (("edge", b, target), origin)
        if mark is None and any((b, target) in h.edges for h in self.held):
            mark = (("edge", b, target), (b, 1 << 30))
        following = (target, 0, tuple(sorted((n, o, m) for n, (o, m) in now.items() if o is not None or m != ANY)))
        return [(following, mark)]

    def _returns(self, t: tuple, here: Point, known: Knowledge) -> list[tuple[tuple, tuple[Mark, Point] | None]]:
        outcomes, origin = [(bit, bit) for bit in (NEG, ZERO, POS)], None
        if t[1] >= 0:
            e = self.points.fn.exprs[t[1]]
            test = self.test(t[1], here)
            if e[0] == "c":
                outcomes = [(_sign(e[1]), ANY)]
            elif test is not None:
                now = {n: (o, m) for n, o, m in known}
                origin, mask = now.get(test[0], (None, ANY))
                if e[0] == "v" and e[1] == test[0]:
                    outcomes = [(bit, bit) for bit in (NEG, ZERO, POS) if bit & mask]
                else:
                    outcomes = [(bit, part & mask) for bit, part in ((POS, test[1]), (ZERO, test[2])) if part & mask]
        out = []
        for bit, of in outcomes:
            grant = origin is not None and not of & ~self.sources[origin].allow
            out.append((("exit", bit, here[0], (known, here)), (("return", here[0], bit), origin) if grant else None))
        return out

    def test(self, index: int, point: Point) -> tuple[str, int, int] | None:
        """(variable, its outcomes where the expression is true, where it is false), for a tracked variable."""
        e = self.points.fn.exprs[index]
        if e[0] == "v":
            if e[1] in self.tracked:
                return e[1], NEG | POS, ZERO
            return self._defined_test(e[1], point)
        if e[0] != "o":
            return None
        if e[1] == "!":
            inner = self.test(e[2], point)
            return (inner[0], inner[2], inner[1]) if inner else None
        if len(e) != 4 or e[1] not in _TRUE or self.points.fn.exprs[e[3]][0] != "c":
            return None
        inner = self.test(e[2], point)
        if inner is None:
            return None
        number = signed(self.points.fn.exprs[e[3]][1])
        if inner[1] != NEG | POS:
            if number != 0 or e[1] not in ("==", "!="):
                return None
            return inner if e[1] == "!=" else (inner[0], inner[2], inner[1])
        return (inner[0], *_compare(e[1], number))

    def _defined_test(self, name: str, point: Point) -> tuple[str, int, int] | None:
        defs = self.points.definitions((name,), point)
        if len(defs) != 1 or ENTRY in defs:
            return None
        (at,) = defs
        s = self.points.statement(at)
        if self._destination(at) != name:
            return None
        if s[0] == "=":
            inner = self.test(s[2], at)
        elif s[0] == "call" and len(s[3]) == 1 and self.points.callee(at) in ("IS_ERR", "IS_ERR_VALUE", "IS_ERR_OR_NULL"):
            inner = self.test(s[3][0], at)
            refused = NEG | (ZERO if self.points.callee(at) == "IS_ERR_OR_NULL" else 0)
            inner = (inner[0], refused, ANY & ~refused) if inner and inner[1] == NEG | POS else None
        else:
            return None
        if inner is None or self.points.between({p for p, _ in self.points.written[inner[0]]}, at, point):
            return None
        return inner

    # --- the cut itself --------------------------------------------------------------------------------------------

    def marks(self) -> dict[Mark, set[Point]]:
        """Marks of granting edges, with the sources that grant on them."""
        out: dict[Mark, set[Point]] = {}
        for mark, origin in self.grants.values():
            out.setdefault(mark, set()).add(origin)
        return out

    def targets(self, outcomes: int = 0) -> list[tuple]:
        """Nodes of the operation, or of exits with one of the outcomes."""
        if self.target is None:
            return [n for n in self.graph if n[0] == "exit" and n[1] & outcomes]
        b, i = self.target
        at = self.events[b].index(i) if i in self.events[b] else len(self.events[b])
        return [n for n in self.graph if n[0] == b and n[1] == at]

    def holds(self, marks: set[Mark], outcomes: int = 0) -> bool:
        """Whether every way to the target crosses a granting edge that carries one of the marks, after the last
        statement that changed what was checked."""
        cut = {edge for edge, (mark, _) in self.grants.items() if mark in marks}
        return separated(self.graph, [self.entry, *self.restarts], cut, self.targets(outcomes))


class TooLarge(Exception):
    """The unrolled graph has more nodes than are looked at."""


def separated(graph: nx.DiGraph, starts: Iterable, cut: set, targets: Iterable) -> bool:
    """Whether no target can be reached from a start without an edge of the cut."""
    rest = nx.restricted_view(graph, [], list(cut))
    seen: set = set()
    for start in starts:
        if start not in seen and start in rest:
            seen.add(start)
            seen |= nx.descendants(rest, start)
    return not any(t in seen for t in targets)


def _sign(number: int) -> int:
    number = signed(number)
    return ZERO if number == 0 else POS if number > 0 else NEG


def _compare(op: str, number: int) -> tuple[int, int]:
    """Outcome classes of x where `x op number` is true, and where it is false."""
    if (op, number) in ((">=", -4095), (">", -4096)):  # IS_ERR_VALUE() compares without sign
        return NEG, ZERO | POS
    if (op, number) in (("<", -4095), ("<=", -4096)):
        return ZERO | POS, NEG
    if number == 0:
        return _TRUE[op], ANY & ~_TRUE[op]
    own = _sign(number)
    if op == "==":
        return own, ANY
    if op == "!=":
        return ANY, own
    if number > 0:
        above = NEG | ZERO | POS if number > 1 or op in ("<=", ">") else NEG | ZERO
        return (POS, above) if op in (">", ">=") else (above, POS)
    below = ANY if number < -1 or op in (">=", "<") else ZERO | POS
    return (NEG, below) if op in ("<", "<=") else (below, NEG)
