"""Where a rule's operation is performed, and what its operands are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lattices.model import Rule
from verifier.verify.clauses import Names, evaluate
from verifier.verify.operations import below, expressions, held, performed
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import Term, deref, same


def operands(rule: Rule, steps: Steps, at: tuple[int, int], s: State) -> Names | None:
    """The rule's operands at a point; None where the operation is not performed there."""
    block = steps.fn.blocks[at[0]]
    t = (*block.statements, block.terminator)[at[1]]
    for pairs in _pairs(rule, steps, t, s):
        binding = Binding(rule.operands, s)
        if all(binding.bind(pattern, term, binding.names) for pattern, term in pairs):
            names = binding.names | {name: s.read(("v", name)) for name in rule.variables}
            if performed(rule, steps, at, s, names):
                return names
    return None


def _pairs(rule: Rule, steps: Steps, t: tuple, s: State) -> Iterator[list[tuple[Any, Term]]]:
    """What of a rule's operation may be what of a statement."""
    op = rule.operation
    if rule.slot or (op[0] == "call" and not rule.member):
        if t[0] == "call":
            patterns = [p for p in op[2] if p != ("rest",)]
            pairs = [(p, steps.value(a, s)) for p, a in zip(patterns, t[3], strict=False)]
            if isinstance(op[1], tuple):
                yield [*pairs, (op[1], held(steps.value(t[2], s)))]
            yield pairs
    elif op[0] == "return":
        if t[0] == "ret" and t[1] >= 0:
            yield [(op[1], steps.value(t[1], s))]
    elif op[0] == "assign":
        for e in below(steps, t[1]) if t[0] == "=" else ():
            target = [(op[1], steps.location(e, s))] if op[1][0] != "name" else []
            yield [(op[2], steps.value(t[2], s)), *target]
    else:
        yield from ([(op, steps.location(e, s))] for index in expressions(t) for e in below(steps, index))


class Binding:
    """Names that patterns bind in a state."""

    def __init__(self, free: tuple[str, ...], s: State) -> None:
        self.free = free
        self.s = s
        self.names: Names = {}

    def bind(self, pattern: Any, term: Term, names: Names) -> bool:
        """Match a pattern with a value or a place, binding names that are free."""
        op = pattern[0]
        if op == "name" and pattern[1] in self.free and term != ("g", pattern[1]):
            value = self.s.settle(term)
            return same(names.setdefault(pattern[1], value), value)
        if op == "addr":
            return self.bind(pattern[1], deref(term), names)
        if op == "member":
            return term[0] == "m" and term[2] == pattern[2] and self.bind(pattern[1], term[1], names)
        if op == "deref":
            return self.bind(pattern[1], term[1] if term[0] == "d" else ("a", term), names)
        if op == "index" and term[0] == "i":
            return self.bind(pattern[2], term[2], names) and self.bind(pattern[1], term[1], names)
        for x, y in (term[2:], term[:1:-1]) if op == "bin" and len(term) == 4 and term[:2] == ("o", pattern[1]) else ():
            trial = dict(names)
            if self.bind(pattern[2], x, trial) and self.bind(pattern[3], y, trial):
                names.update(trial)
                return True
        return op == "any" or (op in ("name", "int", "str") and same(evaluate(pattern, names), term))
