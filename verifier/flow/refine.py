"""Learning from branches: what a state knows after a value was seen in an outcome class.

Facts arise here and nowhere else: a check's call grants nothing until its result has been narrowed to the outcomes
that its hook defines as "allowed" (design, section 1).
"""

from __future__ import annotations

from collections.abc import Callable

from verifier.flow.state import ANY, FREE, NEG, NONZERO, POS, ZERO, Constraint, State, known, sign
from verifier.flow.values import Value

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}  # a < b is b > a
DENIED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}

Learn = Callable[[State, Value], list[State]]


def outcome(state: State, value: Value) -> Constraint:
    """What is known of a value, looking through operations."""
    direct = known(state, value)
    if value.op != "o":
        return direct
    op, *args = value.args
    mask = ANY
    if len(args) == 1:
        inner = outcome(state, args[0])
        if op == "neg":
            mask = (inner[0] & ZERO) | (POS if inner[0] & NEG else 0) | (NEG if inner[0] & POS else 0)
            if inner[1] is not None:
                return (sign(-inner[1]) & direct[0] or ANY, -inner[1], frozenset())
        elif op == "err":
            mask = (inner[0] & NEG) | (ZERO if inner[0] & (ZERO | POS) else 0)
        elif op == "!":
            mask = (POS if inner[0] & ZERO else 0) | (ZERO if inner[0] & NONZERO else 0)
        return (mask & direct[0] or mask, direct[1], direct[2])
    a, b = outcome(state, args[0]), outcome(state, args[1])
    if op in COMPARISONS:
        mask = compare(op, a, b)
        if mask == ZERO | POS and direct[0] & ZERO and direct[0] & NONZERO:
            mask = _by_bounds(state, op, args[0], args[1])
    elif op == "|":
        mask = 0
        if a[0] & ZERO and b[0] & ZERO:
            mask |= ZERO
        if (a[0] | b[0]) & NEG:
            mask |= NEG
        if (a[0] | b[0]) & POS:
            mask |= POS | (NEG if (a[0] | b[0]) & NEG else 0)
        mask = mask or ANY
    elif op == "&":
        if a[1] is not None and b[1] is not None:
            return (sign(a[1] & b[1]), a[1] & b[1], frozenset())
        if a[0] == ZERO or b[0] == ZERO:
            mask = ZERO
    elif op in ("+", "-") and a[1] is not None and b[1] is not None:
        number = a[1] + b[1] if op == "+" else a[1] - b[1]
        return (sign(number), number, frozenset())
    return (mask & direct[0] or mask, direct[1], direct[2])


def compare(op: str, a: Constraint, b: Constraint) -> int:
    """Outcome classes of a comparison of two constrained values."""
    if op in ("==", "!="):
        equal, unequal = True, True
        if a[1] is not None and b[1] is not None:
            equal, unequal = a[1] == b[1], a[1] != b[1]
        elif not a[0] & b[0] or (a[1] is not None and a[1] in b[2]) or (b[1] is not None and b[1] in a[2]):
            equal = False
        elif a[0] == ZERO and b[0] == ZERO:
            unequal = False
        true, false = (equal, unequal) if op == "==" else (unequal, equal)
        return (POS if true else 0) | (ZERO if false else 0)
    if a[1] is not None and b[1] is not None:
        x, y = a[1], b[1]
        return POS if {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op] else ZERO
    if b[1] == 0:
        allowed = {"<": NEG, "<=": NEG | ZERO, ">": POS, ">=": ZERO | POS}[op]
        return (POS if a[0] & allowed else 0) | (ZERO if a[0] & ~allowed else 0)
    return ZERO | POS


def bounds(state: State, value: Value) -> tuple[int | None, int | None]:
    """Least and greatest number that the comparisons with constants on the way here leave for a value (an interval
    as of Cousot and Cousot, ISOP 1976, read off the constraints instead of kept beside them)."""
    mask, eq, _ = known(state, value)
    if eq is not None:
        return eq, eq
    least = {ZERO | POS: 0, POS: 1, ZERO: 0}.get(mask)
    greatest = {NEG | ZERO: 0, NEG: -1, ZERO: 0}.get(mask)
    for other, con in state.cons.items():
        if other.op != "o" or len(other.args) != 3 or other.args[0] not in TURNED or (con[0] & ZERO and con[0] & NONZERO):
            continue
        op, a, b = other.args
        if b is value and a.op == "c":
            op, a, b = TURNED[op], b, a
        if a is not value or b.op != "c" or b.args[0] < 0:  # a negative one may be a large unsigned number
            continue
        if con[0] == ZERO:
            op = DENIED[op]
        number = b.args[0] + {"<": -1, ">": 1}.get(op, 0)
        if op in ("<", "<="):
            greatest = number if greatest is None else min(greatest, number)
        else:
            least = number if least is None else max(least, number)
    return least, greatest


