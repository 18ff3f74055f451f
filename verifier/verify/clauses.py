"""What a rule wants at an operation, as clauses: every clause must hold, a clause holds where one of its literals does.

    ("call", check, arguments, denied)    the check was passed; an argument is a term, None for any, "rest"
    ("cond", term, truth)                 the condition was found true or false
    ("found", term, truth)                the term was found equal to something, or different from something
    ("from", term, function, arguments)   the term is what a call of the function with these arguments returned
"""

from __future__ import annotations

from typing import Any

from lattices.model import Rule
from verifier.verify.points import Point
from verifier.verify.terms import Term, Terms, address, deref, evaluate, operation, same, show, signed
from verifier.verify.world import World

Literal = tuple[Any, ...]
Clause = tuple[Literal, ...]
Names = dict[str, Term]
MOST_CLAUSES = 12


class Operations:
    """Operations of a rule in a function."""

    def __init__(self, world: World, terms: Terms) -> None:
        self.world = world
        self.terms = terms

    def sites(self, rule: Rule) -> list[tuple[Point, Names]]:
        """Points at which the function performs the rule's operation, with what its operands are there."""
        fn = self.terms.fn
        if (rule.in_functions and fn.name not in rule.in_functions) or fn.name in rule.not_in:
            return []
        out = []
        for b, block in enumerate(fn.blocks):
            for i in range(len(block.statements) + 1):
                names = self.at(rule, (b, i))
                if names is not None:
                    out.append(((b, i), names))
        return out

    def at(self, rule: Rule, point: Point) -> Names | None:
        """The rule's operands at a point; None where the operation is not performed there."""
        names = self._performed(rule, point)
        if names is not None:
            names.update((name, self._variable(name, point)) for name in rule.variables)
        return names

    def _variable(self, name: str, point: Point) -> Term:
        """What a parameter or local variable of the function holds at a point; one of a struct type is its place."""
        types = {p.name: p.type for p in self.terms.fn.params} | self.terms.fn.local_types
        return ("L", name) if types.get(name, "").startswith(("struct", "union")) else self.terms.local((name,), point)

    def _performed(self, rule: Rule, point: Point) -> Names | None:
        block = self.terms.fn.blocks[point[0]]
        s = block.statements[point[1]] if point[1] < len(block.statements) else None
        if rule.slot or (not rule.member and rule.operation[0] == "call"):
            return self._call(rule, s, point) if s is not None and s[0] == "call" else None
        if rule.operation[0] == "assign":
            return self._store(rule, s, point) if s is not None and s[0] == "=" else None
        if rule.operation[0] == "return":
            return self._return(rule, block.terminator, point) if s is None else None
        return self._read(rule, s if s is not None else block.terminator, point)

    def _call(self, rule: Rule, s: tuple, point: Point) -> Names | None:
        names: Names = {}
        _, callee, patterns = rule.operation
        direct = self.terms.points.callee(point)
        holder = None
        if rule.slot:
            holder = self._holder(s[2], point)
            if direct is not None or holder is None or f"{holder[3]}.{holder[2]}" != rule.slot:
                return None
        elif direct != callee:
            return None
        args = self.terms.arguments(point)
        for i, pattern in enumerate(patterns):
            if pattern[0] == "rest":
                break
            if i >= len(args) or not self.bind(pattern, args[i], names, point):
                return None
        if holder is not None and isinstance(callee, tuple):
            trial = dict(names)
            if self.bind_place(callee, holder, trial, point):
                names = trial
        return names

    def _holder(self, index: int, point: Point) -> Term | None:
        term = self.terms.value(index, point)
        while term[0] in ("d", "i"):
            term = term[1]
        return term if term[0] == "m" else None

    def _store(self, rule: Rule, s: tuple, point: Point) -> Names | None:
        if self.terms.points.place(s[1]) is not None and len(self.terms.points.place(s[1]) or ()) == 1:
            return None
        _, target, source = rule.operation
        place = self.terms.location(s[1], point)
        value = self.terms.value(s[2], point)
        if not rule.member and target[0] == "name":
            bound: Names = {}
            return bound if place == ("g", target[1]) and self.bind(source, value, bound, point) else None
        if not rule.member and target[0] == "deref" and target[1][0] == "name":
            return self._through(rule, target[1][1], place, value, point)
        member = place
        while True:
            if member[0] == "m" and (not rule.member or f"{member[3]}.{member[2]}" == rule.member):
                for candidate in (place, member):
                    names: Names = {}
                    if self.bind(source, value, names, point) and self.bind_place(target, candidate, names, point):
                        return names
            if member[0] not in ("m", "d", "i", "a", "k", "o") or not isinstance(member[1], tuple):
                return None
            member = member[1]

    def _return(self, rule: Rule, terminator: tuple, point: Point) -> Names | None:
        names: Names = {}
        if terminator[0] != "ret" or terminator[1] < 0:
            return None
        return names if self.bind(rule.operation[1], self.terms.value(terminator[1], point), names, point) else None

    def _through(self, rule: Rule, name: str, place: Term, value: Term, point: Point) -> Names | None:
        """A store through a pointer: the rule's own variable, else of anything but a number."""
        names: Names = {name: address(place)}
        if place[0] != "d" or not self.bind(rule.operation[2], value, names, point):
            return None
        meant = same(names[name], self._variable(name, point)) if name in rule.variables else value[0] != "c"
        return names if meant else None

    def _read(self, rule: Rule, s: tuple, point: Point) -> Names | None:
        exprs = self.terms.fn.exprs
        tag, _, field = rule.member.partition(".")
        for index in _read_by(s):
            for e in _inside(exprs, index):
                if exprs[e][0] == "m" and exprs[e][2:] in ((tag, field), [tag, field]):
                    names: Names = {}
                    if self.bind_place(rule.operation, self.terms.location(e, point), names, point):
                        return names
        return None

    def bind(self, pattern: Any, term: Term, names: Names, point: Point) -> bool:
        """Match a pattern with a value, binding names that are free."""
        op = pattern[0]
        if op in ("any", "rest"):
            return True
        if op == "name":
            if pattern[1] in names:
                return same(names[pattern[1]], term)
            if pattern[1] in self.world.pack.globals:
                return same(("g", pattern[1]), term)
            names[pattern[1]] = term
            return True
        if op in ("int", "str"):
            return same(term, ("c", signed(pattern[1])) if op == "int" else ("s", pattern[1]))
        if op == "addr":
            return self.bind_place(pattern[1], deref(term), names, point)
        if op in ("member", "deref", "index"):
            return self.bind_place(pattern, term, names, point)
        if op == "bin" and term[0] == "o" and len(term) == 4 and term[1] == pattern[1]:
            for x, y in ((2, 3), (3, 2)):
                trial = dict(names)
                if self.bind(pattern[2], term[x], trial, point) and self.bind(pattern[3], term[y], trial, point):
                    names.update(trial)
                    return True
            return False
        found = evaluate(pattern, names, self.world) if op == "call" else None
        return found is not None and same(found, term)

    def bind_place(self, pattern: Any, place: Term, names: Names, point: Point) -> bool:
        """Match an lvalue pattern with a place."""
        op = pattern[0]
        if op == "any":
            return True
        if op == "name":
            if place == ("g", pattern[1]):
                return True
            return pattern[1] not in self.world.pack.globals and self.bind(pattern, self.terms.settle(place, point), names, point)
        if op == "member":
            return place[0] == "m" and place[2] == pattern[2] and self.bind_place(pattern[1], place[1], names, point)
        if op == "deref":
            return self.bind(pattern[1], place[1] if place[0] == "d" else ("a", place), names, point)
        if op == "index":
            return place[0] == "i" and self.bind(pattern[2], place[2], names, point) and self.bind(pattern[1], place[1], names, point)
        return False


