"""What a call or a branch of a function says about a literal: the smallest steps of a proof."""

from __future__ import annotations

from typing import Any

from verifier.verify.clauses import Clause, Literal, truth_of
from verifier.verify.cut import Held, Source
from verifier.verify.points import Point
from verifier.verify.terms import Term, Terms, bare, evaluate, parts, same, substitute
from verifier.verify.world import ANY, World

ACTS_AS = "acts_as"  # what rules call it to have credentials in force
Lemma = tuple[str, int, str, tuple, bool]  # function, outcomes, check, arguments over its parameters, denied


class Evidence:
    """Sources of literals in one function; `lock` is the lock that the rule's checks depend on, or ""."""

    def __init__(self, world: World, terms: Terms, lock: str) -> None:
        self.world = world
        self.terms = terms
        self.always = self._always(lock)
        self.subjects = self._subjects()

    def _subjects(self) -> frozenset[Point]:
        changes = self.world.pack.subjects
        out = set()
        for point in self.terms.points.calls:
            change = changes.get(self.terms.points.callee(point) or "")
            if change is not None and change.effect in ("set", "restore"):
                out.add(point)
        return frozenset(out)

    def _always(self, lock: str) -> frozenset[Point]:
        """Statements after which no check counts: the subject changes, or the lock is taken or let go."""
        out = set(self._subjects())
        for point in self.terms.points.calls if lock else ():
            if any(p[0] == "m" and p[2] == lock for arg in self.terms.arguments(point) for p in parts(arg)):
                out.add(point)
        return frozenset(out)

    def kills(self, literal: Literal) -> frozenset[Point]:
        """Statements after which the literal is to be established anew."""
        out = self.always
        for term in literal[2] if literal[0] == "call" else (literal[1],):
            if isinstance(term, tuple):
                out |= self.terms.kills(term)
        return out

    def direct(self, literal: Literal, point: Point) -> Source | None:
        """The source that a call of the check itself is, or of one that implies it."""
        name = self.terms.points.callee(point)
        if name is None or literal[0] != "call":
            return None
        if literal[1] == ACTS_AS:
            return self._acting(literal, name, point)
        allow = self.world.meaning(self.terms.unit, name)
        if not allow:
            return None
        args = self.terms.arguments(point)
        possible = self.world.possible(self.terms.unit, name)
        if name == literal[1]:
            if not self.fits(literal, tuple(args)):
                return None
            return Source(point, ANY & ~allow if literal[3] else allow, possible, self.kills(literal))
        check = self.world.pack.check(name)
        for left, right in check.implies if check is not None and not literal[3] else ():
            if right[1] != literal[1]:
                continue
            names = {p[1]: a for p, a in zip(left[2], args, strict=False) if p[0] == "name"}
            granted = tuple(evaluate(p, names, self.world) or ("u", "any") for p in right[2])
            if self.fits(literal, granted):
                return Source(point, allow, possible, self.kills(literal))
        return None

    def _acting(self, literal: Literal, name: str, point: Point) -> Source | None:
        """The source that a change of the credentials in force is, for a literal that asks whose they are."""
        change = self.world.pack.subjects.get(name)
        if change is None or change.effect != "set" or literal[3] or not literal[2]:
            return None
        args = self.terms.arguments(point)
        given = args[change.cred] if change.cred is not None and change.cred < len(args) else ("s", name)
        if not isinstance(literal[2][0], tuple) or not same(given, literal[2][0]):
            return None
        return Source(point, ANY, ANY, self.kills(literal) - {point})

    def through(self, literal: Literal, point: Point, lemma: Lemma) -> Source | None:
        """The source that a call of a wrapper is, by what its lemma says."""
        fid, outcomes, name, own, denied = lemma
        callee = self.terms.points.callee(point)
        if callee is None or literal[0] != "call" or (name, denied) != (literal[1], literal[3]):
            return None
        if self.world.opaque(callee) or self.world.program.resolve(self.terms.unit, callee) != fid:
            return None
        args = self.terms.arguments(point)
        granted = tuple(self.terms.settle(substitute(t, args), point) for t in own)
        if not self.fits(literal, granted):
            return None
        return Source(point, outcomes, self.world.possible(self.terms.unit, callee), self.kills(literal))

    def fits(self, literal: Literal, args: tuple) -> bool:
        """Whether a check of these arguments is the one that is wanted; of a mask it must ask at least as much."""
        check = self.world.pack.check(literal[1])
        for i, wanted in enumerate(literal[2]):
            if wanted == "rest":
                break
            if wanted is None:
                continue
            if i >= len(args):
                return False
            covered = check is not None and check.mask == i and covers(args[i], wanted)
            if not covered and not same(args[i], wanted):
                return False
        return True

    def held(self, literal: Literal) -> Held | None:
        """Edges on which a condition was found as the literal wants it."""
        if literal[0] not in ("cond", "found"):
            return None
        edges: set[tuple[int, int]] = set()
        kills = self.kills(literal)
        for b, block in enumerate(self.terms.fn.blocks):
            t = block.terminator
            here = (b, len(block.statements))
            if t[0] == "br" and t[2] != t[3]:
                term, truth = truth_of(self.terms.value(t[1], here), True)
                compared = term[2:] if term[:2] == ("o", "==") else ()
                if same(term, literal[1]) if literal[0] == "cond" else any(same(t, literal[1]) for t in compared):
                    edges.add((b, t[2] if truth == literal[2] else t[3]))
                    kills |= self.disturbed(term)
            elif t[0] == "sw" and literal[0] == "cond":
                term = self.terms.value(t[1], here)
                cases = self._cases(b, t, term, literal)
                edges |= cases
                kills |= self.disturbed(term) if cases else frozenset()
        return Held(frozenset(edges), kills) if edges else None

    def given(self, literal: Literal) -> bool:
        """Whether a term is what a call returned that the literal wants it from."""
        if literal[0] != "from" or literal[1][0] != "r" or literal[1][3] != literal[2]:
            return False
        return self.fits(("call", literal[2], literal[3], False), tuple(self.terms.arguments(literal[1][1:3])))

    def opened(self, literal: Literal, types: list[str], lemma: Lemma) -> bool:
        """Whether what a table's opening function guarantees is the literal, in this function's parameters: those of its
        own, by types of pointers where these are unambiguous."""
        own = [p.type for p in self.terms.fn.params]
        args: list[Term] = []
        for i, kind in enumerate(types):
            matches = kind.startswith("ptr:") and own.count(kind) == types.count(kind) == 1
            args.append(("p", own.index(kind)) if matches else ("u", "opened", i))
        if literal[:2] != ("call", lemma[2]) or literal[3] != lemma[4]:
            return False
        return self.fits(literal, tuple(substitute(t, args) for t in lemma[3]))

    def disturbed(self, term: Term) -> frozenset[Point]:
        """Calls that may store to a member which a condition tests, of an object that they are handed."""
        inside = list(parts(term))
        members = [(p[3], p[2]) for p in inside if p[0] == "m"]
        out: set[Point] = set()
        for point in self.terms.points.calls if members else ():
            name = self.terms.points.callee(point)
            if name is not None and self.world.opaque(name):
                continue
            handed = {bare(a) for a in self.terms.arguments(point)}
            if not any(bare(p) in handed or ("a", bare(p)) in handed for p in inside):
                continue
            if self._may_store(point, name, members):
                out.add(point)
        return frozenset(out)

    def _may_store(self, point: Point, name: str | None, members: list[tuple[str, str]]) -> bool:
        """Whether a call may store to one of the members; to one whose struct is not known, every call may."""
        if any(not tag for tag, _ in members):
            return True
        if name is not None:
            fid = self.world.program.resolve(self.terms.unit, name)
            targets = [fid] if fid is not None else []
        else:
            line = self.terms.points.statement(point)[-1]
            targets = [t.fid for slot in self.terms.slots.get(line, ()) for t in self.world.program.targets(slot)]
        return any(self.world.effects.may_store(fid, f"{tag}.{field}") for fid in targets for tag, field in members)

    def _cases(self, b: int, t: tuple, value: Term, literal: Literal) -> set[tuple[int, int]]:
        """Switch edges that say `value == n`, or that it is not."""
        wanted = literal[1]
        if wanted[0] != "o" or wanted[1] != "==" or len(wanted) != 4 or wanted[3][0] != "c" or not same(wanted[2], value):
            return set()
        number = wanted[3][1]
        into = {target for low, high, target in t[2] if low <= number <= high}
        other = {target for low, high, target in t[2] if not low == high == number} | {t[3]}
        return {(b, x) for x in (into - other if literal[2] else other - into)}

    def lasts(self, clause: Clause, point: Point) -> bool:
        """Whether callers can be asked instead: the clause speaks of what was at entry, and still means that here."""
        for literal in clause:
            for term in literal[2] if literal[0] == "call" else (literal[1], *(literal[3] if literal[0] == "from" else ())):
                if isinstance(term, tuple) and any(p[0] in ("r", "V", "L", "u") for p in parts(term)):
                    return False
            kills = self.kills(literal) | (self.disturbed(literal[1]) if literal[0] in ("cond", "found") else frozenset())
            if self.terms.points.between(kills, (-1, -1), point):
                return False
        return True

    def above(self, clause: Clause, point: Point) -> Clause:
        """A callee's clause in terms of a call of it."""
        args = self.terms.arguments(point)

        def moved(term: Any) -> Any:
            return self.terms.settle(substitute(term, args), point) if isinstance(term, tuple) else term

        return tuple(
            ("call", l[1], tuple(moved(t) for t in l[2]), l[3]) if l[0] == "call"
            else ("from", moved(l[1]), l[2], tuple(moved(t) for t in l[3])) if l[0] == "from"
            else ("found", moved(l[1]), l[2]) if l[0] == "found"
            else ("cond", *truth_of(moved(l[1]), l[2]))
            for l in clause
        )


def covers(have: Term, need: Term) -> bool:
    """Whether a mask has all bits of another for certain."""
    if same(have, need):
        return True
    return need[0] == "c" and bits(have) & need[1] == need[1]


def bits(mask: Term) -> int:
    """Bits that a mask has for certain."""
    if mask[0] == "c":
        return mask[1]
    if mask[0] == "o" and mask[1] == "|":
        return bits(mask[2]) | bits(mask[3])
    return 0