def _by_bounds(state: State, op: str, a: Value, b: Value) -> int:
    """Outcome classes of a comparison with a constant, by what earlier comparisons left of the other side."""
    if a.op == "c":
        a, b, op = b, a, TURNED.get(op, op)
    if b.op != "c" or a.op == "c" or b.args[0] < 0:
        return ZERO | POS
    number = b.args[0]
    least, greatest = bounds(state, a)
    below = greatest is not None and greatest < number  # a < number for certain, and so on
    above = least is not None and least > number
    if op in ("==", "!="):
        return ZERO | POS if not below and not above else ZERO if op == "==" else POS
    at_most = below or greatest == number
    at_least = above or least == number
    true = {"<": below, "<=": at_most, ">": above, ">=": at_least}[op]
    false = {"<": at_least, "<=": above, ">": at_most, ">=": below}[op]
    return POS if true else ZERO if false else ZERO | POS


def refine(state: State, value: Value, mask: int, learn: Learn) -> list[State]:
    """States after `value` was seen in `mask`; none if that cannot be, several where a callee returned in several
    ways.  `state` is changed in place.  `learn` turns a narrowed value into facts."""
    op = value.op
    if op == "c":
        return [state] if sign(value.args[0]) & mask else []
    if op in ("&", "s", "f"):
        return [state] if POS & mask else []
    if op == "o":
        inner = _refine_operation(state, value, mask, learn)
        out: list[State] = []
        for s in inner:
            if s.narrow(value, mask):
                out.extend(learn(s, value))
        return out
    if not state.narrow(value, mask):
        return []
    return learn(state, value)


def _refine_operation(state: State, value: Value, mask: int, learn: Learn) -> list[State]:
    op, *args = value.args
    if not outcome(state, value)[0] & mask:
        return []
    if len(args) == 1:
        x = args[0]
        if op == "!":
            if mask & NONZERO and not mask & ZERO:
                return refine(state, x, ZERO, learn)
            if mask == ZERO:
                return refine(state, x, NONZERO, learn)
        elif op == "err":  # PTR_ERR_OR_ZERO: the error number of an error pointer, 0 of any other
            return refine(state, x, NEG if mask & NONZERO and not mask & ZERO else ZERO | POS if mask == ZERO else ANY, learn)
        elif op == "neg":
            flipped = (mask & ZERO) | (POS if mask & NEG else 0) | (NEG if mask & POS else 0)
            return refine(state, x, flipped, learn)
        return [state]
    a, b = args
    if op in COMPARISONS:
        if mask & ZERO and mask & NONZERO:
            return [state]
        truth = not mask & ZERO
        return _refine_comparison(state, op, a, b, truth, learn)
    if op == "|" and mask == ZERO:
        out: list[State] = []
        for s in refine(state, a, ZERO, learn):
            out.extend(refine(s, b, ZERO, learn))
        return out
    return [state]


def _refine_comparison(state: State, op: str, a: Value, b: Value, truth: bool, learn: Learn) -> list[State]:
    if not truth:
        op = {"==": "!=", "!=": "==", **DENIED}[op]
    kb, ka = outcome(state, b)[1], outcome(state, a)[1]
    if kb is None and ka is not None:
        a, b, ka, kb = b, a, kb, ka
        op = TURNED.get(op, op)
    if kb is None:
        return _refine_equal(state, a, b, learn) if op == "==" else [state]
    if op == "==":
        if a.op == "c":
            return [state] if a.args[0] == kb else []
        out = refine(state, a, sign(kb), learn)
        good = []
        for s in out:
            if s.narrow(a, sign(kb), eq=kb):
                good.extend(learn(s, a))
        return good
    if op == "!=":
        if kb == 0:
            return refine(state, a, NONZERO, learn)
        if a.op != "c" and not state.narrow(a, ANY, ne=kb):
            return []
        return learn(state, a)
    mask = ANY
    if op == "<" and kb <= 0:
        mask = NEG
    elif op == "<=" and kb <= 0:
        mask = NEG | ZERO if kb == 0 else NEG
    elif op == ">" and kb >= 0:
        mask = POS
    elif op == ">=" and kb >= 0:
        mask = POS if kb > 0 else ZERO | POS
    return refine(state, a, mask, learn) if mask != ANY else [state]


def _refine_equal(state: State, a: Value, b: Value, learn: Learn) -> list[State]:
    """Two unknown values are equal: each is in the classes of the other."""
    both = outcome(state, a)[0] & outcome(state, b)[0]
    if not both:
        return []
    out: list[State] = []
    for s in refine(state, a, both, learn):
        out.extend(refine(s, b, both, learn))
    return out


__all__ = ["COMPARISONS", "FREE", "bounds", "compare", "outcome", "refine"]
