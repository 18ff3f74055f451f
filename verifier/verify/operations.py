"""Whether a statement is what a rule is about, with the objects that a certificate names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lattices.expressions import names as names_in
from lattices.model import Rule
from verifier.verify.clauses import Names, evaluate
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import Term, same


def performed(rule: Rule, steps: Steps, at: tuple[int, int], s: State, names: Names) -> bool:
    """Whether the statement or terminator at a point performs a rule's operation on these operands."""
    block = steps.fn.blocks[at[0]]
    t = (*block.statements, block.terminator)[at[1]]
    op = rule.operation
    if any(not same(names.get(name), s.read(("v", name))) for name in rule.variables):
        return False
    if rule.slot or (op[0] == "call" and not rule.member):
        return t[0] == "call" and called(rule, steps, t, s, names)
    if op[0] == "return":
        return t[0] == "ret" and t[1] >= 0 and fits(op[1], steps.value(t[1], s), names)
    stored = op[0] == "assign"
    if stored and (t[0] != "=" or not fits(op[2], steps.value(t[2], s), names) or (op[1][0] == "name" and op[1][1] in names)):
        return False
    inside = [e for index in (t[1:2] if stored else expressions(t)) for e in below(steps, index)]
    tagged = not rule.member or any(".".join(map(str, steps.fn.exprs[e][2:])) == rule.member for e in inside)
    return tagged and any(fits(op[1] if stored else op, steps.location(e, s), names) for e in inside)


def called(rule: Rule, steps: Steps, t: tuple, s: State, names: Names) -> bool:
    """Whether a call is that of a rule, by its name or through its slot, with its arguments."""
    _, callee, patterns = rule.operation
    fixed = [p for p in patterns if p != ("rest",)]
    if len(fixed) > len(t[3]) or not all(fits(p, steps.value(a, s), names) for p, a in zip(fixed, t[3], strict=False)):
        return False
    if not rule.slot:
        return steps.callee(t) == callee
    holder = held(steps.value(t[2], s))
    known = {*rule.variables}.union(*(names_in(p) for p in fixed))
    return holder[0] == "m" and rule.slot.endswith(f".{holder[2]}") and (names.keys() <= known or fits(callee, holder, names))


def fits(pattern: Any, term: Term, names: Names) -> bool:
    """Whether a pattern with its names bound is a term."""
    return pattern == ("any",) or same(evaluate(pattern, names), term)


def held(callee: Term) -> Term:
    """The place that a called pointer stands in."""
    return held(callee[1]) if callee[0] in ("d", "i") else callee


def expressions(t: tuple) -> Sequence[int]:
    """The expressions of a statement or terminator."""
    if t[0] in ("call", "asm"):
        return t[2] if t[0] == "asm" else [t[2], *t[3]]
    return t[1:3] if t[0] == "=" else t[1:2] if t[0] in ("br", "sw", "ret") and t[1] >= 0 else ()


def below(steps: Steps, index: int) -> Iterator[int]:
    """An expression and all expressions in it."""
    e = steps.fn.exprs[index]
    yield index
    for part in e[2:] if e[0] == "o" else e[1:3] if e[0] == "i" else e[1:2] if e[0] in ("m", "a", "d", "k") else ():
        yield from below(steps, part)
