"""What a rule wants at an operation, in literals.

    ("call", check, arguments, denied)    the check was passed; an argument is a term, None for any, "rest"
    ("cond", term, truth)                 the condition was found true or false
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lattices.model import Pack, Rule
from verifier.verify.terms import UNKNOWN, Term, address, deref, operation, same, signed, truth_of, understood

Literal = tuple[Any, ...]
Clause = tuple[Literal, ...]
Names = dict[str, Term]


def evaluate(pattern: Any, names: Names) -> Term | None:
    """The term that a rule's expression names under bindings; None for `_` and calls."""
    op = pattern[0]
    if op == "name":
        return names.get(pattern[1]) or (("cur",) if pattern[1] == "current" else ("g", pattern[1]))
    if op in ("int", "str"):
        return ("c", signed(pattern[1])) if op == "int" else ("s", pattern[1])
    if op not in ("not", "bin", "un", "member", "index", "deref", "addr"):
        return None
    items: list[Any] = [evaluate(p, names) for p in pattern[1:] if isinstance(p, tuple)]
    if None in items:
        return None
    if op in ("member", "index"):
        return ("m", items[0], pattern[2]) if op == "member" else ("i", *items)
    if op in ("deref", "addr"):
        return deref(items[0]) if op == "deref" else address(items[0])
    return operation("!" if op == "not" else "neg" if (op, pattern[1]) == ("un", "-") else pattern[1], *items)


def required(rule: Rule, component: int, names: Names, pack: Pack, holds: Callable[[Literal], bool]) -> bool:
    """Whether a line of a rule holds under bindings, or an exemption does, or the rule's `when` was found false."""
    instead = [rule.requires[component], *(e.condition for e in rule.exempt)]
    idle = rule.when is not None and met(rule.when, names, pack, holds, True)
    return idle or any(met(pattern, names, pack, holds) for pattern in instead)


def met(pattern: Any, names: Names, pack: Pack, holds: Callable[[Literal], bool], negated: bool = False) -> bool:
    """Whether a rule's expression holds where certain literals do."""
    if pattern[0] == "not":
        return met(pattern[1], names, pack, holds, not negated)
    if pattern[0] in ("and", "or"):
        how = all if (pattern[0] == "and") != negated else any
        return how(met(p, names, pack, holds, negated) for p in pattern[1:])
    own = literal(pattern, names, pack, negated)
    return own is not None and holds(own)


def literal(pattern: Any, names: Names, pack: Pack, negated: bool) -> Literal | None:
    """The literal that an expression without and, or, not is; None where it is not understood."""
    if pattern[0] == "call" and pattern[1] not in pack.accessors:
        fixed = {"rest": "rest", "any": None}
        args = tuple(fixed[p[0]] if p[0] in fixed else evaluate(p, names) or UNKNOWN for p in pattern[2])
        return ("call", pattern[1], args, negated)
    value = evaluate(pattern, names)
    return None if value is None else ("cond", *truth_of(value, not negated))


def covers(have: Literal, want: Literal, pack: Pack) -> bool:
    """Whether a literal says what is wanted; of a check's mask it must have asked at least as much."""
    if want[0] == "cond" or (*have[:2], have[3:]) != (*want[:2], want[3:]):
        return have == want and understood(want[1])
    check = pack.check(want[1])
    for i, need in enumerate(want[2]):
        if need == "rest":
            break
        own = have[2][i] if i < len(have[2]) and isinstance(have[2][i], tuple) else UNKNOWN
        masked = check is not None and not want[3] and check.mask == i and isinstance(need, tuple) and need[0] == "c"
        if need is not None and not same(own, need) and not (masked and bits(own) & need[1] == need[1]):
            return False
    return True


def bits(mask: Term) -> int:
    """Bits that a mask has for certain."""
    if mask[:2] == ("o", "|"):
        return bits(mask[2]) | bits(mask[3])
    return mask[1] if mask[0] == "c" else 0
