"""What a rule wants at an operation, as clauses: every clause must hold, a clause holds where one of its literals does."""

from __future__ import annotations

from typing import Any

from lattices.model import Pack, Rule
from verifier.verify.clauses import Clause, Names, literal

MOST_CLAUSES = 12


def clauses(rule: Rule, component: int, names: Names, pack: Pack) -> list[Clause]:
    """A line of a rule under bindings, or an exemption, or the rule's `when` found false."""
    out = _cnf(rule.requires[component], names, pack, False)
    for exemption in rule.exempt:
        out = _either(out, _cnf(exemption.condition, names, pack, False))
    return out if rule.when is None else _either(out, _cnf(rule.when, names, pack, True))


def _cnf(pattern: Any, names: Names, pack: Pack, negated: bool) -> list[Clause]:
    op = pattern[0]
    if op in ("and", "or"):
        a, b = (_cnf(p, names, pack, negated) for p in pattern[1:])
        return a + b if (op == "and") != negated else _either(a, b)
    if op == "not":
        return _cnf(pattern[1], names, pack, not negated)
    own = literal(pattern, names, pack, negated)
    out: list[Clause] = [() if own is None else (own,)]
    if own is not None and own[0] == "cond" and own[1][0] == "c":
        return [] if (own[1][1] != 0) == own[2] else [()]
    return out


def _either(a: list[Clause], b: list[Clause]) -> list[Clause]:
    out = list(dict.fromkeys((*x, *(l for l in y if l not in x)) for x in a for y in b))
    return out if len(out) <= MOST_CLAUSES else a
