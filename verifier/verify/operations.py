"""Where a rule's operation is performed, and what its operands are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lattices.model import Rule
from verifier.verify.clauses import Names, evaluate
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import Term, address, deref, same


class Operations:
    """Operations in a function."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.pack = steps.world.pack

    def at(self, rule: Rule, at: tuple[int, int], s: State) -> Names | None:
        """The rule's operands at a point; None where the operation is not performed there."""
        block = self.steps.fn.blocks[at[0]]
        t = block.statements[at[1]] if at[1] < len(block.statements) else block.terminator
        if rule.slot or (not rule.member and rule.operation[0] == "call"):
            names = self._call(rule, t, s) if t[0] == "call" else None
        elif rule.operation[0] == "assign":
            names = self._store(rule, t, s) if t[0] == "=" else None
        elif rule.operation[0] == "return":
            names = {}
            out = t[0] == "ret" and t[1] >= 0 and self.bind(rule.operation[1], self.steps.value(t[1], s), names, s)
            names = names if out else None
        else:
            names = self._read(rule, t, s)
        return None if names is None else names | {name: self._variable(name, s) for name in rule.variables}

    def _variable(self, name: str, s: State) -> Term:
        """What a parameter or local variable holds; one of a struct type is its place."""
        types = {p.name: p.type for p in self.steps.fn.params} | self.steps.fn.local_types
        return ("L", name) if types.get(name, "").startswith(("struct", "union")) else s.local((name,))

    def _call(self, rule: Rule, t: tuple, s: State) -> Names | None:
        names: Names = {}
        _, callee, patterns = rule.operation
        direct = self.steps.callee(t)
        holder = self.steps.value(t[2], s)
        while rule.slot and holder[0] in ("d", "i"):
            holder = holder[1]
        if direct != callee if not rule.slot else holder[0] != "m" or f"{holder[3]}.{holder[2]}" != rule.slot:
            return None
        args = [self.steps.value(a, s) for a in t[3]]
        patterns = [p for p in patterns if p != ("rest",)]
        if len(patterns) > len(args) or not all(self.bind(p, a, names, s) for p, a in zip(patterns, args, strict=False)):
            return None
        trial = dict(names)
        return trial if isinstance(callee, tuple) and self.bind(callee, holder, trial, s) else names

    def _store(self, rule: Rule, t: tuple, s: State) -> Names | None:
        _, target, source = rule.operation
        place, value = self.steps.location(t[1], s), self.steps.value(t[2], s)
        tries: list[Term] = []
        if not rule.member and target[0] == "name":
            tries = [place] if place == ("g", target[1]) else []
        elif not rule.member and target[0] == "deref" and target[1][0] == "name":  # through a pointer, of anything but a number
            own = target[1][1] in rule.variables
            meant = same(address(place), self._variable(target[1][1], s)) if own else value[0] != "c"
            tries = [place] if place[0] == "d" and meant else []
        else:
            member = place
            while member[0] in ("m", "d", "i", "a", "k"):
                if member[0] == "m" and (not rule.member or f"{member[3]}.{member[2]}" == rule.member):
                    tries += [place, member]
                member = member[1]
        for candidate in tries:
            names: Names = {}
            if self.bind(source, value, names, s) and self.bind(target, candidate, names, s):
                return names
        return None

    def _read(self, rule: Rule, t: tuple, s: State) -> Names | None:
        own = [*t[3], t[2]] if t[0] == "call" else t[2] if t[0] == "asm" else t[2:3] if t[0] == "=" else ()
        own = t[1:2] if t[0] in ("br", "sw", "ret") and t[1] >= 0 else own
        for e in [e for i in own for e in self._members(i)] + (list(self._members(t[1], False)) if t[0] == "=" else []):
            if ".".join(self.steps.fn.exprs[e][2:]) == rule.member:
                names: Names = {}
                if self.bind(rule.operation, self.steps.location(e, s), names, s):
                    return names
        return None

    def _members(self, index: int, read: bool = True) -> Iterator[int]:
        """Members that are read with an expression: not the place whose address is taken, or that is written."""
        e = self.steps.fn.exprs[index]
        if read and e[0] == "m":
            yield index
        if e[0] == "i":
            yield from self._members(e[1], self.steps.fn.exprs[e[1]][0] not in ("m", "v"))
        for part in e[2:] if e[0] in ("o", "i") else e[1:2] if e[0] in ("m", "a", "d", "k") else ():
            yield from self._members(part, e[0] not in ("m", "a"))

    def bind(self, pattern: Any, term: Term, names: Names, s: State) -> bool:
        """Match a pattern with a value or a place, binding names that are free."""
        op = pattern[0]
        if op == "name" and term != ("g", pattern[1]) and pattern[1] not in self.pack.globals:
            value = s.settle(term)
            return same(names[pattern[1]], value) if pattern[1] in names else names.setdefault(pattern[1], value) is value
        if op == "addr":
            return self.bind(pattern[1], deref(term), names, s)
        if op == "member":
            return term[0] == "m" and term[2] == pattern[2] and self.bind(pattern[1], term[1], names, s)
        if op == "deref":
            return self.bind(pattern[1], term[1] if term[0] == "d" else ("a", term), names, s)
        if op == "index" and term[0] == "i":
            return self.bind(pattern[2], term[2], names, s) and self.bind(pattern[1], term[1], names, s)
        for x, y in (term[2:], term[:1:-1]) if op == "bin" and len(term) == 4 and term[:2] == ("o", pattern[1]) else ():
            trial = dict(names)
            if self.bind(pattern[2], x, trial, s) and self.bind(pattern[3], y, trial, s):
                names.update(trial)
                return True
        found = evaluate(pattern, names, self.pack) if op in ("name", "int", "str", "call") else None
        return op == "any" or (found is not None and same(found, term))
