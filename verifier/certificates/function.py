"""One function as the search sees it: a first pass, the literals that are wanted, the calls that may grant them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from verifier.certificates.passes import Explorer, Invariants, by_conditions, by_results, executed, plain, solve
from verifier.verify.clauses import Clause, Literal
from verifier.verify.reading import graph_of, leading_to
from verifier.verify.states import State, root
from verifier.verify.steps import Steps
from verifier.verify.terms import NEG, POS, ZERO, Term
from verifier.verify.world import World

Point = tuple[int, int]
Wanted = Callable[[Steps, State, Term], list[Clause]]


@dataclass
class Found:
    """What one pass found: `open` are clauses that do not hold in some alternative, `used` the literals that hold."""

    at: Point | None
    explorer: Explorer
    invariants: Invariants
    grants: dict[tuple[Point, int], int | None]
    lock: str
    outcomes: int
    wanted: Wanted
    assumed: list[list[int]]
    leading: set[int]
    open: list[Clause] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    returns: Term | None = None
    names: set[str] = field(default_factory=set)
    good: int = 0
    possible: int = 0

    def reason(self) -> str:
        """Why this is no proof."""
        if any(not clause for clause in self.open):
            return "the rule's expression is not understood plainly"
        if not self.explorer.used:
            return "no call of the check about this object is seen plainly"
        return "the edges on which checks allow do not cover all ways: correlated branches, loops or stores"


class Body:
    """A function's graph and its states when nothing is asked."""

    def __init__(self, world: World, fid: str, returns: Mapping[str, Term]) -> None:
        self.fid = fid
        self.world = world
        self.returns = returns
        self.first = Explorer(world, fid, returns)
        self.fn = self.first.fn
        self.graph = graph_of(self.fn)
        self.params = State({("v", p.name): ("p", i) for i, p in enumerate(self.fn.params)}, {})
        self.calls = self.first.sites
        self.base = solve(self.first, [self.params], set(self.graph), [plain])

    def leading(self, at: Point | None) -> set[int]:
        """Blocks that lead to a point, or to where the function returns."""
        return leading_to(at, self.fn, self.graph)

    def arriving(self, steps: Steps, invariants: Invariants, at: Point) -> list[State]:
        """The states just before a statement."""
        return [executed(steps, state, at) for state in invariants.get(at[0], ())]

    def returning(self, steps: Steps, invariants: Invariants, outcomes: int) -> list[tuple[int, State, Term]]:
        """(outcome, state, value) for all ways to return."""
        out = []
        for b, block in enumerate(self.fn.blocks):
            if block.terminator[0] == "ret":
                for s in self.arriving(steps, invariants, (b, len(block.statements))):
                    for outcome in (NEG, ZERO, POS):
                        if outcome & outcomes:
                            out += [(outcome, after, value) for after, value in steps.returned(s, b, outcome)]
        return out

    def place(self, index: int) -> Term | None:
        """The local place that an lvalue names; None of any other."""
        e = self.fn.exprs[index]
        if e[0] == "m":
            base = self.place(e[1])
            return ("m", base, e[3]) if base else None
        return ("v", e[1]) if e[0] == "v" else None

    def names_in(self, *indexes: int) -> set[str]:
        """Local variables that expressions read."""
        out: set[str] = set()
        work = list(indexes)
        while work:
            e = self.fn.exprs[work.pop()]
            if e[0] == "v":
                out.add(e[1])
            work += e[2:] if e[0] == "o" else e[1:3] if e[0] == "i" else e[1:2] if e[0] in ("m", "a", "d", "k") else ()
        return out

    def spread(self, names: set[str], calls: bool = True) -> set[str]:
        """Variables with all that they are computed from."""
        sources: dict[str, set[str]] = {}
        for block in self.fn.blocks:
            for s in block.statements:
                if s[0] == "=" or (s[0] == "call" and s[1] >= 0 and calls):
                    place = self.place(s[1])
                    if place:
                        sources.setdefault(root(place)[1], set()).update(self.names_in(*([s[2]] if s[0] == "=" else [s[2], *s[3]])))
        out, work = set(names), list(names)
        while work:
            for name in sources.get(work.pop(), set()) - out:
                out.add(name)
                work.append(name)
        return out

    def holding(self, points: set[Point]) -> frozenset[Term]:
        """Local places that come to hold what calls return: destinations and copies of them."""
        out = {place for at, s in self.calls if at in points and s[1] >= 0 and (place := self.place(s[1]))}
        before = -1
        while before != len(out):
            before = len(out)
            copied = [s for block in self.fn.blocks for s in block.statements if s[0] == "=" and self.place(s[2]) in out]
            out |= {place for s in copied if (place := self.place(s[1]))}
        return frozenset(out)

    def solve(self, steps: Steps, starts: list[State], at: Point | None, points: set[Point], level: int) -> Invariants:
        """A pass at a level: 0 keeps one alternative for each block; 1 more, by what holds and what results are in variables; 2
        also by conditions that are tested again, and by what the operation and the checks read.  Raises TooLarge."""
        tracked = self.holding(points)
        if level == 0:
            return solve(steps, starts, self.leading(at), [plain], self.base, lambda _: False)
        results = by_results(tracked)
        if level == 1:
            return solve(steps, starts, self.leading(at), [results, plain], self.base, lambda x: x in tracked)
        read: set[str] = set()
        if at is not None:
            statements = self.fn.blocks[at[0]].statements
            s = statements[at[1]] if at[1] < len(statements) else self.fn.blocks[at[0]].terminator
            read = self.names_in(*([s[2], *s[3]] if s[0] == "call" else [s[1], s[2]] if s[0] == "=" else []))
        for point, s in self.calls:
            if point in points:
                read |= self.names_in(*s[3])
        tests = [block.terminator[1] for block in self.fn.blocks if block.terminator[0] in ("br", "sw")]
        flags = frozenset(read | self.names_in(*tests))
        computed = {("v", name) for name in self.spread(set(flags))}
        blocks: dict[Term, set[int]] = {}  # that test a term, or compare it with some constant
        for t, own in self.first.tested.items():
            blocks.setdefault(t[:3] if t[:2] == ("o", "==") else t, set()).update(own)
        again = frozenset(t for t in self.first.tested if len(blocks[t[:3] if t[:2] == ("o", "==") else t]) > 1)
        keys = [by_conditions(tracked, flags, again), by_conditions(tracked, frozenset(read), frozenset()), results, plain]
        return solve(steps, starts, self.leading(at), keys, self.base, lambda x: x in tracked or root(x) in computed or x in again)

    def conditions(self, clause: Clause) -> list[Literal]:
        """The conditions of a clause that the function tests."""
        return [literal for literal in clause if literal[0] == "cond" and literal[1] in self.first.tested]