def _read_by(s: tuple) -> list[int]:
    """Expressions that a statement or terminator reads; of a written place only what leads to it."""
    if s[0] == "=":
        return [s[2], -2 - s[1]]
    if s[0] == "call":
        return [s[2], *s[3]]
    if s[0] == "asm":
        return list(s[2])
    return [s[1]] if s[0] in ("br", "sw", "ret") and s[1] >= 0 else []


def _inside(exprs: list[tuple], index: int) -> list[int]:
    """Expressions that are read when this one is: all parts, without the place whose address is taken or written."""
    out: list[int] = []
    work = [(index, True)] if index >= 0 else [(-2 - index, False)]
    while work:
        i, read = work.pop()
        e = exprs[i]
        if read:
            out.append(i)
        if e[0] == "o":
            work.extend((x, True) for x in e[2:])
        elif e[0] == "i":
            work.extend([(e[1], exprs[e[1]][0] not in ("m", "v")), (e[2], True)])
        elif e[0] == "m":
            work.append((e[1], False))
        elif e[0] in ("d", "k"):
            work.append((e[1], True))
        elif e[0] == "a":
            work.append((e[1], False))
    return out


class Wanted:
    """Clauses of a rule's line at an operation."""

    def __init__(self, world: World) -> None:
        self.world = world

    def clauses(self, rule: Rule, component: int, names: Names) -> list[Clause]:
        """The line, or an exemption, or the rule's `when` found false."""
        out = self._cnf(rule.requires[component], names, False)
        for exemption in rule.exempt:
            out = _either(out, self._cnf(exemption.condition, names, False))
        if rule.when is not None:
            out = _either(out, self._cnf(rule.when, names, True))
        return out

    def _cnf(self, pattern: Any, names: Names, negated: bool) -> list[Clause]:
        op = pattern[0]
        if op in ("and", "or"):
            a, b = (self._cnf(p, names, negated) for p in pattern[1:])
            return a + b if (op == "and") != negated else _either(a, b)
        if op == "not":
            return self._cnf(pattern[1], names, not negated)
        if op == "call" and self._asks(pattern):
            args = self._args(pattern, names)
            out: list[Clause] = [(("call", pattern[1], args, negated),)]
            return out if negated else _either(out, self._spared(pattern[1], args))
        special = self._special(pattern, names, negated)
        if special is not None:
            return [(special,)]
        term = evaluate(pattern, names, self.world)
        if term is None:
            return [()]
        term, truth = truth_of(term, not negated)
        if term[0] == "c":
            return [] if (term[1] != 0) == truth else [()]
        return [(("cond", term, truth),)]

    def _asks(self, pattern: Any) -> bool:
        return pattern[0] == "call" and isinstance(pattern[1], str) and pattern[1] not in self.world.pack.accessors

    def _args(self, pattern: Any, names: Names) -> tuple:
        return tuple(
            "rest" if p[0] == "rest" else None if p[0] == "any" else evaluate(p, names, self.world) or ("u", "pattern")
            for p in pattern[2]
        )

    def _special(self, pattern: Any, names: Names, negated: bool) -> Literal | None:
        """`x == check(..)`, and comparisons with anything (`x->m == _`)."""
        if pattern[0] != "bin" or pattern[1] not in ("==", "!="):
            return None
        if pattern[3][0] == "call" and self._asks(pattern[3]):
            term = evaluate(pattern[2], names, self.world)
            return ("from", term, pattern[3][1], self._args(pattern[3], names)) if term is not None and not negated else None
        for known, other in ((pattern[2], pattern[3]), (pattern[3], pattern[2])):
            term = evaluate(known, names, self.world) if other[0] == "any" else None
            if term is not None:
                return ("found", term, (pattern[1] == "==") != negated)
        return None

    def _spared(self, name: str, args: tuple) -> list[Clause]:
        """Named exemptions that stand in for a check on these objects."""
        out: list[Clause] = [()]
        for _, exemption in sorted(self.world.pack.exemptions.items()):
            for check in exemption.checks:
                names: Names = {}
                if check[1] == name and all(
                    p[0] in ("any", "rest") or not isinstance(a, tuple) or _bound(p, a, names)
                    for p, a in zip(check[2], args, strict=False)
                ):
                    out = _either(out, self._cnf(exemption.condition, names, False))
        return out


