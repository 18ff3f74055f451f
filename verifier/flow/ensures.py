"""From the states at a function's returns to its summary: what each outcome guarantees.

`ensures` is a disjunction of ways to return (design, "Exemptions inside wrappers"); ways that say less replace those
that say more, so the list stays short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

from verifier.flow.refine import outcome, refine
from verifier.flow.solver import Solver
from verifier.flow.state import ANY, NEG, NONZERO, POS, ZERO, State, sign
from verifier.flow.summary import Alternative
from verifier.flow.transfer import Frame
from verifier.flow.values import Value, export

MOST_WAYS = 10
MOST_CONDITIONS = 8


def alternatives(solver: Solver) -> tuple[Any, tuple[Alternative, ...]]:
    """(the term always returned or None, the ways of returning) of a solved function."""
    frame = solver.frame
    masks = frame.watcher.mask_argument
    ways: list[Alternative] = []
    returned: set[Any] = set()
    void = frame.fn.returns == "void"
    for key in sorted(solver.exits, key=lambda k: (k[0], solver.exits[k][2], sorted(f.number for f in k[1][0]), k[1][2])):
        state, value, _ = solver.exits[key]
        returned.add(export(value, lambda v: None) if value is not None else None)
        if value is None or void:
            ways.extend(_ways(masks, state, None, ANY))
        elif frame.pending(state, value) or frame.allowing(value) or (value.op == "o" and value.args[0] in ("!", "|", "==", "!=", "neg", "err", "<", ">=")):
            for s, mask in _split(frame, state, value):
                ways.extend(_ways(masks, s, value, mask))
        else:
            ways.extend(_ways(masks, state, value, outcome(state, value)[0]))
    term = next(iter(returned)) if len(returned) == 1 else None
    return term, reduce(ways)


def _split(frame: Frame, state: State, value: Value) -> Iterator[tuple[State, int]]:
    """States with one outcome class each of what is returned; an error number that a check reads as "allowed" is one
    of its own."""
    rest = [state]
    for number in frame.allowing(value):
        same = frame.values.operation("==", value, frame.values.const(number))
        for s in refine(state.copy(), same, NONZERO, frame.learn):
            yield s, sign(number)
        rest = [r for s in rest for r in refine(s.copy(), same, ZERO, frame.learn)]
    for left in rest:
        for mask in (NEG, ZERO, POS):
            if outcome(left, value)[0] & mask:
                for s in refine(left.copy(), value, mask, frame.learn):
                    yield s, mask


def _ways(masks: Callable[[str], int | None], state: State, value: Value | None, mask: int) -> list[Alternative]:
    def named(v: Value) -> tuple[Any, ...] | None:
        if value is not None and v is value and v.op not in ("c", "p", "s"):
            return ("ret",)
        return out_values.get(v)

    def returned(v: Value) -> tuple[Any, ...] | None:
        return ("ret",) if v is value else named(v)

    out_values: dict[Value, tuple[Any, ...]] = {}
    for place, held in state.env.items():
        if place.op == "L" or held.op not in ("r", "phi", "out"):
            continue
        term = export(place, lambda v: None)
        if term is not None:
            out_values.setdefault(held, ("ld", term))
    facts: list[Any] = []
    kept: list[Any] = [(f, named) for f in sorted(state.facts, key=lambda f: f.number) if f.op != "cond"]
    if value is not None and value.op == "p":
        # a parameter handed back: what holds of it holds of the result, which callers go on with
        kept += [(f, returned) for f, _ in kept if value in f.args[1]]
    for fact, rename in kept:
        args = [export(a, rename) for a in fact.args[1]]
        mask_at = masks(fact.args[0])
        if mask_at is not None and mask_at < len(args) and args[mask_at] is None:
            args[mask_at] = _known_bits(fact.args[1][mask_at], rename)
        if args and all(a is None or a[0] == "c" for a in args) and not all(a is not None for a in args):
            continue
        subject = export(fact.args[2], rename)
        if subject is None:
            continue
        facts.append((fact.op, fact.args[0], tuple(a if a is not None else ("un", "local") for a in args), subject))
    conditions: list[Any] = []
    for v, con in sorted(state.cons.items(), key=lambda item: item[0].number):
        if v.op not in ("p", "ld", "o") or (con[0] == ANY and con[1] is None and not con[2]):
            continue
        term = export(v, lambda _: None)
        if term is not None:
            conditions.append((term, con[0], con[1], tuple(sorted(con[2]))))
    _, eq, ne = outcome(state, value) if value is not None else (ANY, None, frozenset())
    if value is not None and value.op == "r" and ne and mask == NEG:
        conditions.insert(0, (("ret",), ANY, None, tuple(sorted(ne))))
    return [Alternative(mask, eq, tuple(facts), tuple(conditions[:MOST_CONDITIONS]))]


def _known_bits(mask: Value, rename: Callable[[Value], tuple[Any, ...] | None]) -> tuple[Any, ...] | None:
    """The part of a mask that callers can name: at least these rights were asked for."""
    if mask.op != "o" or mask.args[0] != "|":
        return export(mask, rename)
    parts = [p for p in (_known_bits(a, rename) for a in mask.args[1:]) if p is not None]
    return parts[0] if len(parts) == 1 else ("o", "|", *parts) if parts else None


def _weaker(a: Alternative, b: Alternative) -> bool:
    """`a` says no more than `b` for all that `b` covers."""
    return (
        not b.mask & ~a.mask
        and (a.eq is None or a.eq == b.eq)
        and set(a.facts) <= set(b.facts)
        and set(a.conditions) <= set(b.conditions)
    )


def reduce(ways: list[Alternative]) -> tuple[Alternative, ...]:
    """Without the ways that another one covers, ways with equal facts joined, and at most MOST_WAYS."""
    merged: dict[Any, Alternative] = {}
    for w in ways:
        key = (w.mask, w.eq, w.facts)
        old = merged.get(key)
        if old is not None:
            w = Alternative(w.mask, w.eq, w.facts, _common(old.conditions, w.conditions))
        merged[key] = w
    kept: list[Alternative] = []
    for w in merged.values():
        if not any(o is not w and _weaker(o, w) and (o in kept or not _weaker(w, o)) for o in merged.values()):
            kept.append(w)
    return tuple(_fewer(kept))


def _fewer(ways: list[Alternative]) -> list[Alternative]:
    """At most MOST_WAYS ways: the two that differ least become one, again and again; the first of equals.

    Agglomerative clustering with a queue of pairs (Kurita, "An efficient agglomerative clustering algorithm using a heap",
    Pattern Recognition 1991): a pair is out of date when one of its ways was merged after it was queued.
    """
    left = dict(enumerate(ways))
    if len(left) <= MOST_WAYS:
        return ways
    told = {i: _Told(way) for i, way in left.items()}
    queue = [(_loss(told[i], told[j]), i, j, 0, 0) for j in left for i in range(j)]
    heapify(queue)
    merges = dict.fromkeys(left, 0)
    while len(left) > MOST_WAYS:
        _, i, j, at_i, at_j = heappop(queue)
        if i not in left or j not in left or (at_i, at_j) != (merges[i], merges[j]):
            continue
        a, b = left.pop(j), left[i]
        facts = tuple(f for f in b.facts if f in told[j].facts)
        left[i] = Alternative(a.mask | b.mask, a.eq if a.eq == b.eq else None, facts, _common(a.conditions, b.conditions))
        told[i] = _Told(left[i])
        merges[i] += 1
        for other in left:
            if other != i:
                first, second = min(i, other), max(i, other)
                heappush(queue, (_loss(told[first], told[second]), first, second, merges[first], merges[second]))
    return list(left.values())


class _Told:
    """What a way says, as sets: its facts, their names with what they are, its conditions."""

    __slots__ = ("conditions", "eq", "facts", "mask", "names")

    def __init__(self, way: Alternative) -> None:
        self.mask, self.eq = way.mask, way.eq
        self.facts = frozenset(way.facts)
        self.names = frozenset(fact[:2] for fact in way.facts)
        self.conditions = frozenset(way.conditions)


def _loss(a: _Told, b: _Told) -> tuple[bool, bool, int, int]:
    """What is forgotten when two ways become one: their outcomes first, then what only one of them passed or found, then
    the objects of checks that both passed."""
    return a.mask != b.mask, a.eq != b.eq, len(a.names ^ b.names) + len(a.conditions ^ b.conditions), len(a.facts ^ b.facts)


def _common(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """Conditions that both imply, each as weak as the weaker of the two."""
    other = {c[0]: c for c in b}
    out = []
    for term, mask, eq, ne in a:
        match = other.get(term)
        if match is not None:
            _, mask2, eq2, ne2 = match
            joined = (term, mask | mask2, eq if eq == eq2 else None, tuple(n for n in ne if n in ne2))
            if joined[1] != ANY or joined[2] is not None or joined[3]:
                out.append(joined)
    return tuple(out)
