"""Two walks over one collection: what the first walk checked of every member holds of each member in the second.

    for each x in c:  if (check(x)) goto out;
    for each x in c:  use(x);

The second walk is simulated by the first: both take the same steps from where they begin, modulo the names of variables,
so that the member at a point of the second is the one that the first had at the paired point (simulation as in Milner,
"An algebraic definition of simulation between programs", IJCAI 1971).  The first may ask checks besides, and must not
come to the second where one denied; the second may do anything but release a lock or store to a member that the steps
read.  Nothing may come between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from verifier.flow import cfg
from verifier.flow.state import ANY, NEG, POS, ZERO
from verifier.ir.dominance import dominates, dominators, immediate_dominators, predecessors
from verifier.ir.model import Function

Point = tuple[int, int]
Outcomes = Callable[[str], tuple[int, int] | None]  # (outcomes that allow, outcomes that there are) of a check
MOST_PAIRS = 400
ABOVE = 4  # dominators above a loop at which its walk may begin


class Asked(NamedTuple):
    """A check of the first walk: its name, its arguments in the first walk's variables, and what these are called in the
    second."""

    check: str
    args: tuple[int, ...]
    names: dict[str, str]


def releases(name: str) -> bool:
    """Whether a call lets go of a lock, by its name."""
    return name.startswith("up_") or "unlock" in name


def repeated(fn: Function, succ: list[list[int]], loops: dict[int, set[int]], outcomes: Outcomes) -> dict[Point, list[Asked]]:
    """Checks of a first walk by the point of a second walk at which they hold; empty where there are no two walks."""
    if len(loops) < 2:
        return {}
    asking = {
        b for b, block in enumerate(fn.blocks) for s in block.statements
        if s[0] == "call" and fn.exprs[s[2]][0] == "f" and outcomes(fn.exprs[s[2]][1]) is not None
    }  # fmt: skip
    outer = [h for h, body in sorted(loops.items()) if not any(h != o and h in loops[o] and body <= loops[o] for o in loops)]
    firsts = [h for h in outer if loops[h] & asking]
    if not firsts:
        return {}
    bits = dominators(fn.blocks)
    above = immediate_dominators(fn.blocks)
    out: dict[Point, list[Asked]] = {}
    for first in firsts:
        for second in outer:
            # where the first walk ends: outside of its loop, on every way to the second
            ends = {t for b in loops[first] for t in succ[b] if t not in loops[first] and dominates(bits, t, second)}
            if second == first or len(ends) != 1:
                continue
            walk = _Walk(fn, succ, outcomes, next(iter(ends)), second)
            begin = above[first]
            for _ in range(ABOVE):
                if begin < 0 or walk.found:
                    break
                if dominates(bits, begin, walk.end):
                    any(walk.simulate((begin, i)) for i in range(len(fn.blocks[begin].statements), -1, -1))
                begin = above[begin]
            for point, asked in walk.found.items():
                out.setdefault(point, []).extend(asked)
    return out


class _Walk:
    """The search for one pair of walks: the second begins at block `end`, where the first ends, and has its loop at
    `second`."""

    def __init__(self, fn: Function, succ: list[list[int]], outcomes: Outcomes, end: int, second: int) -> None:
        self.fn = fn
        self.succ = succ
        self.outcomes = outcomes
        self.end = end
        self.found: dict[Point, list[Asked]] = {}
        pred = predecessors(fn.blocks)
        self.to_end = {end} | cfg.reached(pred, end)
        self.to_second = {second} | cfg.reached(pred, second)

    def simulate(self, begin: Point) -> bool:
        """Whether the walk from `end` takes the steps of the walk from `begin`; `found` are the checks on the way then."""
        self.names: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.steps: set[str] = set()  # members that the steps read
        self.stores: set[str] = set()  # members that the second walk stores to
        self.written: set[str] = set()  # variables that one of the walks writes for itself
        paired: dict[Point, Point] = {}
        asked: dict[Point, dict[tuple[str, tuple[int, ...]], None]] = {}
        start = self._settled((self.end, 0))
        work = [(begin, start)]
        while work:
            one, two = (self._settled(point) for point in work.pop())
            if two[0] not in self.to_second:
                continue  # the second walk is over
            while (call := self._asks(one)) is not None:
                on = self._allowed(one, call)
                if on is None:
                    return False
                asked.setdefault(two, {})[self.fn.exprs[call[2]][1], tuple(call[3])] = None
                one = self._settled((on, 0))
            if two in paired:
                if paired[two] != one:
                    return False
                continue
            if len(paired) > MOST_PAIRS:
                return False
            paired[two] = one
            if one == start:
                return False  # the first walk is over, the second is not
            following = self._step(one, two)
            if following is None:
                return False
            work.extend(following)
        for _, args in (row for rows in asked.values() for row in rows):
            variables, members = _mentioned(self.fn, args)
            self.steps |= members
            self.back.update((v, v) for v in variables - self.names.keys())
        if not asked or self.steps & self.stores or self.written & (self.back.keys() | self.names.keys()):
            return False
        self.found = {p: [Asked(name, args, dict(self.names)) for name, args in rows] for p, rows in asked.items()}
        return True

    def _step(self, one: Point, two: Point) -> list[tuple[Point, Point]] | None:
        """The pairs of points after one step; None where the walks differ."""
        fn = self.fn
        a, b = self._at(one), self._at(two)
        if a is not None and b is not None and a[0] == b[0] == "=" and self._local(a[1]) and self._same(a[1], b[1], True):
            return [(_next(one), _next(two))] if self._same(a[2], b[2]) else None
        if b is not None:
            return [(one, _next(two))] if self._harmless(b) else None
        t, u = fn.blocks[one[0]].terminator, fn.blocks[two[0]].terminator
        if a is None and t[0] == u[0] == "br" and self._same(t[1], u[1]):
            return [((t[2], 0), (u[2], 0)), ((t[3], 0), (u[3], 0))]
        if u[0] == "br" and any(x not in self.to_second for x in u[2:4]):  # the second walk may end early
            return [(one, (x, 0)) for x in u[2:4]]
        return None

    def _asks(self, point: Point) -> tuple[Any, ...] | None:
        """The call of a check that stands at a point."""
        s = self._at(point)
        if s is None or s[0] != "call" or self.fn.exprs[s[2]][0] != "f":
            return None
        return s if self.outcomes(self.fn.exprs[s[2]][1]) is not None else None

    def _allowed(self, point: Point, call: tuple[Any, ...]) -> int | None:
        """The block that the first walk comes to where its check allows; None where it may come to the second walk, too,
        where the check may have denied."""
        fn = self.fn
        block = fn.blocks[point[0]]
        t = block.terminator
        meaning = self.outcomes(fn.exprs[call[2]][1])
        if meaning is None or call[1] < 0 or not self._local(call[1]) or point[1] + 1 != len(block.statements) or t[0] != "br":
            return None
        allow, possible = meaning
        taken = _outcomes_if(fn, t[1], call[1])
        if taken is None:
            return None
        on = [target for classes, target in ((taken, t[2]), (ANY & ~taken, t[3])) if not classes & possible & ~allow]
        if len(on) != 1 or any(target in self.to_end for target in t[2:4] if target not in on):
            return None
        self.written.add(fn.exprs[call[1]][1])
        return int(on[0])

    def _settled(self, point: Point) -> Point:
        """A point without the plain jumps that stand there."""
        seen = set()
        while point not in seen and self._at(point) is None and self.fn.blocks[point[0]].terminator[0] == "jmp":
            seen.add(point)
            point = (self.fn.blocks[point[0]].terminator[1], 0)
        return point

    def _at(self, point: Point) -> tuple[Any, ...] | None:
        statements = self.fn.blocks[point[0]].statements
        return statements[point[1]] if point[1] < len(statements) else None

    def _local(self, index: int) -> bool:
        return self.fn.exprs[index][0] == "v"

    def _harmless(self, statement: tuple[Any, ...]) -> bool:
        """Whether a statement of the second walk alone leaves the collection as it is."""
        fn = self.fn
        target = fn.exprs[statement[1]] if statement[0] in ("=", "call", "havoc") and statement[1] >= 0 else None
        if statement[0] == "call" and (fn.exprs[statement[2]][0] != "f" or releases(fn.exprs[statement[2]][1])):
            return False
        if statement[0] not in ("=", "call", "havoc"):
            return False
        if target is None:
            return True
        if target[0] == "m":
            self.stores.add(target[3])
            return True
        if target[0] == "v":
            self.written.add(target[1])
        return target[0] == "v"

    def _same(self, one: int, two: int, written: bool = False) -> bool:
        """Whether two expressions are the same but for the names of variables."""
        a, b = self.fn.exprs[one], self.fn.exprs[two]
        if a[0] != b[0]:
            return False
        if a[0] == "v":
            x, y = a[1], b[1]
            if not written and x not in self.names and y not in self.back and x != y:
                return False  # read before either walk set it: then it must be one variable
            return self.names.setdefault(x, y) == y and self.back.setdefault(y, x) == x
        if a[0] == "m":
            self.steps.add(a[3])
            return a[2:] == b[2:] and self._same(a[1], b[1])
        if a[0] in ("d", "a"):
            return self._same(a[1], b[1])
        if a[0] == "k":
            return a[2] == b[2] and self._same(a[1], b[1])
        if a[0] == "i":
            return self._same(a[1], b[1]) and self._same(a[2], b[2])
        if a[0] == "o":
            return a[1] == b[1] and len(a) == len(b) and all(self._same(x, y) for x, y in zip(a[2:], b[2:], strict=True))
        return a == b and a[0] in ("c", "s", "g", "f")


def _mentioned(fn: Function, roots: tuple[int, ...]) -> tuple[set[str], set[str]]:
    """(variables, members) that expressions mention."""
    variables: set[str] = set()
    members: set[str] = set()
    work = list(roots)
    while work:
        e = fn.exprs[work.pop()]
        if e[0] == "v":
            variables.add(e[1])
        elif e[0] == "m":
            members.add(e[3])
        work.extend(e[2:] if e[0] == "o" else e[1:3] if e[0] == "i" else e[1:2] if e[0] in ("m", "d", "a", "k") else ())
    return variables, members


def _next(point: Point) -> Point:
    return (point[0], point[1] + 1)


def _outcomes_if(fn: Function, condition: int, result: int) -> int | None:
    """Outcome classes of a call's result for which a condition on it holds; None for other conditions."""
    e = fn.exprs[condition]
    if condition == result:
        return NEG | POS
    if e[0] == "o" and len(e) == 3 and e[1] == "!":
        inner = _outcomes_if(fn, e[2], result)
        return None if inner is None else ANY & ~inner
    if e[0] == "o" and len(e) == 4 and e[2] == result and fn.exprs[e[3]] == ("c", 0):
        return {"==": ZERO, "!=": NEG | POS, "<": NEG, "<=": NEG | ZERO, ">": POS, ">=": ZERO | POS}.get(e[1])
    return None