def _bound(pattern: Any, term: Term, names: Names) -> bool:
    if pattern[0] == "name":
        return same(names.setdefault(pattern[1], term), term)
    return pattern[0] == "int" and same(term, ("c", signed(pattern[1])))


def _either(a: list[Clause], b: list[Clause]) -> list[Clause]:
    out = list(dict.fromkeys((*x, *(l for l in y if l not in x)) for x in a for y in b))
    return out if len(out) <= MOST_CLAUSES else a


def truth_of(term: Term, truth: bool) -> tuple[Term, bool]:
    """A condition in one of its spellings: no `!`, `!=`, `>` or `>=` outside, no comparison with 0."""
    while term[0] == "o":
        if term[1] == "!":
            term, truth = term[2], not truth
        elif term[1] == "!=" and term[3] == ("c", 0):
            term = term[2]
        elif term[1] == "==" and term[3] == ("c", 0):
            term, truth = term[2], not truth
        elif term[1] in ("!=", ">", ">="):
            term, truth = operation({"!=": "==", ">": "<=", ">=": "<"}[term[1]], *term[2:]), not truth
        else:
            break
    return term, truth


def literal_text(literal: Literal, params: list[str]) -> str:
    """A literal as text."""
    if literal[0] == "found":
        return f"{show(literal[1], params)} {'==' if literal[2] else '!='} _"
    if literal[0] == "from":
        return f"{show(literal[1], params)} == {literal[2]}(..)"
    if literal[0] == "cond":
        return ("" if literal[2] else "!") + show(literal[1], params)
    args = ", ".join("_" if a is None else "__" if a == "rest" else show(a, params) for a in literal[2])
    return f"{'!' if literal[3] else ''}{literal[1]}({args})"
