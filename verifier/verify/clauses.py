"""What a rule wants at an operation, in literals.

    ("call", check, arguments, denied)    the check was passed; an argument is a term, None for any, "rest"
    ("cond", term, truth)                 the condition was found true or false
    ("found", term, truth)                the term was found equal to something, or different from something
    ("from", term, function, arguments)   the term is what a call of the function with these arguments returned
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lattices.model import Pack, Rule
from verifier.verify.terms import UNKNOWN, Term, address, deref, operation, same, signed, truth_of

Literal = tuple[Any, ...]
Clause = tuple[Literal, ...]
Names = dict[str, Term]


def evaluate(pattern: Any, names: Names, pack: Pack) -> Term | None:
    """The term that a rule's expression names under bindings; None for `_` and calls without a declared value."""
    op = pattern[0]
    if op == "name":
        return names.get(pattern[1]) or (("cur",) if pattern[1] == "current" else ("g", pattern[1]))
    if op in ("int", "str"):
        return ("c", signed(pattern[1])) if op == "int" else ("s", pattern[1])
    accessor = pack.accessors.get(pattern[1]) if op == "call" and isinstance(pattern[1], str) else None
    if op not in ("not", "bin", "un", "member", "index", "deref", "addr") and accessor is None:
        return None
    below = pattern[2] if accessor is not None else [p for p in pattern[1:] if isinstance(p, tuple)]
    items = [item for p in below if (item := evaluate(p, names, pack)) is not None]
    if len(items) < len(below):
        return None
    if accessor is not None:
        return evaluate(accessor.value, dict(zip(accessor.params, items, strict=False)), pack)
    if op == "member":
        return ("m", items[0], pattern[2], "")
    if op in ("index", "deref", "addr"):
        return ("i", *items) if op == "index" else deref(items[0]) if op == "deref" else address(items[0])
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
    return own is not None and (holds(own) or any(met(condition, bound, pack, holds) for condition, bound in spared(own, pack)))


def literal(pattern: Any, names: Names, pack: Pack, negated: bool) -> Literal | None:
    """The literal that an expression without and, or, not is; None where it is not understood."""
    if _asks(pattern, pack):
        return ("call", pattern[1], _arguments(pattern, names, pack), negated)
    same_wanted = pattern[0] == "bin" and (pattern[1] == "==") != negated
    for known, other in (pattern[2:], pattern[:1:-1]) if pattern[0] == "bin" and pattern[1] in ("==", "!=") else ():
        term = evaluate(known, names, pack) if other[0] == "any" or _asks(other, pack) else None
        if term is not None and other[0] == "any":
            return ("found", term, same_wanted)
        if term is not None and same_wanted:
            return ("from", term, other[1], _arguments(other, names, pack))
    value = evaluate(pattern, names, pack)
    return None if value is None else ("cond", *truth_of(value, not negated))


def spared(own: Literal, pack: Pack) -> Iterator[tuple[Any, Names]]:
    """Conditions of named exemptions that stand in for a check, with what their names are."""
    for _, exemption in sorted(pack.exemptions.items()):
        for check in exemption.checks if own[0] == "call" and not own[3] else ():
            names: Names = {}
            pairs = [(p, a) for p, a in zip(check[2], own[2], strict=False) if p[0] not in ("any", "rest") and isinstance(a, tuple)]
            if check[1] == own[1] and all(
                same(names.setdefault(p[1], a) if p[0] == "name" else evaluate(p, {}, pack), a) for p, a in pairs
            ):
                yield exemption.condition, names


def _asks(pattern: Any, pack: Pack) -> bool:
    return pattern[0] == "call" and isinstance(pattern[1], str) and pattern[1] not in pack.accessors


def _arguments(pattern: Any, names: Names, pack: Pack) -> tuple:
    fixed = {"rest": "rest", "any": None}
    return tuple(fixed[p[0]] if p[0] in fixed else evaluate(p, names, pack) or UNKNOWN for p in pattern[2])


def covers(have: Literal, want: Literal, pack: Pack) -> bool:
    """Whether a literal says what is wanted; of a check's mask it must have asked at least as much."""
    if (*have[:2], have[3:]) != (*want[:2], want[3:]) if want[0] == "call" else have[0] != want[0] or not same(have[1], want[1]):
        return False
    if want[0] in ("cond", "found") or (want[0] == "from" and have[2] != want[2]):
        return have[2] == want[2]
    check = pack.check(want[1]) if want[0] == "call" else None
    args = have[2 if want[0] == "call" else 3]
    for i, need in enumerate(want[2 if want[0] == "call" else 3]):
        if need == "rest":
            break
        own = args[i] if i < len(args) and isinstance(args[i], tuple) else UNKNOWN
        masked = check is not None and check.mask == i and isinstance(need, tuple) and need[0] == "c"
        if need is not None and not same(own, need) and not (masked and bits(own) & need[1] == need[1]):
            return False
    return True


def bits(mask: Term) -> int:
    """Bits that a mask has for certain."""
    if mask[:2] == ("o", "|"):
        return bits(mask[2]) | bits(mask[3])
    return mask[1] if mask[0] == "c" else 0
